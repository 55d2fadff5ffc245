"""The default detector: several people with keypoints, without torch.

BlazePose's detector was designed for one main person, so it is run on overlapping squares; a face detector finds people
that it misses. The landmark network confirms each person and computes the keypoints from a square around the body. It
is the slow part, and is not run again for people who have hardly moved since the previous picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.boxes import INDEX, PERSON, Boxes, cover, suppress, unknown_keypoints
from earwitness.vision.detectors.litert import (
    FACE_LAYOUT,
    POSE_LAYOUT,
    KeypointBox,
    LiteModel,
    SingleShot,
    Square,
    crop,
    tiles,
)

FloatArray = NDArray[np.float32]

SQUARE_SCALE: Final = 1.25
"""Ratio of the square of the landmark network to the circle around the body (arXiv 2006.10204, section 2)."""
_POINTS: Final = 39
_VALUES: Final = 5
_MOUTH: Final = (9, 10)
_BLAZE: Final = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11,
    "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23,
    "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip
"""Indices of the keypoints in the output of the landmark network."""


class Body(NamedTuple):
    """Landmarks of one person.

    Attributes:
        presence: probability (0..1) that there is a person.
        keypoints: (18, 3) as in `Boxes`.
    """

    presence: float
    keypoints: FloatArray


class LandmarkModel:
    """The landmark network.

    Args:
        path: the .tflite file.
    """

    def __init__(self, path: str | Path) -> None:
        self._model = LiteModel(path, (_POINTS * _VALUES, 1))

    def find(self, picture: Image.Image, square: Square) -> Body:
        """Landmarks of the person in a square of the picture, rotated so that the person is upright."""
        size = self._model.size
        raw, presence = self._model.run(crop(picture, square, size) / np.float32(255))
        values = raw.reshape(_POINTS, _VALUES)
        places = square.to_picture(values[:, :2] / np.float32(size))
        # The smaller of two logits: visible, and within the crop.
        sure = 1 / (1 + np.exp(-np.clip(values[:, 3:].min(axis=1), -50, 50)))
        keypoints = unknown_keypoints(1)[0]
        for name, point in _BLAZE.items():
            keypoints[INDEX[name]] = (*places[point], sure[point])
        keypoints[INDEX["mouth"]] = (*places[list(_MOUTH)].mean(axis=0), sure[list(_MOUTH)].min())
        return Body(float(np.clip(presence[0], 0, 1)), keypoints)


def body_square(centre: FloatArray, rim: FloatArray) -> Square:
    """The square of the network, from the middle of the hips and the point of the body circle above the head."""
    across, up = (rim - centre).tolist()
    radius = float(np.hypot(across, up))
    return Square(float(centre[0]), float(centre[1]), 2 * radius * SQUARE_SCALE, float(np.arctan2(across, -up)))


RGBArray = NDArray[np.uint8]

POSE_FILES: Final = ("pose_detection.tflite", "pose_landmark_full.tflite", "face_detection_full_range_sparse.tflite")
"""MediaPipe models (Apache 2.0) used by the detector."""

_FACE_POINTS: Final = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
_LEAST_CONFIDENCE: Final = 0.5
"""Keypoints with less confidence do not extend the box of a person."""


@dataclass(frozen=True, slots=True)
class PoseConfig:
    """Settings of the detector.

    Attributes:
        shares: sides of the squares, as shares of the shorter side of the picture.
        person_threshold, face_threshold: smallest scores of the detectors.
        presence: smallest score of the landmark network.
        most: largest number of people per picture.
        stays: largest movement for which keypoints are shifted, as a share of the body radius.
    """

    shares: tuple[float, ...] = (1.0,)
    person_threshold: float = 0.35
    face_threshold: float = 0.6
    presence: float = 0.5
    most: int = 6
    stays: float = 0.05

    @property
    def name(self) -> str:
        """Name of a detector with these settings; the number is the version of the method."""
        return f"pose-2 {self}"


class PoseDetector:
    """Detects people with BlazePose and a face detector.

    Args:
        folder: folder with `POSE_FILES`.
        config: settings.

    Raises:
        MissingExtraError: ai-edge-litert is not installed.
        ModelError: a file is missing or damaged.
    """

    def __init__(self, folder: str | Path, config: PoseConfig | None = None) -> None:
        person, landmark, face = (Path(folder) / name for name in POSE_FILES)
        self.config = config or PoseConfig()
        self._people = SingleShot(person, POSE_LAYOUT, 224, self.config.person_threshold)
        self._faces = SingleShot(face, FACE_LAYOUT, 192, self.config.face_threshold)
        self._landmarks = LandmarkModel(landmark)
        self.name = self.config.name

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People in each picture (H, W, 3), best first; keypoints may be shifted from an earlier picture."""
        found: list[Boxes] = []
        known: list[_Known] = []
        for picture in pictures:
            boxes, known = self._detect(Image.fromarray(picture), known)
            found.append(boxes)
        return found

    def _detect(self, picture: Image.Image, before: list[_Known]) -> tuple[Boxes, list[_Known]]:
        people = _distinct(self._find(self._people, picture))
        faces = _distinct(self._find(self._faces, picture))
        known = [self._landmarks_of(picture, detection, before) for detection in people[: self.config.most]]
        bodies = Boxes.joined(
            _person(one, detection)
            for one, detection in zip(known, people, strict=False)
            if one.body.presence >= self.config.presence
        )
        alone = Boxes.joined(_from_face(face) for face in faces if not _has_body(face, bodies))
        everyone = _one_each(Boxes.joined([bodies, alone]))
        return everyone.select(np.arange(min(len(everyone), self.config.most))), known

    def _find(self, detector: SingleShot, picture: Image.Image) -> list[KeypointBox]:
        sides = [round(share * min(picture.size)) for share in self.config.shares]
        squares = [square for side in sides for square in tiles(*picture.size, side)]
        return [detection for square in squares for detection in detector.detect(picture, square)]

    def _landmarks_of(self, picture: Image.Image, detection: KeypointBox, before: list[_Known]) -> _Known:
        near = next((one for one in before if _moved(one.detection, detection) <= self.config.stays), None)
        if near is not None:
            return near
        return _Known(detection, self._landmarks.find(picture, body_square(detection.points[0], detection.points[1])))


class _Known(NamedTuple):
    """A person, with the detection for which the landmarks were computed."""

    detection: KeypointBox
    body: Body


def _moved(before: KeypointBox, now: KeypointBox) -> float:
    """Largest movement of the points of the detector, in body radii."""
    radius = float(np.linalg.norm(before.points[1] - before.points[0]))
    return float(np.linalg.norm(now.points - before.points, axis=1).max()) / max(radius, 1e-6)


def _person(one: _Known, detection: KeypointBox) -> Boxes:
    keypoints = one.body.keypoints.copy()
    keypoints[:, :2] += (detection.points - one.detection.points).mean(axis=0)
    score = min(detection.score, one.body.presence)
    return Boxes.of([_extent(keypoints, detection)], [score], PERSON, keypoints[None])


def _distinct(detections: list[KeypointBox]) -> list[KeypointBox]:
    """The best detection of each face among those of overlapping squares."""
    if not detections:
        return []
    faces = np.stack([detection.box for detection in detections])
    kept = suppress(cover(faces, faces), np.array([detection.score for detection in detections], dtype=np.float32), 0.4)
    return [detections[int(row)] for row in kept]


def _extent(keypoints: FloatArray, detection: KeypointBox) -> FloatArray:
    """Box around the confident keypoints and the face."""
    sure = keypoints[keypoints[:, 2] >= _LEAST_CONFIDENCE, :2]
    points = np.concatenate([sure, detection.box.reshape(2, 2)])
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _from_face(face: KeypointBox) -> Boxes:
    keypoints = unknown_keypoints(1)
    for name, place in zip(_FACE_POINTS, face.points, strict=True):
        keypoints[0, INDEX[name]] = (*place, face.score)
    return Boxes.of([face.box], [face.score], PERSON, keypoints)


def _has_body(face: KeypointBox, bodies: Boxes) -> bool:
    """Whether a face belongs to a person with a body, by the distance to the nose."""
    if not len(bodies):
        return False
    centre, reach = (face.box[:2] + face.box[2:]) / 2, float((face.box[2:] - face.box[:2]).max())
    away = np.linalg.norm(bodies.keypoints[:, INDEX["nose"], :2] - centre, axis=1)
    return bool((away < reach).any())


def _one_each(people: Boxes) -> Boxes:
    """Remove duplicates: the landmark network may return the same person for two squares."""
    if not len(people):
        return people
    noses = people.keypoints[:, INDEX["nose"], :2]
    height = np.maximum(people.xyxy[:, 3] - people.xyxy[:, 1], 1)
    away = np.linalg.norm(noses[:, None] - noses[None], axis=2)
    same = (away < 0.15 * np.minimum(height[:, None], height[None])).astype(np.float32)
    return people.select(suppress(np.maximum(same, cover(people.xyxy, people.xyxy) > 0.85), people.score, 0.5))
