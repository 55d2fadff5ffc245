"""The light default detector: people with keypoints, several at once, without torch.

BlazePose's detector was made for one main person, so it looks at overlapping squares; a face detector finds whom it
overlooks. Each person is confirmed, and given keypoints, by the landmark network, which is the slow part: of somebody
who is where they were in the picture before, it is not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.vision.boxes import INDEX, PERSON, Boxes, unknown_keypoints
from earwitness.vision.crops import tiles
from earwitness.vision.landmarks import Body, LandmarkModel, body_square
from earwitness.vision.overlap import cover, suppress
from earwitness.vision.singleshot import FACE_LAYOUT, POSE_LAYOUT, Sight, SingleShot

FloatArray = NDArray[np.float32]
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

    def _see(self, detector: SingleShot, picture: Image.Image) -> list[Sight]:
        sides = [round(share * min(picture.size)) for share in self.config.shares]
        squares = [square for side in sides for square in tiles(*picture.size, side)]
        return [sight for square in squares for sight in detector.see(picture, square)]

    def _look_at(self, picture: Image.Image, sight: Sight, before: list[_Known]) -> _Known:
        near = next((one for one in before if _moved(one.sight, sight) <= self.config.stays), None)
        if near is not None:
            return near
        return _Known(sight, self._landmarks.find(picture, body_square(sight.points[0], sight.points[1])))


class _Known(NamedTuple):
    """Somebody, as they were when the landmark network looked at them."""

    sight: Sight
    body: Body


def _moved(before: Sight, now: Sight) -> float:
    """How far the farthest of the detector's points is from where it was, in radii of the body."""
    radius = float(np.linalg.norm(before.points[1] - before.points[0]))
    return float(np.linalg.norm(now.points - before.points, axis=1).max()) / max(radius, 1e-6)


def _person(one: _Known, sight: Sight) -> Boxes:
    keypoints = one.body.keypoints.copy()
    keypoints[:, :2] += (sight.points - one.sight.points).mean(axis=0)
    score = min(sight.score, one.body.presence)
    return Boxes.of([_extent(keypoints, sight)], [score], PERSON, keypoints[None])


def _distinct(sights: list[Sight]) -> list[Sight]:
    """The best sight of each face among those of overlapping squares."""
    if not sights:
        return []
    faces = np.stack([sight.box for sight in sights])
    kept = suppress(cover(faces, faces), np.array([sight.score for sight in sights], dtype=np.float32), 0.4)
    return [sights[int(row)] for row in kept]


def _extent(keypoints: FloatArray, sight: Sight) -> FloatArray:
    """Box round the sure keypoints and the face."""
    sure = keypoints[keypoints[:, 2] >= _SURE, :2]
    points = np.concatenate([sure, sight.box.reshape(2, 2)])
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _from_face(face: Sight) -> Boxes:
    keypoints = unknown_keypoints(1)
    for name, place in zip(_FACE_POINTS, face.points, strict=True):
        keypoints[0, INDEX[name]] = (*place, face.score)
    return Boxes.of([face.box], [face.score], PERSON, keypoints)


def _has_body(face: Sight, bodies: Boxes) -> bool:
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
