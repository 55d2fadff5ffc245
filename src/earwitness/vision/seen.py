"""What a detector saw in picture after picture of a video, of which a few minutes are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, overload

import numpy as np

from earwitness.vision.boxes import Boxes
from earwitness.vision.spool import Spool

_PIECE: Final = 256


class SeenBoxes(Sequence[Boxes]):
    """Boxes, one a picture."""

    def __init__(self) -> None:
        self._spool = Spool()
        self._last: list[Boxes] = []
        self._known: tuple[int, list[Boxes]] = (-1, [])

    def add(self, boxes: Boxes) -> None:
        """Add what was seen in the next picture."""
        self._last.append(boxes)
        if len(self._last) == _PIECE:
            whole = Boxes.joined(self._last)
            self._spool.add(
                counts=np.array([len(one) for one in self._last]),
                xyxy=whole.xyxy,
                score=whole.score,
                label=np.array(whole.label, dtype=np.str_),
                keypoints=whole.keypoints,
            )
            self._last = []

    def __len__(self) -> int:
        """Pictures."""
        return len(self._spool) * _PIECE + len(self._last)

    def __iter__(self) -> Iterator[Boxes]:
        """One picture after the other."""
        for number in range(len(self._spool)):
            yield from self._piece(number)
        yield from self._last

    @overload
    def __getitem__(self, index: int) -> Boxes: ...
    @overload
    def __getitem__(self, index: slice) -> list[Boxes]: ...
    def __getitem__(self, index: int | slice) -> Boxes | list[Boxes]:
        """Of one picture, or of several."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        return self._piece(place // _PIECE)[place % _PIECE]

    def _piece(self, number: int) -> list[Boxes]:
        if number == len(self._spool):
            return self._last
        if number != self._known[0]:
            self._known = number, _apart(self._spool.piece(number))
        return self._known[1]


def _apart(columns: dict[str, Any]) -> list[Boxes]:
    """What was seen in each picture, from columns of all."""
    whole = Boxes.of(columns["xyxy"], columns["score"], columns["label"].tolist(), columns["keypoints"])
    ends = np.cumsum(columns["counts"])
    return [
        whole.select(np.arange(end - count, end))
        for end, count in zip(ends.tolist(), columns["counts"].tolist(), strict=True)
    ]
