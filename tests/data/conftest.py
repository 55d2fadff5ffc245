"""Small data sets of exactly the layouts of DCASE2025 and STARSS23."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter

RATE = 24_000
HEADER = "frame,class,source,azimuth,distance,onscreen"


def write_video(path: Path, frames: int, width: int = 640, height: int = 360) -> None:
    """A picture whose brightness says which frame it is."""
    with MediaWriter(path, width, height, Fraction(30000, 1001), preset="ultrafast") as writer:
        for number in range(frames):
            picture = np.full((height, width, 3), 20 + 3 * number % 210, dtype=np.uint8)
            writer.write_frame(picture, number * 1001 / 30000)


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("picture") / "clip.mp4"
    write_video(path, 150)
    return path.read_bytes()


@pytest.fixture
def make_set(tmp_path: Path, picture: bytes) -> Callable[..., Path]:
    """Makes a sound data set: two training rooms, one test room, two clips each, with pictures."""

    def make(name: str = "set", pictures: bool = True) -> Path:
        root = tmp_path / name
        rng = np.random.default_rng(0)
        for split, fold, room in (("dev-train-sony", 3, 21), ("dev-train-tau", 3, 4), ("dev-test-tau", 4, 8)):
            for mix in (1, 2):
                clip = f"fold{fold}_room{room}_mix{mix:03d}_deg{40 * mix:03d}_start0010"
                sound = rng.normal(scale=0.05, size=(2, 5 * RATE))
                write_wav(root / "stereo_dev" / split / f"{clip}.wav", sound, RATE)
                labels = root / "metadata_dev" / split / f"{clip}.csv"
                labels.parent.mkdir(parents=True, exist_ok=True)
                rows = [f"{frame},{mix},0,{10 * mix},150,{mix % 2}" for frame in range(10, 20)]
                rows += ["15,8,1,-80,300,0"] if mix == 2 else []
                labels.write_text("\n".join([HEADER, *rows, ""]))
                if pictures:
                    video = root / "video_dev" / split / f"{clip}.mp4"
                    video.parent.mkdir(parents=True, exist_ok=True)
                    video.write_bytes(picture)
        return root

    return make


@pytest.fixture
def make_starss(tmp_path: Path) -> Callable[..., Path]:
    """Makes an ambisonic set of three recordings of 8 s: white noise from 40 degrees left, walking one degree a frame.

    With `video`, one of them has a 7-s panorama whose brightness says which picture it is.
    """

    def make(name: str = "starss", video: bool = False, height: int = 240, distance: str = ",243") -> Path:
        root = tmp_path / name
        rng = np.random.default_rng(5)
        recordings = ("dev-train-sony", "fold3_room21_mix013"), ("dev-train-tau", "fold3_room4_mix001")
        for split, recording in (*recordings, ("dev-test-tau", "fold4_room8_mix001")):
            noise = rng.normal(scale=0.05, size=8 * RATE)
            side, ahead = np.sin(np.radians(40)), np.cos(np.radians(40))
            write_wav(
                root / "foa_dev" / split / f"{recording}.wav",
                np.stack([noise, side * noise, 0 * noise, ahead * noise]), RATE,
            )  # fmt: skip
            labels = root / "metadata_dev" / split / f"{recording}.csv"
            labels.parent.mkdir(parents=True, exist_ok=True)
            labels.write_text("".join(f"{frame},8,0,{40 + frame // 10},0{distance}\n" for frame in range(80)))
        if video:
            path = root / "video_dev" / "dev-train-sony" / "fold3_room21_mix013.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_video(path, 210, 480, height)
        return root

    return make
