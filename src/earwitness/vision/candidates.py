"""Candidates for the cause of a sound: people, objects and moving regions, as directions over time.

The distance of a person follows from their size in the picture: the pinhole camera, and body proportions. Relative to
the height of a body, eyes are at 0.936, shoulders at 0.818 and hips at 0.530 (Drillis & Contini 1966, after Winter,
Biomechanics and Motor Control of Human Movement), the nose a little below the eyes. The trunk is used, because it is
visible most often and does not change when a person sits. Foreshortening makes it appear shorter, so the largest
estimate of the size is used.

The index of a video has only the detections in memory. Values per frame are computed for the requested stretch and
equal those computed for the whole video.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import DCASE2025, SoundClass, Vocabulary
from earwitness.vision.boxes import INDEX, PERSON, Boxes, cover_each
from earwitness.vision.motion import MOVING, motion_within, moving_regions
from earwitness.vision.observe import Observation
from earwitness.vision.tracks import Track, TrackConfig, Trail, link

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

HEIGHT_M: Final = 1.69
"""Height of adults; most are within 10 %."""
_SPANS: Final = ((("nose",), 0.39), (("left_shoulder", "right_shoulder"), 0.288))
"""Distance of these keypoints from the hips, in body heights."""
_HIPS: Final = ("left_hip", "right_hip")
_NEAREST_M: Final = 0.2
_FARTHEST_M: Final = 20.0
SIZED: Final = tuple(INDEX[name] for names in (*(names for names, _ in _SPANS), _HIPS) for name in names)
"""Keypoints needed for the size."""

BoolArray = NDArray[np.bool_]

_MARGIN: Final = 0.2
_STRETCH: Final = 600


def person_depth(one: Track, camera: Camera) -> DoubleArray:
    """Depth (t,) of a person along the camera axis, metres; NaN if unknown."""
    if one.label != PERSON:
        return np.full(len(one.xyxy), np.nan)
    hips = _middle(one, _HIPS)
    sizes = [np.linalg.norm(hips - _middle(one, names), axis=1) / (share * HEIGHT_M) for names, share in _SPANS]
    metre = np.fmax(*sizes)  # in pixels
    with np.errstate(divide="ignore", invalid="ignore"):
        away = camera.focal_px / metre
    return np.asarray(np.where((away >= _NEAREST_M) & (away <= _FARTHEST_M), away, np.nan))


def slant_distance(depth_m: DoubleArray, azimuth: DoubleArray, below: DoubleArray, camera: Camera) -> DoubleArray:
    """Distance from the camera, metres.

    Args:
        depth_m: depth along the camera axis.
        azimuth: azimuth, degrees.
        below: pixels below the middle of the picture.
        camera: the camera.
    """
    return np.asarray(depth_m * np.sqrt(1 + np.tan(np.radians(azimuth)) ** 2 + (below / camera.focal_px) ** 2))


def _middle(one: Track, names: tuple[str, ...]) -> DoubleArray:
    return np.asarray(one.keypoints[:, [INDEX[name] for name in names], :2].mean(axis=1), dtype=np.float64)


_LEAST_CONFIDENCE: Final = 0.5
_POINTS: Final = {
    "mouth": ("mouth", "nose"),
    "hands": ("left_wrist", "right_wrist"),
    "feet": ("left_ankle", "right_ankle"),
}
"""Keypoints of each part: for the mouth the first known one, otherwise their mean."""
TRACKED_KEYPOINTS: Final = tuple(
    dict.fromkeys([INDEX[name] for names in _POINTS.values() for name in names] + [*SIZED])
)
"""Keypoints needed for directions and distances."""
_ALWAYS: Final = (0, 2**62)
_BELOW_FACE: Final = {"mouth": 0.0, "hands": 4.0, "feet": 8.0}
"""Distance of each part below the middle of the face, in face heights, if only the face is detected."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One candidate over time.

    Attributes:
        number: its number in results, in order of appearance.
        label: "person", "motion" or the slug of a sound class.
        start: its first label frame.
        azimuth: (classes, t) azimuth of a sound of each class, degrees; NaN where it is not in the picture.
        row: (classes, t) vertical position of the sounding part: 0 at the upper edge of the picture, 1 at the lower.
        span: (t, 2) upper and lower edge in the same unit.
        xyxy: (t, 4) box, pixels of the analysed pictures.
        width: (t,) angular width, degrees.
        distance: (classes, t) distance by size, metres, see `person_depth`; NaN if unknown.
        motion: (t,) motion in its box, 0..1; NaN if unknown.
        score: mean score of its detections.
        sightings: number of its detections.
        shot: first frame, and one past the last, of the shot that it belongs to.
    """

    number: int
    label: str
    start: int
    azimuth: FloatArray
    row: FloatArray
    span: FloatArray
    xyxy: FloatArray
    width: FloatArray
    distance: FloatArray
    motion: FloatArray
    score: float
    sightings: int
    shot: tuple[int, int] = _ALWAYS

    @property
    def stop(self) -> int:
        """One past its last frame."""
        return self.start + len(self.xyxy)

    def may_make(self, sound_class: SoundClass) -> bool:
        """Whether it can make a sound of this class."""
        return sound_class.human if self.label == PERSON else self.label in (MOVING, sound_class.slug)


def candidate_of(one: Track, observation: Observation, fov: float, number: int, vocabulary: Vocabulary) -> Candidate:
    """Create the candidate of a track, or of a stretch of one.

    Args:
        one: the track.
        observation: observation of the video.
        fov: horizontal field of view of the area without black bars, degrees.
        number: as in `Candidate`.
        vocabulary: the classes.
    """
    shot = observation.shot_at(one.start)
    left, top, right, bottom = shot.content
    camera = Camera(max(1, right - left), observation.height, fov)
    motion = motion_within(observation.motion[one.start : one.stop], one.xyxy, observation.width, observation.height)
    edges = camera.azimuth(np.clip(one.xyxy[:, ::2], left, right) - left)
    rows = np.stack([_height(one, sound_class) for sound_class in vocabulary])
    azimuth = azimuths(one, observation, fov, vocabulary)
    distance = slant_distance(person_depth(one, camera), azimuth.astype(np.float64), rows - (top + bottom) / 2, camera)
    return Candidate(
        number,
        one.label,
        one.start,
        azimuth,
        np.asarray((rows - top) / max(1, bottom - top), dtype=np.float32),
        np.asarray((one.xyxy[:, 1::2] - top) / max(1, bottom - top), dtype=np.float32),
        one.xyxy,
        np.asarray(edges[:, 0] - edges[:, 1], dtype=np.float32),
        distance.astype(np.float32),
        motion,
        one.score,
        one.sightings,
        (shot.start, shot.stop) if observation.shots else _ALWAYS,
    )


def azimuths(one: Track, observation: Observation, fov: float, vocabulary: Vocabulary) -> FloatArray:
    """Azimuths (classes, t) of a track, as in `Candidate`; arguments as for `candidate_of`."""
    left, _, right, _ = observation.shot_at(one.start).content
    camera = Camera(max(1, right - left), observation.height, fov)
    return np.stack([_class_azimuth(one, sound_class, camera, left) for sound_class in vocabulary]).astype(np.float32)


def _class_azimuth(one: Track, sound_class: SoundClass, camera: Camera, left: int) -> NDArray[np.floating]:
    """Azimuths (t,) of the part that makes the sounds of a class, or of the middle of the box if unknown."""
    # An object cut off by the edge counts at its visible part.
    visible = np.clip(one.xyxy[:, ::2], left, left + camera.width)
    part = _part(one, sound_class, 0, _LEAST_CONFIDENCE)
    column = np.where(np.isfinite(part), part, visible.mean(axis=1))
    inside = (visible[:, 1] > visible[:, 0]) & (column >= left) & (column <= left + camera.width)
    return np.asarray(np.where(inside, camera.azimuth(column - left), np.nan))


def _height(one: Track, sound_class: SoundClass) -> NDArray[np.floating]:
    """Rows (t,) of the part that makes the sounds of a class, pixels; estimated by the network if out of view."""
    middle = one.xyxy[:, 1::2].mean(axis=1)
    if one.label != PERSON or not sound_class.human:
        return np.asarray(middle)
    part = _part(one, sound_class, 1, 0.0)
    below = middle + _BELOW_FACE[sound_class.made_by] * (one.xyxy[:, 3] - one.xyxy[:, 1])
    return np.asarray(np.where(np.isfinite(part), part, below))


def _part(one: Track, sound_class: SoundClass, axis: int, least: float) -> NDArray[np.floating]:
    """Columns or rows (t,) of the part of a person that makes the sounds of a class; NaN for low confidence."""
    if one.label != PERSON or not sound_class.human:
        return np.full(len(one.xyxy), np.nan)
    names = _POINTS[sound_class.made_by]
    points = one.keypoints[:, [INDEX[name] for name in names]]
    places = np.where(points[..., 2] >= least, points[..., axis], np.nan).T
    known = np.isfinite(places)
    if sound_class.made_by == "mouth":
        return np.asarray(np.where(known[0], places[0], places[-1]))
    mean = np.nansum(places, axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.where(known.any(axis=0), mean, np.nan))


_OBJECTS: Final = TrackConfig(keypoints=TRACKED_KEYPOINTS)
_MOTION: Final = TrackConfig(reach=0.8, gap=30, hold=10, least=2, keypoints=())
"""Regions that stop moving for a while remain candidates."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A trail, and for a moving region the frames in which it is outside all detected people and objects.

    Motion within a person may be an instrument that they play or an object that they knock on; for sounds that people
    make themselves, the person is the candidate.
    """

    trail: Trail
    alone: BoolArray | None = None


class CandidateIndex:
    """People, objects and moving regions of a video.

    Args:
        observation: observation of the video.
        fov: horizontal field of view of the area without black bars, degrees.
        vocabulary: the classes of sound.
    """

    def __init__(self, observation: Observation, fov: float, vocabulary: Vocabulary = DCASE2025) -> None:
        self._observation, self._fov, self._vocabulary = observation, fov, vocabulary
        self._human = np.array([[sound_class.human] for sound_class in vocabulary])
        frames = observation.num_frames
        first, cuts = observation.first_frame, [shot.start for shot in observation.shots[1:]]
        shown = shows_scene(observation)
        picture_frames, none = observation.frames.tolist(), Boxes.none()
        detections = (
            boxes if shown[frame] else none for frame, boxes in zip(picture_frames, observation.boxes, strict=True)
        )
        objects = link(picture_frames, detections, frames, _OBJECTS, first, cuts)
        regions = (
            moving_regions(grid, observation.width, observation.height) if shows else none
            for grid, shows in zip(observation.motion, shown, strict=False)
        )
        moving = [_apart(trail, objects) for trail in link(range(frames), regions, frames, _MOTION, first, cuts)]
        kept = [one for one in moving if any(np.isfinite(azimuth).any() for azimuth in self._azimuths(one))]
        self._entries = [_Entry(trail) for trail in objects] + kept
        self._start = np.array([one.trail.start for one in self._entries], dtype=np.int64)
        self._stop = np.array([one.trail.stop for one in self._entries], dtype=np.int64)

    def __len__(self) -> int:
        """Number of candidates."""
        return len(self._entries)

    def trail(self, number: int) -> Trail:
        """The trail of a candidate."""
        return self._entries[number].trail

    def during(self, first: int, stop: int) -> list[Candidate]:
        """The candidates present in a stretch of label frames, restricted to it."""
        present = np.flatnonzero((self._start < stop) & (self._stop > first))
        return [self.candidate(number, first, stop) for number in present.tolist()]

    def candidate(self, number: int, first: int, stop: int) -> Candidate:
        """A candidate restricted to a stretch."""
        entry = self._entries[number]
        made = candidate_of(entry.trail.track(first, stop), self._observation, self._fov, number, self._vocabulary)
        return replace(made, azimuth=self._masked(entry, made.start, made.azimuth))

    def azimuths(self, number: int) -> Iterator[FloatArray]:
        """Yield the azimuths (classes, t) of a candidate, stretch by stretch; see `Candidate`."""
        return self._azimuths(self._entries[number])

    def _azimuths(self, entry: _Entry) -> Iterator[FloatArray]:
        trail = entry.trail
        for first in range(trail.start, trail.stop, _STRETCH):
            azimuth = azimuths(trail.track(first, first + _STRETCH), self._observation, self._fov, self._vocabulary)
            yield self._masked(entry, first, azimuth)

    def _masked(self, entry: _Entry, first: int, azimuth: FloatArray) -> FloatArray:
        """Azimuths (classes, t) from frame `first` on; NaN for human sounds where a region is within a person."""
        if entry.alone is None:
            return azimuth
        alone = entry.alone[first - entry.trail.start :][: azimuth.shape[1]]
        return np.where(alone | ~self._human, azimuth, np.float32(np.nan))


def shows_scene(observation: Observation) -> BoolArray:
    """(frames,) whether the picture shows a scene, not a single colour or a title card."""
    shown = np.ones(observation.num_frames + 1, dtype=np.bool_)
    for shot in observation.shots:
        shown[shot.start : shot.stop] = shot.kind == "scene"
    return shown


def find_candidates(observation: Observation, fov: float) -> list[Candidate]:
    """All candidates of a short video; arguments as for `CandidateIndex`."""
    return CandidateIndex(observation, fov).during(0, observation.num_frames + 1)


def _apart(trail: Trail, objects: list[Trail]) -> _Entry:
    """A moving region with the frames in which it is outside all people and objects."""
    alone = np.ones(trail.stop - trail.start, dtype=np.bool_)
    for one in objects:
        first, stop = max(trail.start, one.start), min(trail.stop, one.stop)
        if first < stop:
            part = cover_each(trail.xyxy(first, stop), _grown(one.xyxy(first, stop))) > 0.5
            alone[first - trail.start : stop - trail.start] &= ~part
    return _Entry(trail, alone)


def _grown(xyxy: FloatArray) -> FloatArray:
    """Boxes (t, 4) with a margin, because detected boxes are tight and the motion grid is coarse."""
    margin = _MARGIN * (xyxy[:, 2:] - xyxy[:, :2])
    return np.concatenate([xyxy[:, :2] - margin, xyxy[:, 2:] + margin], axis=1)
