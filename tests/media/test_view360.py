from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame
from scipy.ndimage import gaussian_filter

from earwitness.core.errors import UnreadableMediaError
from earwitness.core.geometry import Camera
from earwitness.media.pictures import PictureReader
from earwitness.media.view360 import PanoramaView, panorama_frames
from earwitness.media.writer import MediaWriter
from earwitness.scenes.pictures import view

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "perspective.npz"
SMALL = Camera(width=160, height=90)


def seen_by_filter(panorama: np.ndarray, yaw: float, camera: Camera) -> np.ndarray:
    frame = VideoFrame.from_ndarray(panorama, format="rgb24").reformat(format="gbrp")
    frame.pts = 0
    height, width = panorama.shape[:2]
    return PanoramaView(width, height, "gbrp", yaw, camera)(frame).to_ndarray(format="rgb24").astype(int)


@pytest.mark.parametrize("yaw", [0, 45, 200])
def test_equals_the_official_views_but_for_their_seam(yaw: int) -> None:
    golden = np.load(GOLDEN)
    off = np.abs(seen_by_filter(golden["equirect"], yaw, SMALL) - golden[f"perspective_deg{yaw}"]).max(axis=2)
    assert (off > 2).mean() <= (0.02 if yaw == 200 else 0)
    assert off.max() <= (8 if yaw == 200 else 2)


@pytest.mark.parametrize("yaw", [-170, -91, -40.5, 0, 89, 91, 135, 179, 180, 270, 359])
def test_equals_the_reference_at_every_yaw(yaw: float) -> None:
    smooth = gaussian_filter(np.random.default_rng(1).normal(size=(240, 480, 3)), (8, 8, 0), mode="wrap")
    panorama = np.interp(smooth, (smooth.min(), smooth.max()), (0, 255)).astype(np.uint8)
    assert np.abs(seen_by_filter(panorama, yaw, SMALL) - view(panorama, yaw, SMALL)).max() <= 2


@pytest.mark.parametrize("size", [(60, 30), (66, 33), (482, 241), (1920, 960)])
@pytest.mark.parametrize("yaw", [0, 67, 180])
def test_panoramas_of_any_size(size: tuple[int, int], yaw: float) -> None:
    width, height = size
    panorama = np.random.default_rng(2).integers(0, 256, (height, width, 3), dtype=np.uint8)
    panorama = gaussian_filter(panorama, (2, 2, 0), mode="wrap")
    assert np.abs(seen_by_filter(panorama, yaw, SMALL) - view(panorama, yaw, SMALL)).max() <= 2


@pytest.mark.parametrize("degrees", [20, 100, 150])
def test_other_cameras(degrees: float) -> None:
    camera = Camera(width=64, height=48, horizontal_fov_deg=degrees)
    panorama = np.random.default_rng(3).integers(0, 256, (240, 480, 3), dtype=np.uint8)
    panorama = gaussian_filter(panorama, (3, 3, 0), mode="wrap")
    assert np.abs(seen_by_filter(panorama, 170.0, camera) - view(panorama, 170.0, camera)).max() <= 2


def make_video(path: Path, frames: int) -> None:
    with MediaWriter(path, 64, 32, Fraction(30000, 1001), preset="ultrafast") as writer:
        for number in range(frames):
            writer.write_frame(np.full((32, 64, 3), 20 + 3 * number % 210, dtype=np.uint8), number * 1001 / 30000)


@pytest.mark.parametrize("first", [0, 1, 77, 249, 251, 299])
def test_reads_exactly_the_pictures_asked_for(tmp_path: Path, first: int) -> None:
    make_video(tmp_path / "a.mp4", 300)  # more than one group of pictures
    frames = list(panorama_frames(tmp_path / "a.mp4", first, 20, 30000 / 1001))
    levels = [float(frame.to_ndarray(format="rgb24").mean()) for frame in frames]
    expected = 20 + 3 * np.arange(first, min(first + 20, 300)) % 210
    assert len(levels) == len(expected)
    assert np.abs(np.array(levels) - expected).max() < 1.5


def test_pictures_behind_the_end_are_an_error(tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", 10)
    with pytest.raises(UnreadableMediaError, match="picture 50 cannot be decoded"):
        list(panorama_frames(tmp_path / "a.mp4", 50, 20, 30000 / 1001))


def test_colours_stay(tmp_path: Path) -> None:
    colour = (200, 40, 90)
    with MediaWriter(tmp_path / "a.mp4", 480, 240) as writer:
        writer.write_frame(np.full((240, 480, 3), colour, dtype=np.uint8), 0.0)
    (panorama,) = panorama_frames(tmp_path / "a.mp4", 0, 1, 25)
    seen = PanoramaView(480, 240, panorama.format.name, 120)(panorama)
    with MediaWriter(tmp_path / "b.mp4", 640, 360) as writer:
        writer.write_video_frame(seen, 0.0)
    (picture,) = PictureReader(tmp_path / "b.mp4")
    assert np.abs(picture.rgb.reshape(-1, 3).mean(axis=0) - colour).max() < 3


def interrupted_after(lines: int, view: PanoramaView, panorama: VideoFrame) -> bool:
    """Interrupt a view after some lines of Python, as a limit on its time would; whether it was interrupted."""
    left = lines

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith("view360.py"):
            return None
        left -= event == "line"
        if left < 0:
            raise TimeoutError
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        view(panorama)
    except TimeoutError:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupted_view_does_not_delay_the_pictures_of_the_next_one() -> None:
    levels = iter(range(20, 240, 5))

    def panorama() -> tuple[int, VideoFrame]:
        level = next(levels)
        frame = VideoFrame.from_ndarray(np.full((240, 480, 3), level, dtype=np.uint8), format="rgb24")
        frame = frame.reformat(format="gbrp")
        frame.pts = level
        return level, frame

    lines = 0
    while interrupted_after(lines, PanoramaView(480, 240, "gbrp", 30.0, SMALL), panorama()[1]):
        lines += 1
        level, frame = panorama()
        shown = PanoramaView(480, 240, "gbrp", 30.0, SMALL)(frame)
        assert abs(shown.to_ndarray(format="rgb24").mean() - level) < 1.5, lines
    assert lines > 5
