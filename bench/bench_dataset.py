"""How fast data sets are checked and made: python bench/bench_dataset.py.

Generates a recording of STARSS23's sizes (four channels at 24 kHz, 1920x960 video), then prints seconds a clip.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from earwitness.data.check import check
from earwitness.data.crops import random_crops
from earwitness.data.foa import find_recordings
from earwitness.media.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.synthesis.starss import StereoJob, make_clips
from earwitness.synthesis.view360 import panorama_frames

RATE = 24_000
SECONDS = 12
SOUND_CLIPS = 200
VIDEO_CLIPS = 4


def make_starss(root: Path) -> Path:
    """One recording of noise, with a panorama that moves."""
    split, name = "dev-train-tau", "fold3_room4_mix001"
    rng = np.random.default_rng(0)
    write_wav(root / "foa_dev" / split / f"{name}.wav", rng.normal(scale=0.05, size=(4, SECONDS * RATE)), RATE)
    labels = root / "metadata_dev" / split / f"{name}.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text("".join(f"{frame},8,0,{frame % 360 - 180},0,243\n" for frame in range(SECONDS * 10)))
    coarse = rng.integers(0, 256, (60, 120, 3), dtype=np.uint8)
    picture = coarse.repeat(16, axis=0).repeat(16, axis=1)
    video = root / "video_dev" / split / f"{name}.mp4"
    with MediaWriter(video, 1920, 960, Fraction(30000, 1001), preset="ultrafast") as writer:
        for number in range(SECONDS * 30):
            writer.write_frame(np.roll(picture, number, axis=1), number * 1001 / 30000)
    return root


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        starss = make_starss(Path(folder, "starss"))
        recordings = find_recordings(starss)
        sound, pictures = StereoJob(Path(folder, "sound"), video=False), StereoJob(Path(folder, "pictures"))
        print(f"{'step':44} {'ms a clip':>10}")
        spent = timed(lambda: make_clips(random_crops(recordings, 0), SOUND_CLIPS, sound))
        print(f"{'dataset stereo, sound and labels':44} {spent / SOUND_CLIPS * 1000:10.1f}")
        spent = timed(lambda: make_clips(random_crops(recordings, 0), VIDEO_CLIPS, pictures))
        print(f"{'dataset stereo, with video':44} {spent / VIDEO_CLIPS * 1000:10.1f}")
        path = recordings[0].video
        assert path is not None
        spent = timed(lambda: sum(1 for _ in panorama_frames(path, 75, 150, recordings[0].fps)))
        print(f"{'  of which decoding 1920x960 alone':44} {spent * 1000:10.1f}")
        spent = timed(lambda: check(sound.out))
        print(f"{'dataset check, without pictures':44} {spent / SOUND_CLIPS * 1000:10.1f}")
        spent = timed(lambda: check(pictures.out))
        print(f"{'dataset check, with pictures':44} {spent / VIDEO_CLIPS * 1000:10.1f}")


if __name__ == "__main__":
    main()
