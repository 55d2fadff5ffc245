"""The shots of a video: when each is shown, what of the picture it fills, and whether it shows a scene at all."""

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
"""Share of a picture of one grey level from which on it may be a card."""
_MOVING_SHARE: Final = 0.1
"""Of the pictures of a card, how many may have something that moves: codecs redraw them now and then."""
_LEAST_STILL: Final = 3
"""Pictures without motion that make a card."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Part of a video between two cuts.

    Attributes:
        start, stop: its first label frame, and one past its last.
        content: left, top, right, bottom of what is not bar, pixels of the pictures as watched.
        kind: "scene"; "uniform" for black and other pictures of one colour; "card" for titles and other graphics that
            do not move. Nothing that sounds is seen in the latter two.
    """

    start: int
    stop: int
    content: tuple[int, int, int, int]
    kind: Kind = "scene"


@dataclass(eq=False)
class _Seen:
    """What is known of one shot so far."""

    bars: LetterboxFinder = field(default_factory=LetterboxFinder)
    still: int = 0
    moving: int = 0
    flat: float = 1.0
    lettering: bool = False

    def closed(self, start: int, stop: int, uniform: bool) -> Shot:
        kind: Kind = "uniform" if uniform else "card" if self.is_card() else "scene"
        return Shot(start, stop, self.bars.content(), kind)

    def is_card(self) -> bool:
        """Graphics: lettering on a plain ground, and nothing moves."""
        rests = self.still >= _LEAST_STILL and self.moving <= _MOVING_SHARE * (self.still + self.moving)
        return rests and self.flat >= _CARD_FLAT and self.lettering


@dataclass(frozen=True, slots=True, eq=False)
class _Frame:
    """What one label frame adds to the shot that it turns out to belong to."""

    moves: bool | None
    picture: Image.Image | None
    flat: float
    lettering: bool


class ShotCollector:
    """Told the pictures of a video one after the other, ten a second.

    Args:
        first: label frame of the first picture.
    """

    def __init__(self, first: int = 0) -> None:
        self._first, self._finder = first, CutFinder()
        self._waiting: deque[_Frame] = deque()
        self._shots: list[Shot] = []
        self._open = _Seen()
        self._start = self._taken = 0

    def add(self, grey: ByteArray, grid: ByteArray, picture: Image.Image | None) -> None:
        """Take note of the next picture.

        Args:
            grey: (180, 320); the same array as before for a picture that is shown again.
            grid: of motion.
            picture: the picture as it is watched, where it is one of those that are looked at.
        """
        moves = None if grid[0, 0] == UNKNOWN else bool(grid.any())
        flat = flat_share(grey) if picture is not None else 1.0
        lettering = picture is not None and flat >= _CARD_FLAT and has_lettering(np.asarray(picture.convert("L")))
        self._waiting.append(_Frame(moves, picture, flat, lettering))
        self._finder.add(grey)
        self._settle()

    def cuts(self) -> list[int]:
        """Label frames at which a new shot begins, as far as is decided."""
        return [self._first + cut for cut in self._finder.cuts]

    @property
    def decided(self) -> int:
        """Label frames before this one belong to shots that are known."""
        return self._first + self._finder.decided

    def finish(self, num_frames: int) -> tuple[Shot, ...]:
        """All shots.

        Args:
            num_frames: label frames of the video.
        """
        self._finder.finish()
        self._settle()
        if not self._taken:
            return ()
        self._close(self._taken)
        return self._as_tuple(num_frames)

    def _settle(self) -> None:
        """Give the frames that are decided to their shots."""
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
        self._open, self._start = _Seen(), stop

    def _as_tuple(self, num_frames: int) -> tuple[Shot, ...]:
        shots = self._shots
        shots[0], shots[-1] = replace(shots[0], start=0), replace(shots[-1], stop=num_frames)
        return tuple(shots)
