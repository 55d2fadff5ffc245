"""Detection of lettering, which detectors mistake for people: two grey levels with many sharp edges in each row."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.boxes import PERSON, Boxes

ByteArray = NDArray[np.uint8]

_LEVELS: Final = 8
"""Tolerance of the grey level of a background."""
_EDGE: Final = 50
"""Smallest change over two pixels at the edge of a stroke, grey levels."""
_STROKES: Final = 6
"""Smallest number of edges in a row of a line of text."""
_ROWS: Final = 0.03
"""Smallest share of the rows of a picture covered by a line of text."""
_BOX_FLAT: Final = 0.75
"""Smallest share of background and letters in a box of lettering; people have less."""
_BOX_ROWS: Final = 0.25


def flat_share(grey: ByteArray) -> float:
    """Share of the pixels near the most frequent grey level."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.int64)
    sums = np.convolve(counts, np.ones(2 * _LEVELS + 1, dtype=np.int64), "same")
    return float(sums.max() / max(1, grey.size))


def has_lettering(grey: ByteArray) -> bool:
    """Whether enough rows of a picture (h, w) have as many edges as a line of text."""
    return bool((_edges(grey) >= _STROKES).mean() >= _ROWS)


def without_lettering(rgb: ByteArray, boxes: Boxes) -> Boxes:
    """Remove boxes of people that contain only lettering on a plain background."""
    if PERSON not in boxes.label:
        return boxes
    height, width = rgb.shape[:2]
    kept = np.ones(len(boxes), dtype=np.bool_)
    for row, label in enumerate(boxes.label):
        left, top, right, bottom = np.clip(boxes.xyxy[row], 0, (width, height) * 2).astype(int).tolist()
        if label == PERSON and right - left >= 2 * _STROKES and bottom - top >= _STROKES:
            kept[row] = not _is_lettering(rgb[top:bottom, left:right].mean(axis=2).astype(np.uint8))
    return boxes if kept.all() else boxes.select(kept)


def _is_lettering(grey: ByteArray) -> bool:
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.int64)
    sums = np.convolve(counts, np.ones(2 * _LEVELS + 1, dtype=np.int64), "same")
    background = int(sums.argmax())
    ink = sums.copy()
    ink[max(0, background - _EDGE) : background + _EDGE] = 0
    flat = (sums[background] + ink.max()) / grey.size
    return bool(flat >= _BOX_FLAT and (_edges(grey) >= _STROKES).mean() >= _BOX_ROWS)


def _edges(grey: ByteArray) -> NDArray[np.int64]:
    """Number of dark-light and light-dark edges in each row."""
    steps = np.diff(grey.astype(np.int16), axis=1)
    steps = steps[:, :-1] + steps[:, 1:]
    direction = np.where(np.abs(steps) >= _EDGE, np.sign(steps), 0)
    begins = (direction[:, 1:] != direction[:, :-1]) & (direction[:, 1:] != 0)
    return np.asarray(begins.sum(axis=1))
