"""The shots of a video: start, end, picture area, and whether it shows a scene."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.cuts import CutFinder
from earwitness.vision.detectors.lettering import flat_share, has_lettering
from earwitness.vision.letterbox import LetterboxFinder
from earwitness.vision.motion import UNKNOWN

ByteArray = NDArray[np.uint8]
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
