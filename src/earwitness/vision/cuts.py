"""Detection of cuts, so that tracks end at the end of a shot.

A cut is a sudden change to a picture with a different structure, at any shift of the camera. Flashes are not cuts: the
previous picture returns. Cross-fades are found by their middle, which is the mean of both ends. Uniform pictures
(black, white, one colour) are separate shots.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

_BLUR: Final = 11
"""Width in cells of the filter that removes slow changes of brightness over the picture."""
_LEAST_OVERLAP: Final = 0.35
"""Smallest overlap after a shift, as a share of the picture."""
_TINY: Final = 1e-9


def structure(small: FloatArray) -> FloatArray:
    """Remove slow changes of brightness from a reduced picture (rows, columns)."""
    from scipy.ndimage import uniform_filter

    return np.asarray(small - uniform_filter(small, _BLUR, mode="nearest"), dtype=np.float32)


def similarity(one: FloatArray, other: FloatArray) -> float:
    """Highest normalised correlation of two structures over all shifts with enough overlap, -1..1."""
    rows, columns = one.shape
    size = (scipy.fft.next_fast_len(2 * rows), scipy.fft.next_fast_len(2 * columns))

    def correlated(a: FloatArray, b: FloatArray) -> FloatArray:
        product = scipy.fft.rfft2(a, size) * np.conj(scipy.fft.rfft2(b, size))
        return np.asarray(scipy.fft.irfft2(product, size))

    ones = np.ones_like(one)
    overlap = correlated(ones, ones)
    energy = correlated(one**2, ones) * correlated(ones, other**2)
    ratio = correlated(one, other) / np.sqrt(np.maximum(energy, _TINY))
    # With a small overlap, noise correlates by chance.
    enough = (overlap >= _LEAST_OVERLAP * rows * columns) & (energy > _TINY * rows * columns)
    return float(np.where(enough, ratio, -1.0).max())


def similarity_in_place(one: FloatArray, other: FloatArray) -> float:
    """Normalised correlation of two structures without shift, -1..1."""
    norm = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / max(norm, _TINY)


ByteArray = NDArray[np.uint8]

LOOK_AHEAD: Final = 20
"""Pictures (ten per second) by which a decision is delayed, to see whether the picture returns after a flash."""
_BLANK_SPREAD: Final = 3.0
"""Largest standard deviation of a uniform picture, grey levels: noise and coding artefacts."""
_LEAST_BLANK: Final = 2
_LEAST_CHANGE: Final = 3.0
"""Smallest mean change of a cut, grey levels."""
_SUDDEN: Final = 2.0
"""Smallest ratio of the change at a cut to the changes before and after it."""
_ALONE: Final = 4.0
"""Ratio to all surrounding changes from which a change is not a movement of the camera."""
_STATIC_CHANGE: Final = 0.5
"""As `_LEAST_CHANGE`, between static pictures such as title cards and slides."""
_OTHER: Final = 0.35
_SAME: Final = 0.6
"""Similarity up to which pictures belong to different shots, and from which they belong to the same one."""
_BACK: Final = 0.4
"""Similarity, without shift, from which a picture has returned after a flash."""
_WASHED: Final = 4.0
"""Ratio of structure by which an overexposed picture falls below the other."""
_GLARE: Final = 180.0
_MARGIN_ROWS: Final = 3
_MARGIN_COLUMNS: Final = 8
"""Cells at the edges of the picture that may be covered by bars."""
_MARGIN_CHANGE: Final = 10.0
_TURNING: Final = 8.0
"""Mean change, grey levels, from which moving pictures are compared even if the change is not sudden."""
_FLASH: Final = 3
_FADES: Final = (10, 20)
"""Lengths of cross-fades, pictures."""
_FADE_CHANGE: Final = 6.0
_FADE_DETOUR: Final = 2.2
"""Largest sum of all steps of a cross-fade, relative to its total change; a moving camera exceeds it."""
_FADE_RESIDUE: Final = 0.35
"""Largest deviation of the middle of a cross-fade from the mean of its ends, relative to its total change."""
_HISTORY: Final = max(_FADES)


@dataclass(frozen=True, slots=True, eq=False)
class _Small:
    """A picture reduced to 45 x 80 cells.

    Attributes:
        cells: grey levels.
        structure: see `picture_similarity.structure`.
        blank: whether it is uniform.
        change: mean change from the previous picture, grey levels.
    """

    cells: FloatArray
    structure: FloatArray
    blank: bool
    change: float


@dataclass(eq=False)
class CutFinder:
    """Finds cuts in consecutive pictures, ten per second.

    Attributes:
        cuts: frames at which new shots begin, increasing; final up to `decided`.
        blank: for each shot, whether it is uniform.
        decided: first frame whose shot is not decided yet.
    """

    cuts: list[int] = field(default_factory=list, init=False)
    blank: list[bool] = field(default_factory=list, init=False)
    decided: int = field(default=0, init=False)
    _kept: deque[_Small] = field(default_factory=deque, init=False, repr=False)
    _first: int = field(default=0, init=False, repr=False)
    _grey: ByteArray | None = field(default=None, init=False, repr=False)

    def add(self, grey: ByteArray) -> None:
        """Add the next picture, (4 rows, 4 columns) grey levels; pass the same array for a repeated picture."""
        last = self._kept[-1] if self._kept else None
        if last is not None and grey is self._grey:
            self._kept.append(_Small(last.cells, last.structure, last.blank, 0.0))
        else:
            self._grey = grey
            self._kept.append(_small(grey, last))
        if self._first + len(self._kept) - self.decided > LOOK_AHEAD:
            self._decide()

    def finish(self) -> None:
        """Decide on the remaining frames."""
        while self.decided < self._first + len(self._kept):
            self._decide()

    def _decide(self) -> None:
        """Decide on the next frame."""
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
        """Whether a shot begins at a picture: True for a uniform shot, False for another one, None for no new shot."""
        blank = self._is_blank(at)
        if not self.blank:
            return blank
        if blank != self.blank[-1]:
            return None if blank and self._is_light(at) else blank
        return (
            False if not blank and (self._is_cut(at) or any(self._is_faded(at, length) for length in _FADES)) else None
        )

    def _is_blank(self, at: int) -> bool:
        """Whether a picture is uniform and not isolated."""
        run, place = 0, at
        while place < len(self._kept) and self._kept[place].blank and run < _LEAST_BLANK:
            run, place = run + 1, place + 1
        place = at - 1
        while run and place >= 0 and self._kept[place].blank and run < _LEAST_BLANK:
            run, place = run + 1, place - 1
        return run >= min(_LEAST_BLANK, len(self._kept))

    def _is_light(self, at: int) -> bool:
        """Whether the previous picture returns at once, or slowly after an overexposure: the change was a flash."""
        before, glare = self._last_shown(at), float(self._kept[at].cells.mean()) > _GLARE
        for later, small in enumerate(self._ahead(at), start=1):
            if before is not None and not small.blank and _is_same(before, small):
                return later <= _FLASH or (glare and not self._is_sudden(at + later))
        return False

    def _last_shown(self, at: int) -> _Small | None:
        """The last previous picture that is not uniform."""
        return next((self._kept[place] for place in range(at - 1, -1, -1) if not self._kept[place].blank), None)

    def _is_cut(self, at: int) -> bool:
        before, now = self._last_shown(at), self._kept[at]
        if before is None or now.blank or not self._is_other(at, before, now):
            return False
        for later, small in enumerate(self._ahead(at), start=1):
            if not small.blank and _is_same(before, small):
                # It returns at once, or without another sudden change: a flash.
                return later > _FLASH and any(self._is_sudden(at + step) for step in range(2, later + 1))
        after = self._kept[min(len(self._kept) - 1, at + _FLASH)]
        return similarity(before.structure, after.structure) <= _SAME or _other_margins(before, after)

    def _ahead(self, at: int) -> list[_Small]:
        return [self._kept[place] for place in range(at + 1, min(len(self._kept), at + 1 + LOOK_AHEAD))]

    def _is_other(self, at: int, before: _Small, now: _Small) -> bool:
        """Whether the content of a picture differs from the previous one."""
        if now.change >= max(_STATIC_CHANGE, _ALONE * self._largest_around(at)):
            return similarity_in_place(before.structure, now.structure) <= _OTHER or _other_margins(before, now)
        if self._is_sudden(at):
            return similarity(before.structure, now.structure) <= _OTHER
        # A cut from one turning camera to another: on either side, pictures follow from each other.
        return (
            now.change >= _TURNING
            and at >= 2
            and at + 1 < len(self._kept)
            and similarity(before.structure, now.structure) <= _OTHER
            and similarity(self._kept[at - 2].structure, before.structure) >= _SAME
            and similarity(now.structure, self._kept[at + 1].structure) >= _SAME
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
        if min(similarity_in_place(middle.structure, end.structure) for end in ends) < _BACK:
            return False  # the middle must resemble both ends
        residue = float(np.abs(middle.cells - (ends[0].cells + ends[1].cells) / 2).mean())
        return residue < _FADE_RESIDUE * change and similarity(ends[0].structure, ends[1].structure) <= _OTHER


def _is_same(before: _Small, now: _Small) -> bool:
    """Whether two pictures come from the same camera position, at any brightness and with any motion."""
    return similarity_in_place(before.structure, now.structure) >= _BACK and not _other_margins(before, now)


def _other_margins(before: _Small, now: _Small) -> bool:
    """Whether the margins on opposite sides differ, as when bars or blurred sides appear or disappear."""
    pairs = (
        (np.s_[:_MARGIN_ROWS], np.s_[-_MARGIN_ROWS:]),
        (np.s_[:, :_MARGIN_COLUMNS], np.s_[:, -_MARGIN_COLUMNS:]),
    )
    return any(
        all(
            float(np.abs(before.cells[side] - now.cells[side]).mean()) >= _MARGIN_CHANGE
            and similarity_in_place(before.structure[side], now.structure[side]) <= _OTHER
            for side in pair
        )
        for pair in pairs
    )


def _small(grey: ByteArray, before: _Small | None) -> _Small:
    rows = grey[0::4].astype(np.uint16) + grey[1::4] + grey[2::4] + grey[3::4]
    cells = (rows[:, 0::4] + rows[:, 1::4] + rows[:, 2::4] + rows[:, 3::4]).astype(np.float32) / 16
    change = 0.0 if before is None else float(np.abs(cells - before.cells).mean())
    return _Small(cells, structure(cells), bool(cells.std() < _BLANK_SPREAD), change)
