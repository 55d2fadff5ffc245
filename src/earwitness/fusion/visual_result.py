"""The result of the visual analysis of a file, converted to plain values for its JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS, SoundEvent
from earwitness.fusion.explanation import CandidateSummary, Explanation, rows_of
from earwitness.fusion.fuse import Fused
from earwitness.results.visual import EventKey, EventVisual, Pictures, VisibleObject, Visual, VisualTrack
from earwitness.vision.boxes import PERSON
from earwitness.vision.motion import MOVING


@dataclass(frozen=True, slots=True, eq=False)
class VisualResult(Visual):
    """The result of the visual analysis of a file; the values of an event are computed on request.

    Attributes:
        fused: the events after the fusion, with the values before it.
        width, height: size of the analysed pictures, pixels.
        content: left, top, right, bottom of the picture area without black bars, pixels.
        frames: number of label frames with a picture.
        objects: all visible objects, by number.
        explanations: the most likely cause of each event that has one.
        from_cache: whether the observation of the file was in the cache.
        warnings: warnings about the pictures.
    """

    fused: Fused
    width: int
    height: int
    content: tuple[int, int, int, int]
    frames: int
    objects: tuple[CandidateSummary, ...]
    explanations: dict[EventKey, Explanation]
    from_cache: bool
    warnings: tuple[str, ...] = ()

    @property
    def pictures(self) -> Pictures:
        """The pictures and the objects in them."""
        return Pictures(
            width=self.width,
            height=self.height,
            content=self.content,
            picture_frames=self.frames,
            seen=[self._object(number, one) for number, one in enumerate(self.objects)],
        )

    def of(self, event: SoundEvent) -> EventVisual:
        """The effect of the fusion on one event, frame by frame, with the likely cause and an explanation."""
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
            box=None if cause is None else list(self._shares(cause.box)),
            why=self._why(event, cause, rows),
            track=_track(fused, rows),
        )

    def _why(self, event: SoundEvent, cause: Explanation | None, rows: NDArray[np.int64]) -> str:
        if cause is None:
            if not np.isfinite(event.table.azimuth).any():
                return "the sound has no direction to compare with the picture"
            return "no visible object in that direction could make this sound"
        likely = float(self.fused.common[rows].mean())
        verdict = "likely to be" if likely >= 0.5 else "possibly" if likely >= 0.25 else "unlikely to be"
        outside = likely >= 0.5 and not self.fused.table.onscreen[rows].mean() >= 0.5
        where = ", but the sounding part is probably above or below the picture" if outside else ""
        return (
            f"{_name(cause)}, {cause.apart:.0f} degrees from the detected direction, "
            f"{'moving' if cause.moves else 'still'} during the sound: {verdict} the cause ({likely:.0%}){where}"
        )

    def _object(self, number: int, summary: CandidateSummary) -> VisibleObject:
        return VisibleObject(
            seen=number,
            what=summary.label,
            start=round(summary.start * FRAME_SECONDS, 1),
            end=round(summary.stop * FRAME_SECONDS, 1),
            azimuth_deg=_rounded(summary.azimuth),
            box=list(self._shares(summary.box)),
            boxes=[
                (float(frame), *self._shares(box))
                for frame, box in zip(summary.key_frames.tolist(), summary.key_boxes, strict=True)
            ],
            score=_rounded(summary.score, 3),
            sightings=summary.sightings,
        )

    def _shares(self, xyxy: NDArray[np.float32]) -> tuple[float, float, float, float]:
        """Convert a box to shares of the picture."""
        shares = xyxy / np.array([self.width, self.height] * 2)
        left, top, right, bottom = (round(float(share), 4) for share in np.clip(shares, 0, 1))
        return left, top, right, bottom


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
        return f"a moving region (seen {cause.number})"
    return f"a person (seen {cause.number})" if cause.label == PERSON else f"an object (seen {cause.number})"


def _rounded(value: Any, digits: int = 1) -> float | None:
    return None if not np.isfinite(value) else round(float(value), digits)
