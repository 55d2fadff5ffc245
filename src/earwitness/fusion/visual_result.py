"""What looking at the pictures of a file gave, as plain values for the result and its JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS, SoundEvent
from earwitness.fusion.explanation import Explanation, SeenThing, rows_of
from earwitness.fusion.fuse import Fused
from earwitness.results.visual import EventKey, EventVisual, Pictures, VisibleObject, Visual, VisualTrack
from earwitness.vision.boxes import PERSON
from earwitness.vision.motion import MOVING


@dataclass(frozen=True, slots=True, eq=False)
class VisualResult(Visual):
    """What looking at a file gave; the values of an event are made when they are asked for.

    Attributes:
        fused: the events after the fusion, and what it did to each row.
        width, height: of the pictures as the detector got them, pixels.
        content: left, top, right, bottom of the pictures without black bars, pixels.
        frames: number of label frames with a picture.
        things: all visible objects, by number.
        explanations: the likeliest cause of each event that has one.
        from_cache: whether the observation of the file was in the cache.
        warnings: what a user should know about the pictures.
    """

    fused: Fused
    width: int
    height: int
    content: tuple[int, int, int, int]
    frames: int
    things: tuple[SeenThing, ...]
    explanations: dict[EventKey, Explanation]
    from_cache: bool
    warnings: tuple[str, ...] = ()

    @property
    def pictures(self) -> Pictures:
        """What the pictures show."""
        return Pictures(
            width=self.width,
            height=self.height,
            content=self.content,
            picture_frames=self.frames,
            seen=[self._object(number, thing) for number, thing in enumerate(self.things)],
        )

    def of(self, event: SoundEvent) -> EventVisual:
        """What the fusion did to one event: before and after, frame by frame, which object, and why."""
        fused, rows = self.fused, rows_of(event, self.fused.table)
        cause = self.explanations.get(EventKey.of(event))
        return EventVisual(
            azimuth_before_deg=_rounded(np.median(fused.azimuth_before[rows])),
            distance_before_m=_rounded(np.median(fused.distance_before[rows]), 2),
            onscreen_before=bool(fused.onscreen_before[rows].mean() >= 0.5),
            common_cause=_rounded(fused.common[rows].mean(), 3),
            onscreen_probability=_rounded(fused.onscreen_probability[rows].mean(), 3),
            seen=None if cause is None else cause.number,
            what=None if cause is None else cause.label,
            box=None if cause is None else self._shares(cause.box),
            why=self._why(event, cause, rows),
            track=_track(fused, rows),
        )

    def _why(self, event: SoundEvent, cause: Explanation | None, rows: NDArray[np.int64]) -> str:
        if cause is None:
            if not np.isfinite(event.table.azimuth).any():
                return "the sound has no direction to compare with the picture"
            return "nothing that could make this sound is in the picture there"
        likely = float(self.fused.common[rows].mean())
        verdict = "likely" if likely >= 0.5 else "perhaps" if likely >= 0.25 else "unlikely"
        outside = likely >= 0.5 and not self.fused.table.onscreen[rows].mean() >= 0.5
        where = ", but where it sounds is probably above or below the picture" if outside else ""
        return (
            f"{_name(cause)}, {cause.apart:.0f} degrees from where it was heard, "
            f"{'moving' if cause.moves else 'still'} while it sounds: {verdict} the cause ({likely:.0%}){where}"
        )

    def _object(self, number: int, thing: SeenThing) -> VisibleObject:
        return VisibleObject(
            seen=number,
            what=thing.label,
            start=round(thing.start * FRAME_SECONDS, 1),
            end=round(thing.stop * FRAME_SECONDS, 1),
            azimuth_deg=_rounded(thing.azimuth),
            box=self._shares(thing.box),
            score=_rounded(thing.score, 3),
            sightings=thing.sightings,
        )

    def _shares(self, xyxy: NDArray[np.float32]) -> list[float]:
        """A box as shares of the picture."""
        shares = xyxy / np.array([self.width, self.height] * 2)
        return [round(float(share), 4) for share in np.clip(shares, 0, 1)]


def _track(fused: Fused, rows: NDArray[np.int64]) -> VisualTrack:
    return VisualTrack(
        azimuth_before=[_rounded(value) for value in fused.azimuth_before[rows]],
        distance_before=[_rounded(value, 2) for value in fused.distance_before[rows]],
        onscreen_before=fused.onscreen_before[rows].tolist(),
        common_cause=[_rounded(value, 3) for value in fused.common[rows]],
        onscreen_probability=[_rounded(value, 3) for value in fused.onscreen_probability[rows]],
        seen=[None if one < 0 else int(one) for one in fused.candidate[rows]],
    )


def _name(cause: Explanation) -> str:
    if cause.label == MOVING:
        return f"something that moves (seen {cause.number})"
    return f"a person (seen {cause.number})" if cause.label == PERSON else f"seen {cause.number}"


def _rounded(value: Any, digits: int = 1) -> float | None:
    return None if not np.isfinite(value) else round(float(value), digits)
