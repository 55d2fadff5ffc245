"""Lettering, which detectors take for people: two grey levels, and many sharp changes between them in each row."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.boxes import PERSON, Boxes

ByteArray = NDArray[np.uint8]

_LEVELS: Final = 8
"""Grey levels on either side of a ground that count as the same."""
_EDGE: Final = 50
"""Grey levels from one pixel to the next but one: the edge of a stroke."""
_STROKES: Final = 6
"""Edges in a row that a line of letters has, and hardly anything else on a plain ground."""
_ROWS: Final = 0.03
"""Share of a picture's rows that one line of letters takes."""
_BOX_FLAT: Final = 0.75
"""Of a box, what ground and letters have at least of it, and a person has not."""
_BOX_ROWS: Final = 0.25


def flat_share(grey: ByteArray) -> float:
    """Share of the pixels that have the commonest grey level, give or take a few."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.int64)
    sums = np.convolve(counts, np.ones(2 * _LEVELS + 1, dtype=np.int64), "same")
    return float(sums.max() / max(1, grey.size))


def has_lettering(grey: ByteArray) -> bool:
    """Whether some rows of a picture (h, w) have as many edges as a line of letters."""
    return bool((_edges(grey) >= _STROKES).mean() >= _ROWS)


def without_lettering(rgb: ByteArray, boxes: Boxes) -> Boxes:
    """The boxes without those of people that hold nothing but lettering on a plain ground."""
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
    ground = int(sums.argmax())
    ink = sums.copy()
    ink[max(0, ground - _EDGE) : ground + _EDGE] = 0
    flat = (sums[ground] + ink.max()) / grey.size
    return bool(flat >= _BOX_FLAT and (_edges(grey) >= _STROKES).mean() >= _BOX_ROWS)


def _edges(grey: ByteArray) -> NDArray[np.int64]:
    """How often each row goes from dark to light or back."""
    steps = np.diff(grey.astype(np.int16), axis=1)
    steps = steps[:, :-1] + steps[:, 1:]
    direction = np.where(np.abs(steps) >= _EDGE, np.sign(steps), 0)
    begins = (direction[:, 1:] != direction[:, :-1]) & (direction[:, 1:] != 0)
    return np.asarray(begins.sum(axis=1))
