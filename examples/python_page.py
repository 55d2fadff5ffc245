"""The examples of docs/python.md, for the check of types."""

from earwitness import Detector

detector = Detector.load("default")
result = detector.detect("clip.mp4")
print(result)

import numpy as np

with open("clip.mp4", "rb") as file:
    from_file = detector.detect(file)
with open("clip.mp4", "rb") as file:
    from_bytes = detector.detect(file.read())

silence = np.zeros((48_000, 2), dtype=np.int16)
from_samples = detector.detect(silence, rate=48_000)

from earwitness.core.errors import NotStereoError

try:
    detector.detect(np.zeros(48_000), rate=48_000)
except NotStereoError as error:
    print(error)

from dataclasses import asdict

for event in result.events:
    print(f"{event.start:.1f}-{event.end:.1f} s  {event.name}  {event.azimuth:.0f} degrees  {event.distance:.1f} m")
print(len(result), [asdict(event)["slug"] for event in result])

first_second = result[0:1]
bells = result["bell", "telephone"]
on_the_left = result.select(azimuth=(0, 90), score=0.5)
people = result.select(classes="people", time=(1, None), onscreen=True)

events = result.to_pandas()
print(events.groupby("class")["duration_s"].sum())
tracks = result.to_pandas(tracks=True)

figure = result.plot("plot.png")

from earwitness import read_result

result.save("clip.json")
result.save("clip.srt", language="de")
result.save("clip.events.csv")
result.save("markers.edl", fps="29.97")

again = read_result("clip.json", "clip.mp4")
print(again.table.same_as(result.table))

from pathlib import Path

from earwitness.export.captions.caption_check import check_cues
from earwitness.export.captions.captions import CaptionSettings, captions
from earwitness.export.event_clips import ClipSettings, write_clips

settings = CaptionSettings(language="fr")
found = captions(result, settings)
for cue in found.cues:
    print(cue.start, cue.end, cue.text)
assert not check_cues(found.cues, settings.rules())

index = write_clips(again, Path("clips") / "clip", ClipSettings("sound", padding=0.2))
