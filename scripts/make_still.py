"""Make the picture of the README from the sample: `python scripts/make_still.py [--time SECONDS]`.

The sample is analysed and drawn by the command `demo`. The still is written only if what it shows is right at its time:
the sounds are those of the truth, each drawn and labelled within 6 degrees, and on or off screen as they are.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image

from earwitness.cli import demo
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.files.atomic import atomic_file
from earwitness.core.vocabulary import CLASSES
from earwitness.data.dcase.labels import read_table
from earwitness.media.pictures import PictureReader
from earwitness.render.marks import Mark, Marks
from earwitness.results.document import read_events

OUT: Final = Path(__file__).parents[1] / "docs" / "images" / "demo.jpg"
TIME: Final = 11.92
LARGEST_ERROR_DEG: Final = 6.0


def differences(truth: EventTable, drawn: list[Mark]) -> list[str]:
    """What is wrong in a frame: sounds that are missing, invented, drawn elsewhere, or wrong about the screen."""
    found = {mark.sound_class.index for mark in drawn}
    problems = [
        f"{CLASSES[index].name} is {'not detected' if index in truth.class_index else 'a false alarm'}"
        for index in sorted(set(truth.class_index.tolist()) ^ found)
    ]
    for mark in drawn:
        one, name = truth.select(truth.class_index == mark.sound_class.index), mark.sound_class.name
        if not len(one):
            continue
        azimuth = float(one.azimuth[0])
        print(f"{name}: truth {azimuth:+.0f} deg, drawn at {mark.azimuth:+.0f}, label {mark.text_azimuth:+.0f}")
        if max(abs(azimuth - mark.azimuth), abs(azimuth - mark.text_azimuth)) > LARGEST_ERROR_DEG:
            problems.append(f"{name} is drawn too far away")
        if bool(one.onscreen[0]) != mark.onscreen:
            problems.append(f"{name} is wrong about the screen")
    return problems


def main() -> None:
    """Write the still."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--time", type=float, default=TIME, help="time of the still, seconds")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    sample = Path(str(files("earwitness") / "assets" / "sample"))
    frame = int(arguments.time * FRAME_RATE + 1e-6)
    with TemporaryDirectory() as folder:
        demo.run(Path(folder))
        found = read_events(Path(folder) / "sample.json")
        truth = read_table(sample / "sample.csv", found.num_frames)
        problems = differences(truth.window(frame, frame + 1), Marks(found).at(arguments.time))
        if problems:
            raise SystemExit(f"not right at {arguments.time} s: {'; '.join(problems)}; choose another --time")
        pictures = PictureReader(Path(folder) / "sample.earwitness.mp4")
        picture = next(one.rgb for one in pictures if one.time >= arguments.time - 1e-3)
    with atomic_file(arguments.out) as temporary:
        Image.fromarray(picture).save(temporary, "JPEG", quality=88, optimize=True)
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
