"""What a detector accepts besides paths: samples of any usual type and shape, bytes, and open files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import NotStereoError, UsageError, shortened
from earwitness.core.events import EventTable
from earwitness.detect.any_sound.sound_plan import SoundPlan
from earwitness.detect.any_sound.steering import SoundSource
from earwitness.detect.detect_settings import DetectSettings
from earwitness.media.containers.probe import MediaInfo
from earwitness.media.timeline import Stretch
from earwitness.results.detection import has_moving_pictures, off_screen, without_direction, without_direction_in

Source = str | os.PathLike[str] | bytes | BinaryIO | ArrayLike
"""A path; the contents of a file; a file opened for reading in binary mode; or samples."""
LOUDEST: Final = 16.0
"""Samples beyond this are not in [-1, 1] with some overshoot, but in another scale."""
_FULL_SCALE: Final = {"int16": 2.0**15, "int32": 2.0**31, "int8": 2.0**7, "uint8": 2.0**7}
_OF_FILES: Final = ("pictures", "track", "incremental")


@dataclass(frozen=True, slots=True)
class InputFacts:
    """Facts about the input of a detection.

    Attributes:
        media: None for samples in memory.
        mono: whether the sound has one channel.
        plan: what to say about sounds that are none of the classes.
        again: returns the sound from its beginning, in blocks (2, n).
        sha256: of the media file.
        undirected: stretches that the reader found to carry no direction.
        warnings: of the reader.
    """

    media: MediaInfo | None
    mono: bool
    plan: SoundPlan
    again: SoundSource
    sha256: str | None = None
    undirected: Sequence[Stretch] = ()
    warnings: Sequence[str] = ()

    def checked(self, table: EventTable, stretches: Sequence[Stretch], *, mono: bool) -> EventTable:
        """Decoded events with only those directions and pictures that the input can have.

        Args:
            table: the events.
            stretches: further stretches without direction.
            mono: whether the sound has no direction at all.
        """
        table = without_direction(table) if mono else table
        table = without_direction_in(table, [*self.undirected, *stretches])
        return table if has_moving_pictures(self.media) else off_screen(table)


def is_file_like(source: object) -> bool:
    """Whether a source is a path object, the contents of a file or an open file, and so not samples."""
    return isinstance(source, bytes | bytearray | memoryview | os.PathLike) or hasattr(source, "read")


def check_for_samples(settings: DetectSettings, rate: int | None) -> int:
    """Check that settings and rate fit samples; returns the rate.

    Raises:
        UsageError: the rate is missing, or a setting is about files.
    """
    if rate is None:
        raise UsageError("samples need their rate: detect(samples, rate=48000)")
    for name in _OF_FILES:
        if getattr(settings, name) is not None:
            raise UsageError(f"'{name}' applies to files, not to samples in memory")
    return rate


def stereo_samples(samples: ArrayLike, *, allow_mono: bool = False) -> tuple[NDArray[np.float32], bool]:
    """Convert samples to (2, n) float32 in [-1, 1].

    Args:
        samples: (2, n) or (n, 2): left and right; with `allow_mono` also (n,), (1, n) or (n, 1). Floats in [-1, 1], or
            integers of 8, 16 or 32 bits, which are scaled.
        allow_mono: accept one channel.

    Returns:
        The samples, and whether they are mono (then both channels are equal).

    Raises:
        NotStereoError: another shape; the message says how to convert it.
        UsageError: samples of another type or scale, or that are not finite.
    """
    try:
        array = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of unequal length, tensors on a GPU
        raise UsageError(
            f"samples of type {type(samples).__name__} cannot be read ({shortened(str(error), 80)})"
        ) from None
    two = _channels_first(array, allow_mono=allow_mono)
    scaled = _scaled(two)
    if not np.isfinite(scaled).all():
        raise UsageError("some samples are not finite; set them to 0 or remove that part")
    peak = float(np.abs(scaled).max(initial=0.0))
    if peak > LOUDEST:
        raise UsageError(f"samples reach {peak:.6g}, but floats must lie in -1..1; divide them (by 32768 if 16-bit)")
    mono = scaled.shape[0] == 1
    return np.ascontiguousarray(np.repeat(scaled, 2, axis=0) if mono else scaled), mono


@contextmanager
def as_file(source: Any) -> Iterator[tuple[Path, Path | None]]:
    """Yield the path of a file with the source's contents, and the name to show; a copy is deleted afterwards.

    A regular file that is open at its beginning is not copied.

    Raises:
        UsageError: the file is open in text mode, closed, or cannot be read.
    """
    if isinstance(source, os.PathLike):
        yield Path(source), Path(source)
        return
    name = None if isinstance(source, bytes | bytearray | memoryview) else _name_of(source)
    if name is not None and not isinstance(source, bytes) and _is_that_file(source, name):
        yield name, name
        return
    with tempfile.TemporaryDirectory(prefix="earwitness-") as folder:
        path = Path(folder) / f"input{'' if name is None else name.suffix}"
        with path.open("wb") as file:
            if isinstance(source, bytes | bytearray | memoryview):
                file.write(source)
            else:
                _copy(source, file)
        yield path, name


def _copy(source: BinaryIO, file: BinaryIO) -> None:
    try:
        first = source.read(2**20)
        if not isinstance(first, bytes | bytearray | memoryview):
            raise UsageError("the file is open in text mode; open it with mode 'rb'")
        file.write(first)
        shutil.copyfileobj(source, file, 2**20)
    except (OSError, ValueError) as error:
        raise UsageError(f"the open file cannot be read ({shortened(str(error), 80)})") from None


def _name_of(source: BinaryIO) -> Path | None:
    name = getattr(source, "name", None)
    return Path(name) if isinstance(name, str) and name and not name.startswith("<") else None


def _is_that_file(source: BinaryIO, name: Path) -> bool:
    """Whether an open file is the whole regular file of its name."""
    try:
        there = name.is_file() and os.path.samestat(os.fstat(source.fileno()), name.stat())
        return there and source.tell() == 0 and "b" in getattr(source, "mode", "")
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def _channels_first(array: NDArray[Any], *, allow_mono: bool) -> NDArray[Any]:
    shape = array.shape
    if array.ndim == 1 and allow_mono:
        return array[None]
    if array.ndim == 2 and 1 in shape and allow_mono:
        return array if shape[0] == 1 else array.T
    if shape == (2, 2):
        raise NotStereoError("samples of shape (2, 2) may be two samples or two channels; give more samples")
    if array.ndim == 2 and 2 in shape:
        return array if shape[0] == 2 else array.T
    raise NotStereoError(f"expected samples of shape (2, n) or (n, 2), left and right, not {shape}; {_advice(array)}")


def _advice(array: NDArray[Any]) -> str:
    if array.ndim == 1 or (array.ndim == 2 and 1 in array.shape):
        return "one channel carries no direction: allow_mono=True gives events without one"
    if array.ndim == 2 and 0 not in array.shape:
        channels = min(array.shape)
        return f"mix the {channels} channels down to two, or detect the file itself, whose layout is then known"
    if array.ndim == 3:
        return "give one recording at a time: samples[0]"
    return "give an array with two channels"


def _scaled(array: NDArray[Any]) -> NDArray[np.float32]:
    kind = array.dtype.name
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(np.float32)
    if kind not in _FULL_SCALE:
        raise UsageError(f"samples of type {kind} have no known scale; convert them to int16, or to floats in -1..1")
    middle = 128.0 if kind == "uint8" else 0.0
    return ((array.astype(np.float64) - middle) / _FULL_SCALE[kind]).astype(np.float32)
