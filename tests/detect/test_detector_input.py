from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import NotStereoError, UnreadableMediaError, UsageError
from earwitness.detect.detector import Detector
from earwitness.detect.detector_input import as_file, stereo_samples
from earwitness.media.writer import write_wav

SOUND = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 500))


@pytest.mark.parametrize(
    ("kind", "scale", "step"),
    [("int16", 2**15, 1 / 2**15), ("int32", 2**31, 1e-6), ("int8", 2**7, 1 / 2**7), ("float64", 1, 1e-6),
     ("float16", 1, 1e-3)],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_types_are_scaled_and_both_orders_accepted(kind: str, scale: float, step: float, turned: bool) -> None:
    given = (SOUND * scale).astype(kind)
    found, mono = stereo_samples(given.T if turned else given)
    assert (found.dtype, found.shape, mono) == (np.float32, (2, 500), False)
    assert found == pytest.approx(SOUND, abs=1.01 * step)


def test_unsigned_bytes_are_centred() -> None:
    found, _ = stereo_samples(np.array([[0, 128, 255], [128, 128, 128]], np.uint8))
    assert found.tolist() == [[-1.0, 0.0, 127 / 128], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("shape", [(500,), (1, 500), (500, 1)])
def test_one_channel_is_mono(shape: tuple[int, ...]) -> None:
    found, mono = stereo_samples(SOUND[0].reshape(shape), allow_mono=True)
    assert mono
    assert np.array_equal(found[0], found[1])
    with pytest.raises(NotStereoError, match="allow_mono=True"):
        stereo_samples(SOUND[0].reshape(shape))


@pytest.mark.parametrize(
    ("samples", "error", "advice"),
    [
        (np.zeros((2, 2)), NotStereoError, "may be two samples or two channels"),
        (np.zeros((6, 100)), NotStereoError, "mix the 6 channels down"),
        (np.zeros((1, 2, 100)), NotStereoError, r"samples\[0\]"),
        (np.zeros((0, 0)), NotStereoError, "two channels"),
        (np.float64(1), NotStereoError, "two channels"),
        (np.zeros((2, 100), np.int64), UsageError, "int64 have no known scale"),
        (np.zeros((2, 100), bool), UsageError, "bool have no known scale"),
        (np.zeros((2, 100), complex), UsageError, "complex128 have no known scale"),
        (np.full((2, 100), 12_000.0), UsageError, "reach 12000, .* divide them"),
        (np.full((2, 100), np.nan), UsageError, "not finite"),
        ([[1.0, 2.0], [3.0]], UsageError, "type list cannot be read"),
        (np.array([["a", "b", "c"]] * 2), UsageError, "have no known scale"),
    ],
)
def test_other_samples_say_how(samples: Any, error: type[Exception], advice: str) -> None:
    with pytest.raises(error, match=advice) as raised:
        stereo_samples(samples)
    assert "\n" not in str(raised.value)


class Odd:
    """What pretends to be an open file."""

    def __init__(self, contents: Any) -> None:
        self.contents = contents
        self.name = 7

    def read(self, size: int = -1) -> Any:
        if isinstance(self.contents, Exception):
            raise self.contents
        contents, self.contents = self.contents, b""
        return contents


def test_open_files_are_copied_unless_they_are_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file, as_file(file) as (found, name):
        assert (found, name) == (path, path)
    with path.open("rb") as file:
        file.read(5)
        with as_file(file) as (found, _):
            assert found != path
            assert (found.suffix, found.read_bytes()) == (".wav", b"56789")
    assert not found.exists()
    for contents in (b"abc", bytearray(b"abc"), memoryview(b"abc"), io.BytesIO(b"abc"), Odd(b"abc")):
        with as_file(contents) as (found, name):
            assert (found.read_bytes(), name) == (b"abc", None)
    with path.open() as text, pytest.raises(UsageError, match="text mode"), as_file(text):
        pass
    for problem in (OSError("gone"), ValueError("closed")):
        with pytest.raises(UsageError, match="cannot be read"), as_file(Odd(problem)):
            pass


def test_the_detector_takes_them_all(meter_model: Path, make_burst: Callable[..., Any], tmp_path: Path) -> None:
    detector = Detector.load(meter_model, vision=None)
    sound = make_burst(3, (0.5, 1.5, 40))
    write_wav(tmp_path / "a.wav", sound, 24_000)
    expected = detector.detect(tmp_path / "a.wav")
    contents = (tmp_path / "a.wav").read_bytes()
    assert len(expected) == 1
    for source in (contents, io.BytesIO(contents)):
        found = detector.detect(source)
        assert found.table.same_as(expected.table)
        assert (found.path, found.media_file) == (None, None)
    samples = (sound.T * 32767).astype(np.int16)
    assert detector.detect(samples, rate=24_000).table.same_as(expected.table, tolerance=1.0)
    (event,) = detector.detect(sound[::-1], rate=24_000, swap_channels=True).events
    assert event.azimuth == pytest.approx(40, abs=2)
    assert detector.detect(sound[0], rate=24_000, allow_mono=True).table.azimuth.size
    with pytest.raises(UsageError, match="need their rate"):
        detector.detect(sound)
    with pytest.raises(UsageError, match="'pictures' applies to files"):
        detector.detect(sound, rate=24_000, pictures="a.mp4")
    with pytest.raises(UnreadableMediaError):
        detector.detect(b"no media")
