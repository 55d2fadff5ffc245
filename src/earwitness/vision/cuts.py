"""Where a video was cut: shots told apart, so that nothing is tracked from one into the next.

A cut is a sudden change after which the picture has another structure, wherever the camera may have turned. Flashes and
explosions of light leave the picture that was there before, and are none. Cross-fades are found by their middle, which
is the mean of both ends. Uniform pictures (black, white, one colour) are shots of their own.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.vision.likeness import likeness, likeness_in_place, structure

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

LOOK_AHEAD: Final = 20
"""Pictures, ten a second, that a decision may wait for: light that comes back to the same picture within them."""
_BLANK_SPREAD: Final = 3.0
"""Grey levels, standard deviation: what noise and codecs leave in a uniform picture."""
_LEAST_BLANK: Final = 2
_LEAST_CHANGE: Final = 3.0
"""Mean change in grey levels below which no cut is looked for."""
_SUDDEN: Final = 2.0
"""A cut changes the picture so many times as much as the pictures before and after it change."""
_ALONE: Final = 4.0
"""Changes so many times as large as all around them are no turn of the camera."""
_STATIC_CHANGE: Final = 0.5
"""As `_LEAST_CHANGE`, between pictures that do not change at all, as of cards and slides."""
_OTHER: Final = 0.35
_SAME: Final = 0.6
"""Likeness up to which pictures are of different shots, and from which on of the same one."""
_BACK: Final = 0.4
"""Likeness, without any turn, from which on a picture has come back after a flash."""
_WASHED: Final = 4.0
"""So many times less structure than the other has a picture that is washed out by light."""
_GLARE: Final = 180.0
_MARGIN_ROWS: Final = 3
_MARGIN_COLUMNS: Final = 8
"""Cells at the edges of the picture that bars cover."""
_MARGIN_CHANGE: Final = 10.0
_TURNING: Final = 8.0
"""Mean change, grey levels, from which on two moving pictures are compared, though their change is not sudden."""
_FLASH: Final = 3
_FADES: Final = (10, 20)
"""Pictures over which cross-fades are looked for."""
_FADE_CHANGE: Final = 6.0
_FADE_DETOUR: Final = 2.2
"""Of the change, what all steps of a cross-fade have together: those of a turn go back and forth."""
_FADE_RESIDUE: Final = 0.35
"""Of the change, how far the middle of a cross-fade may be from the mean of its ends."""
_HISTORY: Final = max(_FADES)


@dataclass(frozen=True, slots=True, eq=False)
class _Small:
    """A picture in 45 x 80 cells.

    Attributes:
        cells: grey levels.
        structure: see `likeness.structure`.
        blank: whether it is uniform.
        change: mean change from the picture before, grey levels.
    """

    cells: FloatArray
    structure: FloatArray
    blank: bool
    change: float


@dataclass(eq=False)
class CutFinder:
    """Told the pictures one after the other, ten a second.

    Attributes:
        cuts: frames at which a new shot begins, increasing; final up to `decided`.
        blank: whether each shot, from the first on, is uniform.
        decided: frames before this one belong to shots that are known.
    """

    cuts: list[int] = field(default_factory=list, init=False)
    blank: list[bool] = field(default_factory=list, init=False)
    decided: int = field(default=0, init=False)
    _kept: deque[_Small] = field(default_factory=deque, init=False, repr=False)
    _first: int = field(default=0, init=False, repr=False)
    _grey: ByteArray | None = field(default=None, init=False, repr=False)

    def add(self, grey: ByteArray) -> None:
        """The next picture, (4 rows, 4 columns) grey levels; the same array again for one that is shown again."""
        last = self._kept[-1] if self._kept else None
        if last is not None and grey is self._grey:
            self._kept.append(_Small(last.cells, last.structure, last.blank, 0.0))
        else:
            self._grey = grey
            self._kept.append(_small(grey, last))
        if self._first + len(self._kept) - self.decided > LOOK_AHEAD:
            self._decide()

    def finish(self) -> None:
        """Decide what is left."""
        while self.decided < self._first + len(self._kept):
            self._decide()

    def _decide(self) -> None:
        """Decide on the first frame that is not decided."""
        at = self.decided - self._first
        begins = self._begins(at)
        if begins is not None:
            if self.decided > 0 or self.blank:
                self.cuts.append(self.decided)
            self.blank.append(begins)
        self.decided += 1
        if at >= _HISTORY:
            self._kept.popleft()
            self._first += 1

    def _begins(self, at: int) -> bool | None:
        """Whether a blank shot begins with a picture, or another one; None where none begins."""
        blank = self._is_blank(at)
        if not self.blank:
            return blank
        if blank != self.blank[-1]:
            return None if blank and self._is_light(at) else blank
        return (
            False if not blank and (self._is_cut(at) or any(self._is_faded(at, length) for length in _FADES)) else None
        )

    def _is_blank(self, at: int) -> bool:
        """A uniform picture, not alone among others."""
        run, place = 0, at
        while place < len(self._kept) and self._kept[place].blank and run < _LEAST_BLANK:
            run, place = run + 1, place + 1
        place = at - 1
        while run and place >= 0 and self._kept[place].blank and run < _LEAST_BLANK:
            run, place = run + 1, place - 1
        return run >= min(_LEAST_BLANK, len(self._kept))

    def _is_light(self, at: int) -> bool:
        """Whether the picture before comes back at once, or slowly out of a glare: it was too bright for a moment."""
        before, glare = self._last_shown(at), float(self._kept[at].cells.mean()) > _GLARE
        for later, small in enumerate(self._ahead(at), start=1):
            if before is not None and not small.blank and _is_same(before, small):
                return later <= _FLASH or (glare and not self._is_sudden(at + later))
        return False

    def _last_shown(self, at: int) -> _Small | None:
        """The last picture before that is not uniform."""
        return next((self._kept[place] for place in range(at - 1, -1, -1) if not self._kept[place].blank), None)

    def _is_cut(self, at: int) -> bool:
        before, now = self._last_shown(at), self._kept[at]
        if before is None or now.blank or not self._is_other(at, before, now):
            return False
        for later, small in enumerate(self._ahead(at), start=1):
            if not small.blank and _is_same(before, small):
                # Back at once, or without another sudden change: it was light.
                return later > _FLASH and any(self._is_sudden(at + step) for step in range(2, later + 1))
        after = self._kept[min(len(self._kept) - 1, at + _FLASH)]
        return likeness(before.structure, after.structure) <= _SAME or _other_margins(before, after)

    def _ahead(self, at: int) -> list[_Small]:
        return [self._kept[place] for place in range(at + 1, min(len(self._kept), at + 1 + LOOK_AHEAD))]

    def _is_other(self, at: int, before: _Small, now: _Small) -> bool:
        """Whether a picture shows something else than the one before."""
        if now.change >= max(_STATIC_CHANGE, _ALONE * self._largest_around(at)):
            return likeness_in_place(before.structure, now.structure) <= _OTHER or _other_margins(before, now)
        if self._is_sudden(at):
            return likeness(before.structure, now.structure) <= _OTHER
        # A cut from one turning camera to another: on either side, pictures follow from each other.
        return (
            now.change >= _TURNING
            and at >= 2
            and at + 1 < len(self._kept)
            and likeness(before.structure, now.structure) <= _OTHER
            and likeness(self._kept[at - 2].structure, before.structure) >= _SAME
            and likeness(now.structure, self._kept[at + 1].structure) >= _SAME
        )

    def _around(self, at: int) -> list[float]:
        places = range(max(1, at - 4), min(len(self._kept), at + 4))
        return [self._kept[place].change for place in places if place != at]

    def _largest_around(self, at: int) -> float:
        return max(self._around(at), default=0.0)

    def _is_sudden(self, at: int) -> bool:
        # Two cuts may be close to each other: the largest of the others does not count.
        around = self._around(at)
        usual = float(np.median(around)) if around else 0.0
        return self._kept[at].change >= max(_LEAST_CHANGE, _SUDDEN * usual)

    def _is_faded(self, at: int, length: int) -> bool:
        """Whether the middle of a cross-fade is here."""
        first, last = at - length // 2, at + length // 2
        if first < 0 or last >= len(self._kept) or (self.cuts and self.decided - self.cuts[-1] < length):
            return False
        ends = self._kept[first], self._kept[last]
        change = float(np.abs(ends[0].cells - ends[1].cells).mean())
        strengths = sorted(float(np.abs(end.structure).mean()) for end in ends)
        if change < _FADE_CHANGE or any(end.blank for end in ends) or strengths[1] > _WASHED * strengths[0]:
            return False
        steps = [self._kept[place].change for place in range(first + 1, last + 1)]
        if max(steps) > 0.5 * change or sum(steps) > _FADE_DETOUR * change:
            return False
        middle = self._kept[at]
        if min(likeness_in_place(middle.structure, end.structure) for end in ends) < _BACK:
            return False  # it does not show both
        residue = float(np.abs(middle.cells - (ends[0].cells + ends[1].cells) / 2).mean())
        return residue < _FADE_RESIDUE * change and likeness(ends[0].structure, ends[1].structure) <= _OTHER


def _is_same(before: _Small, now: _Small) -> bool:
    """Whether a picture is that of the same camera, whatever the light and who has moved."""
    return likeness_in_place(before.structure, now.structure) >= _BACK and not _other_margins(before, now)


def _other_margins(before: _Small, now: _Small) -> bool:
    """Whether bars or blurred sides came or went, while the middle stays: margins on both sides show something else."""
    pairs = (
        (np.s_[:_MARGIN_ROWS], np.s_[-_MARGIN_ROWS:]),
        (np.s_[:, :_MARGIN_COLUMNS], np.s_[:, -_MARGIN_COLUMNS:]),
    )
    return any(
        all(
            float(np.abs(before.cells[side] - now.cells[side]).mean()) >= _MARGIN_CHANGE
            and likeness_in_place(before.structure[side], now.structure[side]) <= _OTHER
            for side in pair
        )
        for pair in pairs
    )


def _small(grey: ByteArray, before: _Small | None) -> _Small:
    rows = grey[0::4].astype(np.uint16) + grey[1::4] + grey[2::4] + grey[3::4]
    cells = (rows[:, 0::4] + rows[:, 1::4] + rows[:, 2::4] + rows[:, 3::4]).astype(np.float32) / 16
    change = 0.0 if before is None else float(np.abs(cells - before.cells).mean())
    return _Small(cells, structure(cells), bool(cells.std() < _BLANK_SPREAD), change)
