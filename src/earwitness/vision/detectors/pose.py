"""The light default detector: people with keypoints, several at once, without torch.

BlazePose's detector was made for one main person, so it looks at overlapping squares; a face detector finds whom it
overlooks. Each person is confirmed, and given keypoints, by the landmark network, which is the slow part: of somebody
who is where they were in the picture before, it is not asked again.

BlazePose's landmark network: the keypoints of one person, from a square round the body.
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
from earwitness.vision.detectors.litert import LiteModel
from earwitness.vision.detectors.singleshot import FACE_LAYOUT, POSE_LAYOUT, KeypointBox, SingleShot
from earwitness.vision.detectors.square_crops import Square, crop, tiles

FloatArray = NDArray[np.float32]

SQUARE_SCALE: Final = 1.25
"""How much larger than the circle round the body the network's square is (arXiv 2006.10204, section 2)."""
_POINTS: Final = 39
_VALUES: Final = 5
_MOUTH: Final = (9, 10)
_BLAZE: Final = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11,
    "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23,
    "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip
"""Which of the network's points is which."""


class Body(NamedTuple):
    """One person.

    Attributes:
        presence: 0..1, whether there is a person at all.
        keypoints: (18, 3) as in `Boxes`.
    """

    presence: float
    keypoints: FloatArray


class LandmarkModel:
    """The network.

    Args:
        path: the .tflite file.
    """

    def __init__(self, path: str | Path) -> None:
        self._model = LiteModel(path, (_POINTS * _VALUES, 1))

    def find(self, picture: Image.Image, square: Square) -> Body:
        """Keypoints of the person in a square of the picture, which is turned so that the person stands upright."""
        size = self._model.size
        raw, presence = self._model.run(crop(picture, square, size) / np.float32(255))
        values = raw.reshape(_POINTS, _VALUES)
        places = square.to_picture(values[:, :2] / np.float32(size))
        # Visible and within the crop: either logit may say no.
        sure = 1 / (1 + np.exp(-np.clip(values[:, 3:].min(axis=1), -50, 50)))
        keypoints = unknown_keypoints(1)[0]
        for name, point in _BLAZE.items():
            keypoints[INDEX[name]] = (*places[point], sure[point])
        keypoints[INDEX["mouth"]] = (*places[list(_MOUTH)].mean(axis=0), sure[list(_MOUTH)].min())
        return Body(float(np.clip(presence[0], 0, 1)), keypoints)


def body_square(centre: FloatArray, rim: FloatArray) -> Square:
    """The network's square from the middle of the hips and a point on the circle round the body, over the head."""
    across, up = (rim - centre).tolist()
    radius = float(np.hypot(across, up))
    return Square(float(centre[0]), float(centre[1]), 2 * radius * SQUARE_SCALE, float(np.arctan2(across, -up)))


RGBArray = NDArray[np.uint8]

POSE_FILES: Final = ("pose_detection.tflite", "pose_landmark_full.tflite", "face_detection_full_range_sparse.tflite")
"""Files of MediaPipe (Apache 2.0) that the detector runs."""

_FACE_POINTS: Final = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")
_SURE: Final = 0.5
"""Keypoints less sure than this do not stretch a person's box."""


@dataclass(frozen=True, slots=True)
class PoseConfig:
    """What the detector tries.

    Attributes:
        shares: sides of the squares, as shares of the picture's shorter side.
        person_threshold, face_threshold: least scores of the detectors.
        presence: least score of the landmark network.
        most: people a picture, the surest.
        stays: how far somebody may move, as a share of the body's radius, and keep the keypoints, moved along.
    """

    shares: tuple[float, ...] = (1.0,)
    person_threshold: float = 0.35
    face_threshold: float = 0.6
    presence: float = 0.5
    most: int = 6
    stays: float = 0.05

    @property
    def name(self) -> str:
        """Of a detector with these settings; the number counts changes of the method."""
        return f"pose-2 {self}"


class PoseDetector:
    """People by BlazePose and a face detector.

    Args:
        folder: holds `POSE_FILES`.
        config: what it tries.

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
        """People in each picture (H, W, 3), surest first; keypoints may be those of an earlier picture of the call."""
        found: list[Boxes] = []
        known: list[_Known] = []
        for picture in pictures:
            boxes, known = self._detect(Image.fromarray(picture), known)
            found.append(boxes)
        return found

    def _detect(self, picture: Image.Image, before: list[_Known]) -> tuple[Boxes, list[_Known]]:
        people = _distinct(self._see(self._people, picture))
        faces = _distinct(self._see(self._faces, picture))
        known = [self._look_at(picture, sight, before) for sight in people[: self.config.most]]
        bodies = Boxes.joined(
            _person(one, sight)
            for one, sight in zip(known, people, strict=False)
            if one.body.presence >= self.config.presence
        )
        alone = Boxes.joined(_from_face(face) for face in faces if not _has_body(face, bodies))
        everyone = _one_each(Boxes.joined([bodies, alone]))
        return everyone.select(np.arange(min(len(everyone), self.config.most))), known

    def _see(self, detector: SingleShot, picture: Image.Image) -> list[KeypointBox]:
        sides = [round(share * min(picture.size)) for share in self.config.shares]
        squares = [square for side in sides for square in tiles(*picture.size, side)]
        return [sight for square in squares for sight in detector.see(picture, square)]

    def _look_at(self, picture: Image.Image, sight: KeypointBox, before: list[_Known]) -> _Known:
        near = next((one for one in before if _moved(one.sight, sight) <= self.config.stays), None)
        if near is not None:
            return near
        return _Known(sight, self._landmarks.find(picture, body_square(sight.points[0], sight.points[1])))


class _Known(NamedTuple):
    """Somebody, as they were when the landmark network looked at them."""

    sight: KeypointBox
    body: Body


def _moved(before: KeypointBox, now: KeypointBox) -> float:
    """How far the farthest of the detector's points is from where it was, in radii of the body."""
    radius = float(np.linalg.norm(before.points[1] - before.points[0]))
    return float(np.linalg.norm(now.points - before.points, axis=1).max()) / max(radius, 1e-6)


def _person(one: _Known, sight: KeypointBox) -> Boxes:
    keypoints = one.body.keypoints.copy()
    keypoints[:, :2] += (sight.points - one.sight.points).mean(axis=0)
    score = min(sight.score, one.body.presence)
    return Boxes.of([_extent(keypoints, sight)], [score], PERSON, keypoints[None])


def _distinct(sights: list[KeypointBox]) -> list[KeypointBox]:
    """The best sight of each face among those of overlapping squares."""
    if not sights:
        return []
    faces = np.stack([sight.box for sight in sights])
    kept = suppress(cover(faces, faces), np.array([sight.score for sight in sights], dtype=np.float32), 0.4)
    return [sights[int(row)] for row in kept]


def _extent(keypoints: FloatArray, sight: KeypointBox) -> FloatArray:
    """Box round the sure keypoints and the face."""
    sure = keypoints[keypoints[:, 2] >= _SURE, :2]
    points = np.concatenate([sure, sight.box.reshape(2, 2)])
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _from_face(face: KeypointBox) -> Boxes:
    keypoints = unknown_keypoints(1)
    for name, place in zip(_FACE_POINTS, face.points, strict=True):
        keypoints[0, INDEX[name]] = (*place, face.score)
    return Boxes.of([face.box], [face.score], PERSON, keypoints)


def _has_body(face: KeypointBox, bodies: Boxes) -> bool:
    """Whether a face belongs to a person found with a body: their nose is in it, or nearly."""
    if not len(bodies):
        return False
    centre, reach = (face.box[:2] + face.box[2:]) / 2, float((face.box[2:] - face.box[:2]).max())
    away = np.linalg.norm(bodies.keypoints[:, INDEX["nose"], :2] - centre, axis=1)
    return bool((away < reach).any())


def _one_each(people: Boxes) -> Boxes:
    """People without doubles: the landmark network may be led to the same person from two sides."""
    if not len(people):
        return people
    noses = people.keypoints[:, INDEX["nose"], :2]
    height = np.maximum(people.xyxy[:, 3] - people.xyxy[:, 1], 1)
    away = np.linalg.norm(noses[:, None] - noses[None], axis=2)
    same = (away < 0.15 * np.minimum(height[:, None], height[None])).astype(np.float32)
    return people.select(suppress(np.maximum(same, cover(people.xyxy, people.xyxy) > 0.85), people.score, 0.5))
