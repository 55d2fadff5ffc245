"""Fusion of sound and pictures: azimuth, distance and on-screen state, corrected by the probability of a common cause.

Long files are fused stretch by stretch in constant memory. A candidate affects events while it is visible, and silence
up to three seconds around them. Events that begin within the same minute are therefore fused with the candidates from
shortly before the first to shortly after the last of them. The score and the number of a candidate refer to all its
detections. The result equals that of fusing everything at once, except that events longer than two minutes are fused in
pieces of two minutes, each with its own evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable, SoundEvent
from earwitness.fusion.fusion_settings import DistanceWeights, FusionSettings
from earwitness.fusion.posterior import (
    OUTSIDE_FRAMES,
    all_sounding_frames,
    farther_out,
    framed,
    gather,
    least_loss,
    log_odds,
    posterior,
    visual_sigma,
)
from earwitness.vision.candidates import Candidate, CandidateIndex

FloatArray = NDArray[np.float64]


def merged_distance(
    audio: FloatArray, visual: FloatArray, each: FloatArray, weights: DistanceWeights | None
) -> FloatArray:
    """Merge the distances from sound and from the size of candidates.

    For each candidate of known distance, the logarithms of both distances are averaged by their precision. The result
    has the least expected relative error: the median of a log-normal distribution weighted by 1 / distance. It has the
    weight of the probability that this candidate is the cause; the distance from sound has the remaining weight.

    Args:
        audio: (n,) distances from sound, metres; NaN where unknown, which stays unknown.
        visual: (m, n) distances by size, metres; NaN where unknown.
        each: (m, n) probabilities that a candidate is the cause.
        weights: accuracy of both; None: keep the distances from sound.

    Returns:
        (n,) metres.
    """
    if weights is None:
        return audio
    variance = 1 / (1 / weights.heard_spread**2 + 1 / weights.seen_spread**2)
    known = audio > 0
    level = np.log(np.where(known, audio, 1.0))
    both = (level + weights.heard_short) / weights.heard_spread**2 + np.log(visual) / weights.seen_spread**2
    change = variance * both - variance - level
    return np.where(known, audio * np.exp((each * np.nan_to_num(change)).sum(axis=0)), audio)


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Events after the fusion, with the values before it and its probabilities, row by row.

    Attributes:
        table: the events, in the order of the sorted input table.
        azimuth_before: (n,) azimuth before the fusion, degrees.
        distance_before: (n,) distance before the fusion, metres.
        onscreen_before: (n,) on-screen state before the fusion.
        common: (n,) probability that any candidate is the cause.
        onscreen_probability: (n,) probability of being on screen.
        candidate: (n,) number of the most likely candidate; -1 for none.
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
    """Fuse events with candidates; no event is added or removed, and times and classes do not change.

    Args:
        table: events with linked sources.
        candidates: all candidates during the events.
        fov: horizontal field of view, degrees. An azimuth more than one degree beyond half of it is off screen (as in
            the DCASE2025 labels: 51 degrees at 100). Such an event stays there, unless a candidate in the picture
            within reach explains it.
        settings: settings of the fusion.
        sounds: for each class, (frames,) whether it is active, if the table holds only some of the events.
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
        unexplained = np.where(event.table.onscreen, settings.unseen_on[index], settings.unseen_off[index])
        merged = _merge(event, candidates, sounds[index], settings)
        azimuth_size = np.abs(event.table.azimuth)
        within = azimuth_size <= limit + settings.reach_deg  # False for sounds without direction (NaN)
        visible = merged.framed + (1 - merged.common) * np.where(azimuth_size <= limit, unexplained, 0)
        onscreen[rows] = np.where(within, visible, 0)
        # Events on screen get an azimuth within the picture.
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
    """Fused values of the rows of one event.

    Attributes:
        azimuth: fused azimuth, degrees.
        distance: fused distance, metres.
        common: probability of a common cause.
        framed: probability of a common cause whose sounding part is in the picture.
        which: number of the most likely candidate; -1 for none.
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
    azimuth = event.table.azimuth.astype(np.float64)
    if not evidence.candidates:
        nothing = np.zeros(len(azimuth))
        far = event.table.distance.astype(np.float64)
        return _Merged(azimuth, far, nothing, nothing, np.full(len(azimuth), -1, dtype=np.int64))
    index = event.sound_class.index
    each, none = posterior(log_odds(evidence, index, settings))
    visual = 1 / visual_sigma(evidence, settings) ** 2
    audio = 1 / settings.sigma_deg[index] ** 2
    alone = np.full((1, len(azimuth)), settings.sigma_deg[index])
    # Mean of the visual and the audio direction, weighted by precision.
    place = np.nan_to_num(evidence.azimuth)
    both = place + (azimuth - place - farther_out(place, settings.outward)) * audio / (visual + audio)
    both = np.clip(both, np.minimum(place, azimuth), np.maximum(place, azimuth))
    places, spreads = np.concatenate([both, azimuth[None]]), np.concatenate([(visual + audio) ** -0.5, alone])
    weights = np.concatenate([each, settings.caution * none[None]])
    weights /= weights.sum(axis=0)
    best = least_loss(places, spreads, weights, settings.miss_deg)
    numbers = np.array([candidate.number for candidate in evidence.candidates])
    has_candidate = np.isfinite(evidence.azimuth).any(axis=0)
    return _Merged(
        np.where(has_candidate, best, azimuth),
        merged_distance(event.table.distance.astype(np.float64), evidence.distance, weights[:-1], settings.distance),
        each.sum(axis=0),
        framed(evidence, settings) @ each,
        np.where(has_candidate, numbers[each.argmax(axis=0)], -1),
    )


Rows = NDArray[np.intp]

STRETCH_FRAMES: Final = 600
LONGEST_FRAMES: Final = 1200
"""Longest piece of an event. At least one stretch: two pieces of an event must not begin in the same stretch."""


def fuse_long(table: EventTable, candidate_index: CandidateIndex, fov: float, settings: FusionSettings) -> Fused:
    """Fuse the events of a file of any length with its candidates; arguments and result as in `fuse`."""
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
    """Rows of the events and pieces of events that begin in the same stretch, in the order of the sorted table."""
    order = np.lexsort((table.frame, table.source, table.class_index))
    runs, first, stop = table.runs()
    since = runs.frame - np.repeat(runs.frame[first], stop - first)
    began = np.empty(len(table), dtype=np.int64)
    began[order] = runs.frame - since % LONGEST_FRAMES
    stretch = began // STRETCH_FRAMES
    by_stretch = np.argsort(stretch, kind="stable")
    yield from np.split(by_stretch, np.flatnonzero(np.diff(stretch[by_stretch])) + 1) if len(table) else ()
