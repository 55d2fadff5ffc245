"""What the fusion did, in plain values and plain words, for the JSON document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earwitness.events import FRAME_SECONDS, SoundEvent
from earwitness.vision.boxes import PERSON
from earwitness.vision.motion import MOVING

if TYPE_CHECKING:
    from earwitness.inference.eyes import Sight
    from earwitness.vision.candidates import Candidate


def seen(sight: Sight) -> dict[str, Any]:
    """Everything that was seen: what, when, where (degrees, and boxes as shares of the picture)."""
    return {
        "width": sight.width,
        "height": sight.height,
        "picture_frames": sight.frames,
        "seen": [_thing(candidate, sight) for candidate in sight.fused.candidates],
    }


def done_to(event: SoundEvent, sight: Sight) -> dict[str, Any]:
    """What was done to one event: frame by frame before and after, which box, and why."""
    fused = sight.fused
    rows = _rows(event, sight)
    number = _likeliest(fused.candidate[rows], fused.common[rows])
    values: dict[str, Any] = {
        "azimuth_before_deg": _rounded(np.median(fused.azimuth_before[rows])),
        "onscreen_before": bool(fused.onscreen_before[rows].mean() >= 0.5),
        "common_cause": _rounded(fused.common[rows].mean(), 3),
        "onscreen_probability": _rounded(fused.onscreen_probability[rows].mean(), 3),
        "seen": number,
        "box": None,
        "why": "nothing that could make this sound is in the picture there",
        "track": {
            "azimuth_before": [_rounded(value) for value in fused.azimuth_before[rows]],
            "onscreen_before": fused.onscreen_before[rows].tolist(),
            "common_cause": [_rounded(value, 3) for value in fused.common[rows]],
            "onscreen_probability": [_rounded(value, 3) for value in fused.onscreen_probability[rows]],
            "seen": [None if one < 0 else int(one) for one in fused.candidate[rows]],
        },
    }
    if number is not None:
        candidate = fused.candidates[number]
        middle = int(event.table.frame[len(event.table) // 2])
        values["box"] = _box(candidate, middle, sight)
        values["why"] = _why(event, candidate, sight, rows)
    elif not np.isfinite(event.table.azimuth).any():
        values["why"] = "the sound has no direction to compare with the picture"
    return values


def _why(event: SoundEvent, candidate: Candidate, sight: Sight, rows: NDArray[np.int64]) -> str:
    frame = event.table.frame - candidate.start
    there = (frame >= 0) & (frame < len(candidate.xyxy))
    places = candidate.azimuth[event.sound_class.index, frame[there]]
    apart = np.abs(sight.fused.azimuth_before[rows][there] - places)
    motion = candidate.motion[frame[there]]
    moves = np.isfinite(motion).any() and float(np.nanmean(motion > 0)) >= 0.5
    likely = float(sight.fused.common[rows].mean())
    verdict = "likely" if likely >= 0.5 else "perhaps" if likely >= 0.25 else "unlikely"
    outside = likely >= 0.5 and not sight.fused.table.onscreen[rows].mean() >= 0.5
    where = ", but where it sounds is probably above or below the picture" if outside else ""
    return (
        f"{_name(candidate)}, {np.nanmedian(apart):.0f} degrees from where it was heard, "
        f"{'moving' if moves else 'still'} while it sounds: {verdict} the cause ({likely:.0%}){where}"
    )


def _thing(candidate: Candidate, sight: Sight) -> dict[str, Any]:
    middle = candidate.start + len(candidate.xyxy) // 2
    frames = np.isfinite(candidate.azimuth).any(axis=0)
    azimuth = np.nanmedian(candidate.azimuth[0][frames]) if np.isfinite(candidate.azimuth[0]).any() else np.nan
    return {
        "seen": candidate.number,
        "what": candidate.label,
        "start": round(candidate.start * FRAME_SECONDS, 1),
        "end": round(candidate.stop * FRAME_SECONDS, 1),
        "azimuth_deg": _rounded(azimuth),
        "box": _box(candidate, middle, sight),
        "score": _rounded(candidate.score, 3),
        "sightings": candidate.sightings,
    }


def _name(candidate: Candidate) -> str:
    if candidate.label == MOVING:
        return f"something that moves (seen {candidate.number})"
    return f"a person (seen {candidate.number})" if candidate.label == PERSON else f"seen {candidate.number}"


def _box(candidate: Candidate, frame: int, sight: Sight) -> list[float]:
    """Left, top, right, bottom as shares of the picture."""
    place = int(np.clip(frame - candidate.start, 0, len(candidate.xyxy) - 1))
    shares = candidate.xyxy[place] / np.array([sight.width, sight.height] * 2)
    return [round(float(share), 4) for share in np.clip(shares, 0, 1)]


def _likeliest(candidates: Any, common: Any) -> int | None:
    """The candidate with most of the probability over an event."""
    known = candidates >= 0
    if not known.any():
        return None
    totals = np.bincount(candidates[known], weights=common[known] + 1e-9)
    return int(totals.argmax())


def _rows(event: SoundEvent, sight: Sight) -> NDArray[np.int64]:
    """Where an event's rows lie in the table, which is sorted by frame."""
    table, own = sight.fused.table, event.table
    first, stop = np.searchsorted(table.frame, [own.frame[0], own.frame[-1] + 1])
    same = table.class_index[first:stop] == own.class_index[0]
    return np.flatnonzero(same & (table.source[first:stop] == own.source[0])) + int(first)


def _rounded(value: Any, digits: int = 1) -> float | None:
    return None if not np.isfinite(value) else round(float(value), digits)
