"""The spectrogram above the timeline of the report."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.features.mel import mel_matrix
from earwitness.media.sound.audio import AudioReader
from earwitness.render.sprite import RGBArray

RATE: Final = 24_000
WINDOW: Final = 1024
HOP: Final = 512
BANDS: Final = 72
MOST_COLUMNS: Final = 3000
_FMIN, _FMAX = 50.0, 12_000.0
_RANGE_DB: Final = 65.0
_QUIETEST_TOP_DB: Final = -20.0
"""About -68 dBFS; recordings below it stay dark."""
_COLOURS: Final = np.array(
    [(13, 15, 22), (36, 30, 84), (92, 34, 122), (168, 52, 108), (232, 98, 70), (252, 176, 72), (253, 245, 190)], float
)
"""Colour map, dark to light, for light and dark pages."""


def spectrogram(path: Path) -> RGBArray:
    """Draw the mel spectrogram (BANDS, columns, 3) of a file's mid signal, from time 0 to its end.

    Memory use is constant: columns of long files are maxima over many windows.

    Raises:
        MediaError: the sound cannot be read.
    """
    columns = _Columns(MOST_COLUMNS)
    for power in _powers(AudioReader(path, RATE, mono="allow")):
        columns.add(power)
    return _coloured(columns.values())


def png(picture: RGBArray) -> bytes:
    """Encode a picture as PNG."""
    sink = BytesIO()
    Image.fromarray(picture).quantize(64).save(sink, "PNG", optimize=True)
    return sink.getvalue()


def _powers(blocks: Iterable[NDArray[np.float32]]) -> Iterable[NDArray[np.float32]]:
    """Yield the mel power (n, BANDS) of complete windows; the remainder of a block joins the next one."""
    taper = np.hanning(WINDOW).astype(np.float32)
    matrix = mel_matrix(RATE, WINDOW, BANDS, _FMIN, _FMAX)
    rest = np.zeros(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block.mean(axis=0)])
        count = (rest.size - WINDOW) // HOP + 1
        if count > 0:
            windows = np.lib.stride_tricks.sliding_window_view(rest, WINDOW)[: count * HOP : HOP]
            yield np.square(np.abs(np.fft.rfft(windows * taper, axis=1))).astype(np.float32) @ matrix
            rest = rest[count * HOP :]
    if rest.size:
        padded = np.pad(rest, (0, max(0, WINDOW - rest.size)))[:WINDOW]
        yield np.square(np.abs(np.fft.rfft(padded * taper)))[None].astype(np.float32) @ matrix


class _Columns:
    """Columns of limited number: when there are too many, pairs are merged by their maxima."""

    def __init__(self, most: int) -> None:
        self._most, self._stride = most, 1
        self._done: list[NDArray[np.float32]] = []
        self._open: list[NDArray[np.float32]] = []

    def add(self, power: NDArray[np.float32]) -> None:
        for row in power:
            self._open.append(row)
            if len(self._open) == self._stride:
                self._done.append(np.max(self._open, axis=0))
                self._open.clear()
                if len(self._done) >= 2 * self._most:
                    self._done = [np.maximum(a, b) for a, b in zip(self._done[::2], self._done[1::2], strict=True)]
                    self._stride *= 2

    def values(self) -> NDArray[np.float32]:
        last = [np.max(self._open, axis=0)] if self._open else []
        found = [*self._done, *last]
        return np.stack(found) if found else np.zeros((1, BANDS), np.float32)


def _coloured(power: NDArray[np.float32]) -> RGBArray:
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    top = max(float(np.percentile(decibels, 99.5)), _QUIETEST_TOP_DB)
    level = np.clip((decibels - top) / _RANGE_DB + 1, 0, 1).T[::-1] * (len(_COLOURS) - 1)
    below = np.minimum(level.astype(int), len(_COLOURS) - 2)
    share = (level - below)[..., None]
    return np.asarray(np.rint(_COLOURS[below] * (1 - share) + _COLOURS[below + 1] * share), np.uint8)
