"""Candidates for the cause of a sound: people, objects and moving regions, as directions over time.

The distance of a person follows from their size in the picture: the pinhole camera, and body proportions. Relative to
the height of a body, eyes are at 0.936, shoulders at 0.818 and hips at 0.530 (Drillis & Contini 1966, after Winter,
Biomechanics and Motor Control of Human Movement), the nose a little below the eyes. The trunk is used, because it is
visible most often and does not change when a person sits. Foreshortening makes it appear shorter, so the largest
estimate of the size is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import SoundClass, Vocabulary
from earwitness.vision.boxes import INDEX, PERSON
from earwitness.vision.motion import MOVING, motion_within
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.tracks import Track

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
