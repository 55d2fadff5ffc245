"""Boxes of people and of the sources of sounds in the picture over time, from the visual analysis of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE, EventTable, SoundEvent
from earwitness.core.geometry import Camera
from earwitness.results.visual import EventVisual, VisibleObject
from earwitness.vision.boxes import PERSON
from earwitness.vision.motion import MOVING

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as shares of the picture."""
LIKELY: Final = 0.5
"""A sound belongs to a visible object from this probability of a common cause on."""
_FACE_OF_HEIGHT: Final = 0.2
_MOST: Final = 0.5
_FACE_ALONE: Final = 0.75
"""Boxes at least this wide for their height show a face, or a person so near that the body fills the picture."""
_BODY_HEIGHTS: Final = 6.0
"""Height of a body below the face, in face heights."""
_ASIDE, _ABOVE, _BELOW = 0.15, 0.3, 0.1
"""Margins of faces, as shares of their width and height."""
_NOWHERE: Final = np.zeros(0, np.int64)
_OWN_NUMBERS: Final = 1_000_000_000
"""Numbers of boxes made from those of single events."""


@dataclass(frozen=True, slots=True, eq=False)
class _Trail:
    frames: NDArray[np.float64]
    boxes: NDArray[np.float64]

    def at(self, frame: float) -> Box:
        left, top, right, bottom = (float(np.interp(frame, self.frames, self.boxes[:, side])) for side in range(4))
        return left, top, right, bottom


class VisibleObjects:
    """The visible objects of a result.

    Documents of earlier versions have one box for each object, which is used for its whole duration, and one for each
    event, which is moved with the direction of the event.
    """

    def __init__(self, result: Detection, fov: float, aspect: float) -> None:
        """Prepare the objects of a result.

        Args:
            result: the result.
            fov: horizontal field of view of the whole width, degrees.
            aspect: width of the picture divided by its height.
        """
        self._trails: dict[int, _Trail] = {}
        self._regions: set[int] = set()
        self._aspect = aspect
        people: list[tuple[float, float, int]] = []
        self._camera = Camera(1000, 1000, fov)
        objects = () if result.visual is None else result.visual.pictures.seen or ()
        for one in objects:
            trail = _trail_of(one)
            if one.seen is None or trail is None:
                continue
            self._trails[one.seen] = trail
            if one.what == MOVING:
                self._regions.add(one.seen)
            if one.what == PERSON:
                people.append((one.start or 0.0, np.inf if one.end is None else one.end, one.seen))
        self._moving = {one.seen for one in objects if one.boxes}
        self._start, self._end = (np.array([row[side] for row in people], np.float64) for side in (0, 1))
        self._people = np.array([row[2] for row in people], np.int64)
        self.causes = self._causes(result)

    def people(self, time: float) -> list[Box]:
        """Boxes of the people in the picture at a time, seconds."""
        there = self._people[(self._start <= time + 1e-6) & (time < self._end + 1e-6)]
        return [self._trails[int(number)].at(time * FRAME_RATE) for number in there]

    def box(self, cause: int | None, time: float) -> Box | None:
        """The box of the source of a sound; None if there is none.

        A moving region that includes most of a person's face is that person, not an object.
        """
        trail = None if cause is None else self._trails.get(cause)
        if cause is None or trail is None:
            return None
        box = trail.at(time * FRAME_RATE)
        if cause not in self._regions:
            return box
        faces = (face(person, self._aspect) for person in self.people(time))
        return None if any(_share_within(one, box) > _MOST for one in faces) else box

    def _causes(self, result: Detection) -> NDArray[np.int64]:
        """(n,) for each row of the table, the number of the object that makes the sound, or -1."""
        table = result.table
        causes = np.full(len(table), -1, np.int64)
        if result.visual is None:
            return causes
        order = np.lexsort((table.source, table.class_index, table.frame))
        keys = _keys(table)[order]
        for event, visual in result.explained_events():
            if visual is None:
                continue
            numbers = self._numbers(event, visual)
            if numbers.size:
                causes[order[np.searchsorted(keys, _keys(event.table))]] = numbers
        return causes

    def _numbers(self, event: SoundEvent, visual: EventVisual) -> NDArray[np.int64]:
        """For each row of an event, the number of the object that makes the sound, or -1."""
        frames, track = len(event.table), visual.track
        if track is not None and track.seen and track.common_cause and len(track.seen) == frames:
            seen = np.array([-1 if one is None else one for one in track.seen], np.int64)
            likely = np.array([0.0 if one is None else one for one in track.common_cause], np.float64)
            numbers = np.where(likely >= LIKELY, seen, -1) if len(likely) == frames else np.full(frames, -1)
        elif visual.seen is not None and (visual.common_cause or 0.0) >= LIKELY:
            numbers = np.full(frames, visual.seen, np.int64)
        else:
            return _NOWHERE
        if visual.seen is not None and visual.seen not in self._moving and visual.box:
            own = self._followed(event, visual.box)
            if own is not None:
                number = _OWN_NUMBERS + len(self._trails)
                self._trails[number] = own
                if visual.what == MOVING:
                    self._regions.add(number)
                numbers = np.where(numbers == visual.seen, number, numbers)
        known = np.isin(numbers, list(self._trails))
        return np.where(known & event.table.onscreen, numbers, -1)

    def _followed(self, event: SoundEvent, box: list[float]) -> _Trail | None:
        """A box at the middle frame of an event, moved with its azimuth."""
        frame = event.table.frame.astype(np.float64)
        trail = _checked(frame[:1], [box])
        if trail is None:
            return None
        column = self._camera.column(event.table.azimuth) / self._camera.width
        moved = np.nan_to_num(column - column[len(column) // 2])
        boxes = trail.boxes + moved[:, None] * [1, 0, 1, 0]
        return _Trail(frame, np.clip(boxes, 0, 1))


def face(box: Box, aspect: float) -> Box:
    """The part of a person's box that includes the face, whatever the pose.

    Boxes show whole bodies, upper bodies or faces alone. A head is at most as high as the box is wide, and at least a
    fifth of a body of which little of the width is seen.

    Args:
        box: the person's box.
        aspect: width of the picture divided by its height.
    """
    left, top, right, bottom = box
    height = bottom - top
    return left, top, right, top + min(height, max((right - left) * aspect, _FACE_OF_HEIGHT * height))


def body(box: Box, aspect: float) -> Box:
    """A person's box, extended by the body below if only the face was detected."""
    left, top, right, bottom = box
    height = bottom - top
    if (right - left) * aspect < _FACE_ALONE * height:
        return box
    aside = right - left
    return max(left - aside, 0.0), top, min(right + aside, 1.0), min(bottom + _BODY_HEIGHTS * height, 1.0)


def free_area(face_box: Box) -> Box:
    """A face with a margin: hair is outside the boxes of faces, and boxes are interpolated."""
    left, top, right, bottom = face_box
    aside, height = _ASIDE * (right - left), bottom - top
    return (
        max(left - aside, 0.0), max(top - _ABOVE * height, 0.0), min(right + aside, 1.0),
        min(bottom + _BELOW * height, 1.0),
    )  # fmt: skip


def _share_within(inner: Box, outer: Box) -> float:
    """Share of the area of one box that is within another."""
    width = min(inner[2], outer[2]) - max(inner[0], outer[0])
    height = min(inner[3], outer[3]) - max(inner[1], outer[1])
    whole = (inner[2] - inner[0]) * (inner[3] - inner[1])
    return max(width, 0.0) * max(height, 0.0) / whole if whole > 0 else 0.0


def _trail_of(one: VisibleObject) -> _Trail | None:
    if one.boxes:
        rows = sorted(one.boxes)
        return _checked(np.array([row[0] for row in rows]), [list(row[1:]) for row in rows])
    return None if one.box is None else _checked(np.zeros(1), [one.box])


def _checked(frames: NDArray[np.float64], boxes: list[list[float]]) -> _Trail | None:
    """The trail of boxes; None if one is not a box, since documents may have been edited."""
    if any(len(box) != 4 for box in boxes):
        return None
    shares = np.array(boxes, np.float64)
    valid = np.isfinite(shares).all() and np.isfinite(frames).all()
    if not valid or (shares[:, :2] >= shares[:, 2:]).any() or (shares < -1).any() or (shares > 2).any():
        return None
    return _Trail(np.asarray(frames, np.float64), np.clip(shares, 0, 1))


def _keys(table: EventTable) -> NDArray[np.int64]:
    frame, class_index = table.frame.astype(np.int64), table.class_index.astype(np.int64)
    return np.asarray((frame << 32) + (class_index << 16) + table.source, dtype=np.int64)
