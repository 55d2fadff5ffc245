"""Everything in a video that may have made a sound, at hand for any stretch of it.

Of hours only the sightings are in memory: what they say frame by frame is worked out for the stretch that is asked
about, and is the same as if all of it had been.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.vocabulary import CLASSES
from earwitness.vision.boxes import Boxes, cover_each
from earwitness.vision.motion import moving_regions
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidates import REMEMBERED, Candidate, azimuths, candidate_of
from earwitness.vision.tracking.tracks import TrackConfig, Trail, link

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

_MARGIN: Final = 0.2
_STRETCH: Final = 600
_THINGS: Final = TrackConfig(keypoints=REMEMBERED)
_MOTION: Final = TrackConfig(reach=0.8, gap=30, hold=10, least=2, keypoints=())
"""What moved and rests is still there."""
_HUMAN: Final = np.array([[sound_class.human] for sound_class in CLASSES])


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A trail, and for a moving region in which of its frames it is no part of a person or thing that is known.

    What moves within somebody may be what they play or knock on, or stand before; for the sounds that people make
    themselves they count already.
    """

    trail: Trail
    alone: BoolArray | None = None


class CandidateIndex:
    """People, things and whatever moves in a video.

    Args:
        observation: the video.
        fov: horizontal field of view of its camera, degrees, without black bars.
    """

    def __init__(self, observation: Observation, fov: float) -> None:
        self._observation, self._fov = observation, fov
        frames = observation.num_frames
        first, cuts = observation.first_frame, [shot.start for shot in observation.shots[1:]]
        shown = shows_scene(observation)
        looks, none = observation.frames.tolist(), Boxes.none()
        sightings = (boxes if shown[frame] else none for frame, boxes in zip(looks, observation.boxes, strict=True))
        things = link(looks, sightings, frames, _THINGS, first, cuts)
        regions = (
            moving_regions(grid, observation.width, observation.height) if shows else none
            for grid, shows in zip(observation.motion, shown, strict=False)
        )
        moving = [_apart(trail, things) for trail in link(range(frames), regions, frames, _MOTION, first, cuts)]
        kept = [one for one in moving if any(np.isfinite(azimuth).any() for azimuth in self._azimuths(one))]
        self._known = [_Known(trail) for trail in things] + kept
        self._start = np.array([one.trail.start for one in self._known], dtype=np.int64)
        self._stop = np.array([one.trail.stop for one in self._known], dtype=np.int64)

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self._known)

    def trail(self, number: int) -> Trail:
        """The sightings of a candidate."""
        return self._known[number].trail

    def during(self, first: int, stop: int) -> list[Candidate]:
        """The candidates that are there in a stretch of label frames, and what is known of them within it."""
        there = np.flatnonzero((self._start < stop) & (self._stop > first))
        return [self.candidate(number, first, stop) for number in there.tolist()]

    def candidate(self, number: int, first: int, stop: int) -> Candidate:
        """What is known of a candidate within a stretch."""
        known = self._known[number]
        made = candidate_of(known.trail.track(first, stop), self._observation, self._fov, number)
        return replace(made, azimuth=_where(known, made.start, made.azimuth))

    def azimuths(self, number: int) -> Iterator[FloatArray]:
        """Directions (classes, t) of a candidate, stretch by stretch; see `Candidate`."""
        return self._azimuths(self._known[number])

    def _azimuths(self, known: _Known) -> Iterator[FloatArray]:
        trail = known.trail
        for first in range(trail.start, trail.stop, _STRETCH):
            azimuth = azimuths(trail.track(first, first + _STRETCH), self._observation, self._fov)
            yield _where(known, first, azimuth)


def shows_scene(observation: Observation) -> BoolArray:
    """(frames,) whether the picture shows a scene, and not one colour or a title card."""
    shown = np.ones(observation.num_frames + 1, dtype=np.bool_)
    for shot in observation.shots:
        shown[shot.start : shot.stop] = shot.kind == "scene"
    return shown


def find_candidates(observation: Observation, fov: float) -> list[Candidate]:
    """All candidates of a short video; arguments as for `CandidateIndex`."""
    return CandidateIndex(observation, fov).during(0, observation.num_frames + 1)


def _apart(trail: Trail, things: list[Trail]) -> _Known:
    """A moving region, without the frames in which it is part of a person or thing."""
    alone = np.ones(trail.stop - trail.start, dtype=np.bool_)
    for thing in things:
        first, stop = max(trail.start, thing.start), min(trail.stop, thing.stop)
        if first < stop:
            part = cover_each(trail.xyxy(first, stop), _grown(thing.xyxy(first, stop))) > 0.5
            alone[first - trail.start : stop - trail.start] &= ~part
    return _Known(trail, alone)


def _where(known: _Known, first: int, azimuth: FloatArray) -> FloatArray:
    """Directions (classes, t) from frame `first` on, NaN for what people do where a region is part of somebody."""
    if known.alone is None:
        return azimuth
    alone = known.alone[first - known.trail.start :][: azimuth.shape[1]]
    return np.where(alone | ~_HUMAN, azimuth, np.float32(np.nan))


def _grown(xyxy: FloatArray) -> FloatArray:
    """Boxes (t, 4) with a margin: detectors draw them tightly, and the grid of motion is coarse."""
    margin = _MARGIN * (xyxy[:, 2:] - xyxy[:, :2])
    return np.concatenate([xyxy[:, :2] - margin, xyxy[:, 2:] + margin], axis=1)
