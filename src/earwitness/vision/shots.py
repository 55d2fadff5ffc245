"""The shots of a video: start, end, whether it shows a scene, and the picture area without bars and backgrounds.

Title cards and people who are letters are found by lettering: two grey levels with many sharp edges in each row.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.cuts import CutFinder
from earwitness.vision.motion import UNKNOWN

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

_BLACK: Final = 28
"""Largest grey level of a black bar: codecs encode black as 16 to 20, with ringing at the edge."""
_LEAST: Final = 0.02
_ALIKE: Final = 0.015
_UNIFORM: Final = 10
"""Largest range of grey levels of a plain background."""
_WINDOW: Final = 0.3
"""Smallest size of a picture on a background, as a share of each side."""
_WINDOW_SIDES: Final = 3
"""Smallest number of sides with background; two may be a wall and a floor."""
_BORDER: Final = 0.5
"""Smallest share of each border that must differ from the background; moving objects have no straight borders."""
_BLURRED: Final = 0.3
"""Largest detail of a blurred copy, relative to the middle; an enlarged picture loses half."""
_LEAST_BLURRED: Final = 0.1
_LEAST_DETAIL: Final = 1.0
"""Smallest detail of the middle, grey levels from row to row, for which the sides can be judged."""
_STEP: Final = 2.5
"""Smallest ratio of the change at the border of a blurred copy to that of the columns around it."""

_LEVELS: Final = 8
"""Tolerance of the grey level of a background."""
_SHARP: Final = 50
"""Smallest change over two pixels at the edge of a stroke, grey levels."""
_STROKES: Final = 6
"""Smallest number of edges in a row of a line of text."""
_LETTER_ROWS: Final = 0.03
"""Smallest share of the rows of a picture covered by a line of text."""
_BOX_FLAT: Final = 0.75
"""Smallest share of background and letters in a box of lettering; people have less."""
_BOX_ROWS: Final = 0.25


@dataclass(eq=False)
class LetterboxFinder:
    """Finds bars by the brightest and darkest value of every pixel over a shot: bars do not change."""

    _bright: ByteArray | None = field(default=None, init=False, repr=False)
    _dark: ByteArray | None = field(default=None, init=False, repr=False)
    _detail: FloatArray | None = field(default=None, init=False, repr=False)
    _steps: FloatArray | None = field(default=None, init=False, repr=False)

    def add(self, picture: Image.Image) -> None:
        """Add a picture; all must have the same size."""
        grey = np.asarray(picture.convert("L"))
        detail, steps = _mean_change(grey, axis=0, order=2), _mean_change(grey, axis=1)
        if self._bright is None or self._dark is None or self._detail is None or self._steps is None:
            self._bright, self._dark, self._detail, self._steps = grey.copy(), grey.copy(), detail, steps
            return
        np.maximum(self._bright, grey, out=self._bright)
        np.minimum(self._dark, grey, out=self._dark)
        np.maximum(self._detail, detail, out=self._detail)
        np.minimum(self._steps, steps, out=self._steps)

    def content(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom (pixels) of the area without bars.

        Bars come in pairs of the same width, so a dark area at one side is not a bar. On a plain background, the area
        may lie anywhere.
        """
        if self._bright is None or self._dark is None or self._detail is None or self._steps is None:
            return 0, 0, 0, 0
        height, width = self._bright.shape
        left, right = _between(self._bright.max(axis=0))
        top, bottom = _between(self._bright.max(axis=1))
        if (left, top, right, bottom) == (0, 0, width, height):
            left, top, right, bottom = _window(self._bright, self._dark)
        if (left, right) == (0, width):
            left, right = _between_blurred(self._detail, self._steps)
        return left, top, right, bottom


def _window(bright: ByteArray, dark: ByteArray) -> tuple[int, int, int, int]:
    """The rectangle on a plain background; the whole picture if there is none."""
    height, width = bright.shape
    corners = bright[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
    level = int(np.median(corners))
    other = (bright > level + _UNIFORM) | (dark < level - _UNIFORM)
    columns, rows = np.flatnonzero(other.any(axis=0)), np.flatnonzero(other.any(axis=1))
    if not columns.size:
        return 0, 0, width, height
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    sides = (left / width, top / height, 1 - right / width, 1 - bottom / height)
    within = other[top:bottom, left:right]
    borders = (within[:, :2].any(axis=1), within[:, -2:].any(axis=1), within[:2].any(axis=0), within[-2:].any(axis=0))
    if (
        sum(side >= _LEAST for side in sides) < _WINDOW_SIDES
        or right - left < _WINDOW * width
        or bottom - top < _WINDOW * height
        or min(border.mean() for border in borders) < _BORDER
    ):
        return 0, 0, width, height
    return left, top, right, bottom


def _between(brightest: ByteArray) -> tuple[int, int]:
    length = len(brightest)
    lit = np.flatnonzero(brightest > _BLACK)
    if not lit.size:
        return 0, length
    before, after = int(lit[0]), length - 1 - int(lit[-1])
    return (before, length - after) if _is_pair(before, after, length) else (0, length)


def _is_pair(before: int, after: int, length: int) -> bool:
    return min(before, after) >= _LEAST * length and abs(before - after) <= max(2, _ALIKE * length)


def _between_blurred(detail: FloatArray, steps: FloatArray) -> tuple[int, int]:
    """Left and right of an upright picture that lies on a blurred copy of itself."""
    width = len(detail)
    middle = float(np.median(detail[width // 3 : width - width // 3]))
    if middle < _LEAST_DETAIL:
        return 0, width
    sharp = np.flatnonzero(np.convolve(detail, np.ones(5) / 5, "same") > _BLURRED * middle)
    if not sharp.size:
        return 0, width
    left, right = _border(steps, int(sharp[0])), _border(steps, int(sharp[-1]))
    if left is None or right is None or left < _LEAST_BLURRED * width or not _is_pair(left, width - right, width):
        return 0, width
    return left, right


def _border(steps: FloatArray, near: int) -> int | None:
    """The column of a sharp border near a column; None if there is none."""
    low = max(1, near - 6)
    around = steps[low : near + 7]
    if not around.size:
        return None
    usual = float(np.median(steps[max(0, near - 25) : near + 25]))
    top = int(around.argmax())
    return low + top + 1 if around[top] >= _STEP * max(usual, 0.5) else None


def _mean_change(grey: ByteArray, axis: int, order: int = 1) -> FloatArray:
    """Mean absolute difference of the given order along an axis, one value per column."""
    steps = np.abs(np.diff(grey.astype(np.int16), n=order, axis=axis))
    return np.asarray(steps.mean(axis=0), dtype=np.float64)


Kind = Literal["scene", "uniform", "card"]
KINDS: Final[tuple[Kind, ...]] = ("scene", "uniform", "card")

_CARD_FLAT: Final = 0.5
"""Share of one grey level from which a picture may be a title card."""
_MOVING_SHARE: Final = 0.1
"""Largest share of pictures with motion in a title card; codecs refresh the picture now and then."""
_LEAST_STILL: Final = 3
"""Smallest number of pictures without motion in a title card."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Part of a video between two cuts.

    Attributes:
        start, stop: first label frame, and one past the last.
        content: left, top, right, bottom of the area without bars, pixels of the analysed pictures.
        kind: "scene"; "uniform" for black or single-colour pictures; "card" for titles and other static graphics. In
            the latter two, no event is on screen.
    """

    start: int
    stop: int
    content: tuple[int, int, int, int]
    kind: Kind = "scene"


@dataclass(eq=False)
class _OpenShot:
    """Statistics of a shot that has not ended yet."""

    bars: LetterboxFinder = field(default_factory=LetterboxFinder)
    still: int = 0
    moving: int = 0
    flat: float = 1.0
    lettering: bool = False

    def closed(self, start: int, stop: int, uniform: bool) -> Shot:
        kind: Kind = "uniform" if uniform else "card" if self.is_card() else "scene"
        return Shot(start, stop, self.bars.content(), kind)

    def is_card(self) -> bool:
        """Whether it is static lettering on a plain background."""
        static = self.still >= _LEAST_STILL and self.moving <= _MOVING_SHARE * (self.still + self.moving)
        return static and self.flat >= _CARD_FLAT and self.lettering


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """Values of one label frame, kept until its shot is known."""

    moves: bool | None
    picture: Image.Image | None
    flat: float
    lettering: bool


class ShotCollector:
    """Divides consecutive pictures of a video, ten per second, into shots.

    Args:
        first: label frame of the first picture.
    """

    def __init__(self, first: int = 0) -> None:
        self._first, self._finder = first, CutFinder()
        self._waiting: deque[_Frame] = deque()
        self._shots: list[Shot] = []
        self._open = _OpenShot()
        self._start = self._taken = 0

    def add(self, grey: ByteArray, grid: ByteArray, picture: Image.Image | None) -> None:
        """Add the next picture.

        Args:
            grey: (180, 320) reduced picture; the same array as before for a repeated picture.
            grid: its motion grid.
            picture: the analysed picture, if the detector is run on it.
        """
        moves = None if grid[0, 0] == UNKNOWN else bool(grid.any())
        flat = flat_share(grey) if picture is not None else 1.0
        lettering = picture is not None and flat >= _CARD_FLAT and has_lettering(np.asarray(picture.convert("L")))
        self._waiting.append(_Frame(moves, picture, flat, lettering))
        self._finder.add(grey)
        self._settle()

    def cuts(self) -> list[int]:
        """Label frames at which new shots begin, as far as decided."""
        return [self._first + cut for cut in self._finder.cuts]

    @property
    def decided(self) -> int:
        """First label frame whose shot is not decided yet."""
        return self._first + self._finder.decided

    def finish(self, num_frames: int) -> tuple[Shot, ...]:
        """Return all shots.

        Args:
            num_frames: number of label frames of the video.
        """
        self._finder.finish()
        self._settle()
        if not self._taken:
            return ()
        self._close(self._taken)
        return self._as_tuple(num_frames)

    def _settle(self) -> None:
        """Assign decided frames to their shots."""
        cuts = set(self._finder.cuts[len(self._shots) :])
        while self._taken < self._finder.decided:
            if self._taken in cuts:
                self._close(self._taken)
            self._take(self._waiting.popleft())
            self._taken += 1

    def _take(self, frame: _Frame) -> None:
        if frame.moves is not None:
            self._open.moving += frame.moves
            self._open.still += not frame.moves
        if frame.picture is not None:
            self._open.bars.add(frame.picture)
            self._open.flat = min(self._open.flat, frame.flat)
            self._open.lettering |= frame.lettering

    def _close(self, stop: int) -> None:
        uniform = self._finder.blank[len(self._shots)]
        self._shots.append(self._open.closed(self._start + self._first, stop + self._first, uniform))
        self._open, self._start = _OpenShot(), stop

    def _as_tuple(self, num_frames: int) -> tuple[Shot, ...]:
        shots = self._shots
        shots[0], shots[-1] = replace(shots[0], start=0), replace(shots[-1], stop=num_frames)
        return tuple(shots)


def flat_share(grey: ByteArray) -> float:
    """Share of the pixels near the most frequent grey level."""
    counts = np.bincount(grey.ravel(), minlength=256).astype(np.int64)
    sums = np.convolve(counts, np.ones(2 * _LEVELS + 1, dtype=np.int64), "same")
    return float(sums.max() / max(1, grey.size))


def has_lettering(grey: ByteArray) -> bool:
    """Whether enough rows of a picture (h, w) have as many edges as a line of text."""
    return bool((_edges(grey) >= _STROKES).mean() >= _LETTER_ROWS)


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
    ink[max(0, background - _SHARP) : background + _SHARP] = 0
    flat = (sums[background] + ink.max()) / grey.size
    return bool(flat >= _BOX_FLAT and (_edges(grey) >= _STROKES).mean() >= _BOX_ROWS)


def _edges(grey: ByteArray) -> NDArray[np.int64]:
    """Number of dark-light and light-dark edges in each row."""
    steps = np.diff(grey.astype(np.int16), axis=1)
    steps = steps[:, :-1] + steps[:, 1:]
    direction = np.where(np.abs(steps) >= _SHARP, np.sign(steps), 0)
    begins = (direction[:, 1:] != direction[:, :-1]) & (direction[:, 1:] != 0)
    return np.asarray(begins.sum(axis=1))
