from __future__ import annotations

import gc
import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from earwitness.core.errors import NoVideoError, UnreadableMediaError
from earwitness.media.pictures import Orientation, PictureReader, picture_seconds, square_width

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def corners(rgb: Any) -> list[str]:
    """Names of the colours of the corners: top-left, top-right, bottom-left, bottom-right."""
    places = [rgb[10, 10], rgb[10, -10], rgb[-10, 10], rgb[-10, -10]]
    names = {"red": RED, "green": GREEN, "blue": BLUE, "grey": (128, 128, 128)}
    return [min(names, key=lambda name: np.abs(np.array(names[name]) - place).sum()) for place in places]


def number(rgb: Any) -> int:
    """Which of the conftest's brightness pictures this is."""
    return round((float(rgb.mean()) - 4) / 8)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [(0, ["red", "green", "blue", "grey"]), (90, ["green", "grey", "red", "blue"]),
     (180, ["grey", "blue", "green", "red"]), (270, ["blue", "red", "grey", "green"])],
)  # fmt: skip
@pytest.mark.parametrize("mirrored", [False, True])
def test_display_matrix_is_applied(
    tmp_path: Path, toolbox: Any, turn: int, expected: list[str], mirrored: bool
) -> None:
    path = toolbox.write_media(
        tmp_path / "phone.mp4",
        pictures=[toolbox.corner_picture()] * 3,
        prepare=lambda stream: stream.set_display_rotation(turn, hflip=mirrored),
    )
    reader = PictureReader(path)
    picture = next(iter(reader)).rgb
    if mirrored:
        a, b, c, d = expected
        expected = [b, a, d, c]
    assert corners(picture) == expected
    assert picture.flags.c_contiguous
    assert picture.shape == (reader.height, reader.width, 3)
    assert picture.shape[:2] == ((160, 96) if turn % 180 else (96, 160))


def test_rotation_agrees_with_the_decoder(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(
        tmp_path / "phone.mp4", pictures=[toolbox.corner_picture()] * 3,
        prepare=lambda stream: stream.set_display_rotation(90),
    )  # fmt: skip
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
        turned = np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90)
    np.testing.assert_array_equal(next(iter(PictureReader(path))).rgb, turned)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_variable_frame_rate_keeps_true_times(tmp_path: Path, toolbox: Any, suffix: str) -> None:
    times = [0.0, 0.1, 0.15, 0.5, 0.52, 1.3, 2.0]
    path = toolbox.write_media(
        tmp_path / f"vfr.{suffix}", pictures=toolbox.brightness_pictures(len(times)), times=times
    )
    pictures = list(PictureReader(path))
    assert [picture.time for picture in pictures] == pytest.approx(times, abs=1e-3)
    assert [number(picture.rgb) for picture in pictures] == list(range(len(times)))


def test_sampling_gives_what_a_player_shows(tmp_path: Path, toolbox: Any) -> None:
    times = [0.0, 0.1, 0.15, 0.5, 0.52, 1.3, 2.0]
    path = toolbox.write_media(tmp_path / "vfr.mp4", pictures=toolbox.brightness_pictures(len(times)), times=times)
    pictures = list(PictureReader(path, fps=4))
    assert [picture.time for picture in pictures[:9]] == [k / 4 for k in range(9)]
    assert [number(picture.rgb) for picture in pictures[:9]] == [0, 2, 3, 4, 4, 4, 5, 5, 6]


def test_sampling_at_the_files_own_rate_changes_nothing(clip: Path) -> None:
    whole, sampled = list(PictureReader(clip)), list(PictureReader(clip, fps=30))
    assert len(whole) == len(sampled) == 60
    assert [number(picture.rgb) for picture in sampled] == [k % 31 for k in range(60)]


def test_times_start_at_the_containers_zero(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(
        tmp_path / "x.ts", pictures=toolbox.brightness_pictures(10), sound=toolbox.tone_burst(48000, 0.3, 0.1, 0.2)
    )
    with av.open(str(path)) as container:
        begins = container.start_time / 1e6
        stamp = float(container.streams.video[0].start_time * container.streams.video[0].time_base)
    assert next(iter(PictureReader(path))).time == pytest.approx(stamp - begins, abs=1e-3)


def test_joined_streams_whose_clock_restarts_go_on(tmp_path: Path, toolbox: Any) -> None:
    part = toolbox.write_media(
        tmp_path / "x.ts", pictures=toolbox.brightness_pictures(60), sound=toolbox.tone_burst(48000, 2.0, 0.1, 0.2)
    )
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    reader = PictureReader(joined)
    times = [picture.time for picture in reader]
    assert len(times) == 120
    assert np.diff(times) == pytest.approx(1 / 30, abs=0.002)
    assert reader.warnings == ["the time stamps of the pictures jump 1 times; later times may be wrong"]
    assert picture_seconds(joined) == pytest.approx(reader.duration, abs=0.1)
    sampled = [number(picture.rgb) for picture in PictureReader(joined, fps=10)]
    assert len(sampled) in (40, 41)
    assert picture_seconds(part) == pytest.approx(2.0, abs=0.1)


def test_the_end_of_the_pictures_is_known_without_decoding(clip: Path, tmp_path: Path, toolbox: Any) -> None:
    reader = PictureReader(clip)
    list(reader)
    assert picture_seconds(clip) == pytest.approx(reader.duration, abs=1e-3)
    assert picture_seconds(toolbox.write_media(tmp_path / "x.m4a", sound=toolbox.tone_burst(48000, 0.3, 0, 0.2))) == 0


def test_pictures_that_begin_late_say_when(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(
        tmp_path / "late.mkv", pictures=toolbox.brightness_pictures(5), times=[1.0, 1.1, 1.2, 1.3, 1.4],
        sound=toolbox.tone_burst(48000, 1.5, 0.1, 0.2),
    )  # fmt: skip
    reader = PictureReader(path, fps=10)
    assert next(iter(reader)).time == 0
    assert reader.start == pytest.approx(1.0, abs=1e-3)


def test_non_square_pixels_are_made_square(tmp_path: Path, toolbox: Any) -> None:
    from fractions import Fraction

    def wide(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)

    path = toolbox.write_media(tmp_path / "dv.mp4", pictures=[toolbox.corner_picture()] * 2, prepare=wide)
    reader = PictureReader(path)
    assert (reader.width, reader.height) == (320, 96)
    assert next(iter(reader)).rgb.shape == (96, 320, 3)


def test_truncated_video_gives_what_there_is(tmp_path: Path, toolbox: Any) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (96, 160, 3), dtype=np.uint8) for _ in range(30)]
    whole = toolbox.write_media(tmp_path / "x.mkv", pictures=pictures)
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert 5 < len(list(PictureReader(part))) < 25


def test_sound_file_has_no_pictures(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(tmp_path / "x.m4a", sound=toolbox.tone_burst(48000, 0.3, 0.1, 0.2))
    with pytest.raises(NoVideoError, match="no pictures, only sound"):
        PictureReader(path)


def test_junk_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "junk.mp4").write_bytes(b"not a video" * 100)
    with pytest.raises(UnreadableMediaError):
        PictureReader(tmp_path / "junk.mp4")


def test_no_picture_outlives_its_turn(clip: Path) -> None:
    """Decoded pictures are large: they must go when the next comes, not when Python looks for circles."""
    gc.collect()
    gc.disable()
    try:
        before = sum(isinstance(one, VideoFrame) for one in gc.get_objects())
        seen = sum(1 for _ in PictureReader(clip))
        left = sum(isinstance(one, VideoFrame) for one in gc.get_objects()) - before
    finally:
        gc.enable()
    assert seen > 5
    assert left <= 1


ALL = [Orientation(*flags) for flags in itertools.product((False, True), repeat=3)]


@pytest.mark.parametrize("orientation", ALL)
def test_size_and_picture_agree(orientation: Orientation) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    shown = orientation.apply(picture)
    assert shown.flags.c_contiguous
    assert shown.shape[1::-1] == orientation.size(3, 2)
    assert sorted(map(tuple, shown.reshape(-1, 3))) == sorted(map(tuple, picture.reshape(-1, 3)))


@pytest.mark.parametrize("turns", range(4))
def test_rotations_are_counter_clockwise(turns: int) -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    (orientation,) = [one for one in ALL if np.array_equal(one.apply(picture), np.rot90(picture, turns))]
    assert orientation.rotation == 90 * turns


def test_a_frame_without_a_matrix_is_upright() -> None:
    assert Orientation.of(VideoFrame(16, 8, "rgb24")) == Orientation()


@pytest.mark.parametrize(("aspect", "width"), [(None, 720), (Fraction(1), 720), (Fraction(16, 15), 768), (0, 720)])
def test_pixels_are_made_square(aspect: Fraction | None, width: int) -> None:
    assert square_width(VideoFrame(720, 576, "rgb24"), aspect) == width
