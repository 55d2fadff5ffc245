"""Placement of labels in a picture, so that they cover neither faces, nor sources, nor each other."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Side = Literal["beside", "column", "left", "right", "corner"]
"""Where a label belongs: beside the box of its source, at the upper or lower edge near a column, at the left or right
edge of the picture, or in its upper left corner."""
_BODY_COST: Final = 8.0
"""Cost of covering a person's body completely, in label heights."""
_KEEP_BONUS: Final = 1.5
"""Advantage of the previous position, in label heights, so that labels do not jump."""
_RETRY_SECONDS: Final = 1.0
"""A label that had to be shortened stays so for this long."""


class Rect(NamedTuple):
    """A rectangle, pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def grown(self, by: int) -> Rect:
        """The rectangle with a margin."""
        return Rect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def meets(self, other: Rect) -> bool:
        """Whether the rectangles have a pixel in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def without(self, others: Sequence[Rect]) -> list[Rect]:
        """The parts of this rectangle outside all others."""
        parts = [self] if self.left < self.right and self.top < self.bottom else []
        for other in others:
            parts = [piece for part in parts for piece in _difference(part, other)]
        return parts


def _difference(part: Rect, other: Rect) -> list[Rect]:
    if not part.meets(other):
        return [part]
    top, bottom = max(part.top, other.top), min(part.bottom, other.bottom)
    pieces = (
        Rect(part.left, part.top, part.right, top),
        Rect(part.left, bottom, part.right, part.bottom),
        Rect(part.left, top, min(part.right, max(part.left, other.left)), bottom),
        Rect(max(part.left, min(part.right, other.right)), top, part.right, bottom),
    )
    return [piece for piece in pieces if piece.left < piece.right and piece.top < piece.bottom]


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """A label to place.

    Attributes:
        key: identity of the source over time.
        sizes: width and height of the label's forms, pixels; the most informative first.
        side: where it belongs.
        near: the box of the source (`beside`), or a rectangle of no width at its column.
        row: height of the source, pixels.
    """

    key: Hashable
    sizes: tuple[tuple[int, int], ...]
    side: Side
    near: Rect
    row: float


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A placed label.

    Attributes:
        request: the request.
        form: index of the form that had room.
        rect: its place.
        over_source: whether it covers the box of a source (not a face), because nothing else was free.
    """

    request: LabelRequest
    form: int
    rect: Rect
    over_source: bool = False


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What labels should not cover.

    Attributes:
        faces: never covered.
        sources: boxes of sounding sources; covered only if no form of the label fits elsewhere.
        bodies: boxes of people and areas around faces, avoided where possible.
        reserved: areas of captions, never covered.
    """

    faces: tuple[Rect, ...] = ()
    sources: tuple[Rect, ...] = ()
    bodies: tuple[Rect, ...] = ()
    reserved: tuple[Rect, ...] = ()


@dataclass(slots=True)
class _Earlier:
    left: int
    top: int
    form: int
    since: float


class LabelPlacer:
    """Places the labels of successive pictures of one size.

    A label is placed in its most informative form that fits without covering a face, a source, captions or another
    label. The positions tried include every corner that free space can have, so a form is rejected only if no position
    is free. If no form fits, the shorter ones may cover the box of a source except its face; otherwise the label is
    left out.
    """

    def __init__(self, area: Rect, gap: int) -> None:
        """Prepare for labels within `area`, `gap` pixels apart from what they belong to."""
        self._area, self._gap = area, gap
        self._earlier: dict[Hashable, _Earlier] = {}

    def place(
        self, requests: Sequence[LabelRequest], obstacles: Obstacles, time: float
    ) -> tuple[list[PlacedLabel], list[LabelRequest]]:
        """Place labels, the first one first.

        Args:
            requests: the labels.
            obstacles: what they should not cover.
            time: seconds, increasing from call to call.

        Returns:
            The placed labels, and those without any room.
        """
        placed: list[PlacedLabel] = []
        left_out: list[LabelRequest] = []
        for request in requests:
            found = self._place_one(request, obstacles, [one.rect.grown(self._gap // 2) for one in placed], time)
            if found is None:
                left_out.append(request)
            else:
                placed.append(found)
        active = {request.key for request in requests}
        self._earlier = {key: value for key, value in self._earlier.items() if key in active}
        return placed, left_out

    def _place_one(
        self, request: LabelRequest, obstacles: Obstacles, labels: list[Rect], time: float
    ) -> PlacedLabel | None:
        never = [*obstacles.faces, *obstacles.reserved, *labels]
        earlier = self._earlier.get(request.key)
        first = earlier.form if earlier is not None and time - earlier.since < _RETRY_SECONDS else 0
        forms = range(len(request.sizes))
        tries = [(form, False) for form in [*forms[first:], *forms[:first]]] + [
            (form, True) for form in forms[1:] or forms
        ]
        for form, over_source in tries:
            blocked = never if over_source else [*never, *obstacles.sources]
            rect = self._best(request, form, blocked, obstacles.bodies)
            if rect is not None:
                since = earlier.since if earlier is not None and earlier.form == form and form == first else time
                self._earlier[request.key] = _Earlier(
                    rect.left - request.near.left, rect.top - request.near.top, form, since
                )
                return PlacedLabel(request, form, rect, over_source)
        return None

    def _best(self, request: LabelRequest, form: int, blocked: Sequence[Rect], bodies: Sequence[Rect]) -> Rect | None:
        width, height = request.sizes[form]
        lefts, tops = self._lines(request, width, height, blocked)
        if not lefts.size or not tops.size:
            return None
        left, top = (grid.ravel() for grid in np.meshgrid(lefts, tops))
        boxes = np.stack([left, top, left + width, top + height], axis=1)
        boxes = boxes[~_overlap(boxes, blocked).any(axis=1)]
        if not len(boxes):
            return None
        cost = self._cost(request, form, boxes) + height * _BODY_COST * _overlap(boxes, bodies).sum(axis=1) / (
            width * height
        )
        return Rect(*(int(value) for value in boxes[cost.argmin()]))

    def _lines(
        self, request: LabelRequest, width: int, height: int, blocked: Sequence[Rect]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Left and top coordinates to try: preferred ones, and those at which free space can begin."""
        area, near = self._area, request.near
        lowest, farthest = area.bottom - height, area.right - width
        tops = [
            area.top,
            lowest,
            round(request.row - height / 2),
            near.top - height - self._gap,
            near.bottom + self._gap,
        ]
        lefts = [area.left, farthest, near.left - width - self._gap, near.right + self._gap,
                 round((near.left + near.right - width) / 2)]  # fmt: skip
        for rect in blocked:
            tops += [rect.bottom, rect.top - height]
            lefts += [rect.right, rect.left - width]
        earlier = self._earlier.get(request.key)
        if earlier is not None:
            lefts.append(near.left + earlier.left)
            tops.append(near.top + earlier.top)
        if request.side == "left":
            lefts = [area.left]
        elif request.side == "right":
            lefts = [farthest]
        return _within(lefts, area.left, farthest), _within(tops, area.top, lowest)

    def _cost(self, request: LabelRequest, form: int, boxes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cost (n,) of positions: distance from where the label belongs, less a bonus for the previous position."""
        near, height = request.near, request.sizes[form][1]
        middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        aside = np.maximum(near.left - boxes[:, 2], boxes[:, 0] - near.right)
        above = np.maximum(near.top - boxes[:, 3], boxes[:, 1] - near.bottom)
        if request.side == "beside":
            beside = aside >= 0
            cost = np.hypot(np.maximum(aside, 0), np.maximum(above, 0)) + 0.5 * np.abs(middle_y - request.row)
            cost += np.where(beside, 0.0, height)
        elif request.side == "column":
            edge = np.minimum(boxes[:, 1] - self._area.top, self._area.bottom - boxes[:, 3] + height)
            cost = np.abs(middle_x - (near.left + near.right) / 2) + 2.0 * edge
        elif request.side == "corner":
            cost = (boxes[:, 0] - self._area.left + boxes[:, 1] - self._area.top).astype(np.float64)
        else:
            cost = np.abs(middle_y - request.row)
        earlier = self._earlier.get(request.key)
        if earlier is not None and earlier.form == form:
            moved = np.abs(boxes[:, 0] - near.left - earlier.left) + np.abs(boxes[:, 1] - near.top - earlier.top)
            cost = cost - _KEEP_BONUS * height * (moved == 0)
        return np.asarray(cost, dtype=np.float64)


def _within(values: Sequence[int], least: int, most: int) -> NDArray[np.int64]:
    """The distinct values within limits; none if the limits exclude all."""
    return np.unique([value for value in values if least <= value <= most]).astype(np.int64)


def _overlap(boxes: NDArray[np.int64], others: Sequence[Rect]) -> NDArray[np.float64]:
    """Common areas (n, m) of boxes (n, 4) and m rectangles, pixels."""
    if not others:
        return np.zeros((len(boxes), 1))
    other = np.array(others, dtype=np.int64)
    low = np.maximum(boxes[:, None, :2], other[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], other[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0).prod(axis=2), dtype=np.float64)
