"""What the fusion did, in plain values and plain words, for the JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_SECONDS, SoundEvent
from earwitness.fusion.explanation import EventKey, Explanation, SeenThing, rows_of
from earwitness.vision.boxes import PERSON
from earwitness.vision.motion import MOVING

if TYPE_CHECKING:
    from earwitness.fusion.visual_analysis import VisualResult


def seen_values(sight: VisualResult) -> dict[str, Any]:
    """Everything that was seen: what, when, where (degrees, and boxes as shares of the picture).

    `content` is what is not black bar: left, top, right, bottom, pixels.
    """
    return {
        "width": sight.width,
        "height": sight.height,
        "content": list(sight.content),
        "picture_frames": sight.frames,
        "seen": [_thing(number, thing, sight) for number, thing in enumerate(sight.things)],
    }


def event_values_of(event: SoundEvent, sight: VisualResult) -> dict[str, Any]:
    """What was done to one event: frame by frame before and after, which box, and why."""
    fused = sight.fused
    rows = rows_of(event, fused.table)
    reason = sight.reasons.get(EventKey.of(event))
    values: dict[str, Any] = {
        "azimuth_before_deg": _rounded(np.median(fused.azimuth_before[rows])),
        "distance_before_m": _rounded(np.median(fused.distance_before[rows]), 2),
        "onscreen_before": bool(fused.onscreen_before[rows].mean() >= 0.5),
        "common_cause": _rounded(fused.common[rows].mean(), 3),
        "onscreen_probability": _rounded(fused.onscreen_probability[rows].mean(), 3),
        "seen": None if reason is None else reason.number,
        "what": None if reason is None else reason.label,
        "box": None,
        "why": "nothing that could make this sound is in the picture there",
        "track": {
            "azimuth_before": [_rounded(value) for value in fused.azimuth_before[rows]],
            "distance_before": [_rounded(value, 2) for value in fused.distance_before[rows]],
            "onscreen_before": fused.onscreen_before[rows].tolist(),
            "common_cause": [_rounded(value, 3) for value in fused.common[rows]],
            "onscreen_probability": [_rounded(value, 3) for value in fused.onscreen_probability[rows]],
            "seen": [None if one < 0 else int(one) for one in fused.candidate[rows]],
        },
    }
    if reason is not None:
        values["box"] = _box(reason.box, sight)
        values["why"] = _why(reason, sight, rows)
    elif not np.isfinite(event.table.azimuth).any():
        values["why"] = "the sound has no direction to compare with the picture"
    return values


def _why(reason: Explanation, sight: VisualResult, rows: NDArray[np.int64]) -> str:
    likely = float(sight.fused.common[rows].mean())
    verdict = "likely" if likely >= 0.5 else "perhaps" if likely >= 0.25 else "unlikely"
    outside = likely >= 0.5 and not sight.fused.table.onscreen[rows].mean() >= 0.5
    where = ", but where it sounds is probably above or below the picture" if outside else ""
    return (
        f"{_name(reason)}, {reason.apart:.0f} degrees from where it was heard, "
        f"{'moving' if reason.moves else 'still'} while it sounds: {verdict} the cause ({likely:.0%}){where}"
    )


def _thing(number: int, thing: SeenThing, sight: VisualResult) -> dict[str, Any]:
    return {
        "seen": number,
        "what": thing.label,
        "start": round(thing.start * FRAME_SECONDS, 1),
        "end": round(thing.stop * FRAME_SECONDS, 1),
        "azimuth_deg": _rounded(thing.azimuth),
        "box": _box(thing.box, sight),
        "score": _rounded(thing.score, 3),
        "sightings": thing.sightings,
    }


def _name(reason: Explanation) -> str:
    if reason.label == MOVING:
        return f"something that moves (seen {reason.number})"
    return f"a person (seen {reason.number})" if reason.label == PERSON else f"seen {reason.number}"


def _box(xyxy: NDArray[np.float32], sight: VisualResult) -> list[float]:
    """Left, top, right, bottom as shares of the picture."""
    shares = xyxy / np.array([sight.width, sight.height] * 2)
    return [round(float(share), 4) for share in np.clip(shares, 0, 1)]


def _rounded(value: Any, digits: int = 1) -> float | None:
    return None if not np.isfinite(value) else round(float(value), digits)
