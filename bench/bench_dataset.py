"""Speed of checking and making data sets, and of reading them for training: `python bench/bench_dataset.py`.

Generates recordings in the format of STARSS23 (four channels at 24 kHz, 1920x960 video): one of moving noise, the
hardest case for a video decoder, and one of a drawn room with camera grain and four moving objects. Times are
processor time, so that other processes count little (they still compete for caches and shared cores).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.data.dcase.check import check  # noqa: E402
from earwitness.data.starss.crops import Crop, random_crops  # noqa: E402
from earwitness.data.starss.foa import Recording, find_recordings  # noqa: E402
from earwitness.data.starss.stereo_clips import StereoJob, make_clips, make_group  # noqa: E402
from earwitness.features import FeatureConfig  # noqa: E402
from earwitness.media.sound.wav import write_wav  # noqa: E402
from earwitness.media.view360 import PanoramaView, panorama_frames  # noqa: E402
from earwitness.media.writer import MediaWriter  # noqa: E402
from earwitness.scenes.pictures import draw_interior  # noqa: E402
from earwitness.training.data.clip_stream import SceneStream, batches  # noqa: E402
from earwitness.training.data.training_sources import open_sources  # noqa: E402
from earwitness.training.recipe_sections import DataSpec  # noqa: E402

RATE = 24_000
FPS = Fraction(30_000, 1001)
SECONDS = 12
SOUND_CLIPS = 200
DENSE_CLIPS = 13
"""Overlapping crops of a recording, 0.9 s of it a clip, as the official 30,000 crops of 7.5 h have."""
Frame = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def noise() -> Iterator[Frame]:
    """Moving blocks of random colours."""
    coarse = np.random.default_rng(0).integers(0, 256, (60, 120, 3), dtype=np.uint8)
    picture = coarse.repeat(16, axis=0).repeat(16, axis=1)
    for number in range(SECONDS * 30):
        yield np.roll(picture, number, axis=1)


def room() -> Iterator[Frame]:
    """A static room with grain and four moving patches."""
    rng = np.random.default_rng(3)
    still = draw_interior((6.0, 5.0, 2.9), (3.0, 2.5, 1.5), rng).panorama(1920)
    grain = [rng.normal(0, 1.5, (960, 1920, 1)).astype(np.int8) for _ in range(3)]
    for number in range(SECONDS * 30):
        frame = still.copy()
        for person in range(4):
            left = int(300 + 430 * person + 100 * np.sin(number / (40 + 9 * person)))
            frame[380:700, left : left + 90] = 255 - still[100:420, 200 * person : 200 * person + 90]
        yield (frame.astype(np.int16) + grain[number % 3]).clip(0, 255).astype(np.uint8)


def make_starss(root: Path, name: str, frames: Iterator[Frame] | None, preset: str = "") -> Recording:
    """Write a data set of one recording."""
    # Recordings of one name are one recording; sets that are trained and validated on must not share one.
    split, rng = "dev-train-tau", np.random.default_rng(list(name.encode()))
    write_wav(root / "foa_dev" / split / f"{name}.wav", rng.normal(scale=0.05, size=(4, SECONDS * RATE)), RATE)
    labels = root / "metadata_dev" / split / f"{name}.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text("".join(f"{frame},8,0,{frame % 360 - 180},0,243\n" for frame in range(SECONDS * 10)))
    if frames is not None:
        video = root / "video_dev" / split / f"{name}.mp4"
        with MediaWriter(video, 1920, 960, FPS, preset=preset, options={"crf": "23"}) as writer:
            for number, frame in enumerate(frames):
                writer.write_frame(frame, float(number / FPS))
    return find_recordings(root)[0]


def cost(work: Callable[[], object]) -> float:
    """Processor seconds that `work` takes."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def say(step: str, seconds: float) -> None:
    """Print one row of the table."""
    print(f"{step:64} {seconds * 1000:9.1f}", flush=True)


def bench_pictures(recording: Recording, kind: str, out: Path) -> None:
    """Measure single crops, overlapping crops, and their parts."""
    lone, dense = StereoJob(out / "lone"), StereoJob(out / "dense")
    # Whole degrees need only three maps (35 ms each), which are computed once per run.
    list(make_group([Crop(recording, 0, yaw) for yaw in (9, 47, 94)], StereoJob(out / "warm")))
    say(f"dataset stereo, {kind}: a crop on its own", cost(lambda: list(make_group([Crop(recording, 31, 210)], lone))))
    starts = np.linspace(0, SECONDS * 10 - 50, DENSE_CLIPS).astype(int).tolist()
    crops = [Crop(recording, start, 47 * number % 360) for number, start in enumerate(starts)]
    say(f"  {DENSE_CLIPS} crops of {SECONDS} s, each", cost(lambda: list(make_group(crops, dense))) / DENSE_CLIPS)
    path = recording.video
    assert path is not None
    say("  of which decoding 5 s", cost(lambda: sum(1 for _ in panorama_frames(path, 0, 150, recording.fps))))
    frames = list(panorama_frames(path, 0, 30, recording.fps))
    view = PanoramaView(1920, 960, frames[0].format.name, 9)
    say("  of which views of 5 s", 5 * cost(lambda: [view(frame) for frame in frames]))


def bench_training(dataset: Path, other: Path, shards: Path) -> None:
    """Measure clips as the training loop receives them, with their swapped copies."""
    raw = {"folders": [{"root": str(dataset)}], "valid_folder": {"root": str(other)}}
    features = FeatureConfig()
    for name, more in (("on the fly", {}), ("from the shard", {"shards": str(shards)})):
        spec = DataSpec.model_validate(raw | more)
        say(f"training set {name}: first opening, a clip", cost(lambda: open_sources(spec, features)) / SOUND_CLIPS)  # noqa: B023
        say("  opening again, a clip", cost(lambda: open_sources(spec, features)) / SOUND_CLIPS)  # noqa: B023
        stream = SceneStream(open_sources(spec, features).train, features, seed=1)
        steps = 4 if not more else 60
        loader = batches(stream, start=0, stop=steps, scenes=16)
        say("  reading, a clip", cost(lambda: [None for _ in loader]) / (steps * 32))  # noqa: B023


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        plain = make_starss(root / "plain", "fold3_room4_mix001", None)
        sound = StereoJob(root / "sound", video=False)
        print(f"{'step':64} {'ms':>9}")
        spent = cost(lambda: make_clips(random_crops([plain], 0), SOUND_CLIPS, sound))
        say("dataset stereo, sound and labels: a clip", spent / SOUND_CLIPS)
        for kind, frames, preset in (("a room", room(), "fast"), ("noise", noise(), "ultrafast")):
            recording = make_starss(root / kind, "fold3_room5_mix001", frames, preset)
            bench_pictures(recording, kind, root / "made" / kind)
        say("dataset check, without pictures: a clip", cost(lambda: check(sound.out)) / SOUND_CLIPS)
        pictures = root / "made" / "a room" / "dense"
        say("dataset check, with pictures: a clip", cost(lambda: check(pictures)) / DENSE_CLIPS)
        bench_training(sound.out, pictures, root / "shards")


if __name__ == "__main__":
    main()
