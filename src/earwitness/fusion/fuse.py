"""The fusion of hours of sound and picture, stretch by stretch, in memory that does not grow with them.

What is seen bears on the events during which it is there, and on silence up to three seconds around them; so the events
that begin within one minute are fused with what is seen from a little before the first to a little after the last of
them. What counts for a candidate as a whole, its score and number, is that of all its sightings. The result is that of
fusing everything at once, except that events of more than two minutes are fused in pieces of two minutes, each by the
evidence of its own.

Distances of sound and sight together: as far as a person who is seen is likely to be heard, their size counts.

Sound and picture together: directions, distances and on/off states moved as far as a common cause is likely.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable, SoundEvent
from earwitness.fusion.evidence import OUTSIDE_FRAMES, all_sounding_frames, gather
from earwitness.fusion.fusion_settings import DistanceWeights, FusionSettings
from earwitness.fusion.posterior import farther_out, framed, least_loss, log_odds, posterior, visual_sigma
from earwitness.vision.tracking.candidate_index import CandidateIndex
from earwitness.vision.tracking.candidates import Candidate

FloatArray = NDArray[np.float64]


def merged_distance(
    heard: FloatArray, seen: FloatArray, each: FloatArray, weights: DistanceWeights | None
) -> FloatArray:
    """Distances (n,) in metres.

    Of each candidate whose size tells its distance, the logarithms of both senses are averaged by their precision; the
    result is that of least expected relative error, the median of a log-normal distribution weighted by 1 / distance.
    It counts by the probability that this candidate is the cause; what is heard counts for the rest.

    Args:
        heard: (n,) metres; NaN where unknown, and then it stays unknown.
        seen: (m, n) metres; NaN where unknown.
        each: (m, n) probabilities that a candidate is the cause.
        weights: how true both are; None leaves all as it is heard.
    """
    if weights is None:
        return heard
    variance = 1 / (1 / weights.heard_spread**2 + 1 / weights.seen_spread**2)
    known = heard > 0
    level = np.log(np.where(known, heard, 1.0))
    both = (level + weights.heard_short) / weights.heard_spread**2 + np.log(seen) / weights.seen_spread**2
    change = variance * both - variance - level
    return np.where(known, heard * np.exp((each * np.nan_to_num(change)).sum(axis=0)), heard)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Events after the fusion, and what it did to each row.

    Attributes:
        table: the events, rows in the order of the sorted table that was given.
        azimuth_before: (n,) degrees.
        distance_before: (n,) metres.
        onscreen_before: (n,) bool.
        common: (n,) probability that something seen is the cause.
        onscreen_probability: (n,) 0..1.
        candidate: (n,) number of the likeliest candidate; -1 where there is none.
    """

    table: EventTable
    azimuth_before: NDArray[np.float32]
    distance_before: NDArray[np.float32]
    onscreen_before: NDArray[np.bool_]
    common: FloatArray
    onscreen_probability: FloatArray
    candidate: NDArray[np.int64]


def fuse(
    table: EventTable,
    candidates: Sequence[Candidate],
    fov: float,
    settings: FusionSettings,
    sounds: Sequence[NDArray[np.bool_]] | None = None,
) -> Fused:
    """Merge what is heard with what is seen; no event is added, dropped or given another time or class.

    Args:
        table: events with linked sources.
        candidates: everything seen.
        fov: horizontal field of view, degrees: what is beyond its half, and one degree more, is off screen (facts of
            the DCASE2025 labels: 51 degrees at 100). A sound that is heard there stays where it is, unless something in
            the picture within reach explains it.
        settings: the numbers.
        sounds: (frames,) for each class, when it sounds, where the table holds only some of the events.
    """
    table = table.sorted()
    count = len(table)
    azimuth, distance, onscreen = table.azimuth.astype(np.float64), table.distance.copy(), np.zeros(count)
    common, which = np.zeros(count), np.full(count, -1, dtype=np.int64)
    limit = fov / 2 + 1
    sounds = sounds or all_sounding_frames(table)
    order = np.lexsort((table.frame, table.source, table.class_index))
    for first, stop in zip(*table.runs()[1:], strict=True):
        rows = order[first:stop]
        event = SoundEvent(table.select(rows))
        index = event.sound_class.index
        unseen = np.where(event.table.onscreen, settings.unseen_on[index], settings.unseen_off[index])
        merged = _merge(event, candidates, sounds[index], settings)
        # Sounds without direction (NaN) are not within either.
        heard = np.abs(event.table.azimuth)
        within = heard <= limit + settings.reach_deg
        seen = merged.framed + (1 - merged.common) * np.where(heard <= limit, unseen, 0)
        onscreen[rows] = np.where(within, seen, 0)
        # What is on screen is where it can be seen.
        edge = np.where(onscreen[rows] >= settings.onscreen_from, limit, 90)
        azimuth[rows] = np.where(within, np.clip(merged.azimuth, -edge, edge), azimuth[rows])
        distance[rows] = np.where(within, merged.distance, distance[rows])
        common[rows] = np.where(within, merged.common, 0)
        which[rows] = np.where(within, merged.which, -1)
    return Fused(
        table.with_columns(
            azimuth=np.clip(azimuth, -90, 90), distance=distance, onscreen=onscreen >= settings.onscreen_from
        ),
        table.azimuth,
        table.distance,
        table.onscreen,
        common,
        onscreen,
        which,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Merged:
    """An event's rows.

    Attributes:
        azimuth: merged, degrees.
        distance: merged, metres.
        common: probability of a common cause.
        framed: of a common cause whose place that sounds is in the picture.
        which: number of the likeliest candidate; -1 for none.
    """

    azimuth: FloatArray
    distance: FloatArray
    common: FloatArray
    framed: FloatArray
    which: NDArray[np.int64]


def _merge(
    event: SoundEvent, candidates: Sequence[Candidate], sounds: NDArray[np.bool_], settings: FusionSettings
) -> _Merged:
    evidence = gather(event, candidates, sounds, settings.window_frames)
    heard = event.table.azimuth.astype(np.float64)
    if not evidence.candidates:
        nothing = np.zeros(len(heard))
        far = event.table.distance.astype(np.float64)
        return _Merged(heard, far, nothing, nothing, np.full(len(heard), -1, dtype=np.int64))
    index = event.sound_class.index
    each, none = posterior(log_odds(evidence, index, settings))
    sight = 1 / visual_sigma(evidence, settings) ** 2
    sound = 1 / settings.sigma_deg[index] ** 2
    alone = np.full((1, len(heard)), settings.sigma_deg[index])
    # What both senses say of one place, each by its precision.
    place = np.nan_to_num(evidence.azimuth)
    both = place + (heard - place - farther_out(place, settings.outward)) * sound / (sight + sound)
    both = np.clip(both, np.minimum(place, heard), np.maximum(place, heard))
    places, spreads = np.concatenate([both, heard[None]]), np.concatenate([(sight + sound) ** -0.5, alone])
    weights = np.concatenate([each, settings.caution * none[None]])
    weights /= weights.sum(axis=0)
    best = least_loss(places, spreads, weights, settings.miss_deg)
    numbers = np.array([candidate.number for candidate in evidence.candidates])
    seen = np.isfinite(evidence.azimuth).any(axis=0)
    return _Merged(
        np.where(seen, best, heard),
        merged_distance(event.table.distance.astype(np.float64), evidence.distance, weights[:-1], settings.distance),
        each.sum(axis=0),
        framed(evidence, settings) @ each,
        np.where(seen, numbers[each.argmax(axis=0)], -1),
    )


Rows = NDArray[np.intp]

STRETCH_FRAMES: Final = 600
LONGEST_FRAMES: Final = 1200
"""At least a stretch: two pieces of one event must not begin in the same."""


def fuse_long(table: EventTable, candidate_index: CandidateIndex, fov: float, settings: FusionSettings) -> Fused:
    """Merge what is heard with what is seen; arguments and result as in `fusion.fuse`."""
    table = table.sorted()
    count = len(table)
    sounds = all_sounding_frames(table)
    azimuth, distance, onscreen = table.azimuth.copy(), table.distance.copy(), table.onscreen.copy()
    common, probability, which = np.zeros(count), np.zeros(count), np.full(count, -1, dtype=np.int64)
    for rows in _stretches(table):
        part = table.select(rows)
        around = int(part.frame[0]) - OUTSIDE_FRAMES, int(part.frame[-1]) + 1 + OUTSIDE_FRAMES
        fused = fuse(part, candidate_index.during(*around), fov, settings, sounds)
        azimuth[rows], distance[rows], onscreen[rows] = fused.table.azimuth, fused.table.distance, fused.table.onscreen
        common[rows], probability[rows], which[rows] = fused.common, fused.onscreen_probability, fused.candidate
    after = table.with_columns(azimuth=azimuth, distance=distance, onscreen=onscreen)
    return Fused(after, table.azimuth, table.distance, table.onscreen, common, probability, which)


def _stretches(table: EventTable) -> Iterator[Rows]:
    """Rows of the events and pieces of events that begin within one stretch, in the order of the sorted table."""
    order = np.lexsort((table.frame, table.source, table.class_index))
    runs, first, stop = table.runs()
    since = runs.frame - np.repeat(runs.frame[first], stop - first)
    began = np.empty(len(table), dtype=np.int64)
    began[order] = runs.frame - since % LONGEST_FRAMES
    stretch = began // STRETCH_FRAMES
    by_stretch = np.argsort(stretch, kind="stable")
    yield from np.split(by_stretch, np.flatnonzero(np.diff(stretch[by_stretch])) + 1) if len(table) else ()
