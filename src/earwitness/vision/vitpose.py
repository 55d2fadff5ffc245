"""People by transformers: RT-DETR finds them, ViTPose finds their keypoints (extra `semantic`).

Sources: Y. Zhao et al.: DETRs beat YOLOs on real-time object detection (2023); Y. Xu et al.: ViTPose (2022). Pictures
are prepared here, in NumPy and Pillow, as those models were trained: RT-DETR on the stretched picture in 0..1, ViTPose
on each person's box, a quarter larger and with the input's shape, normalised by the mean and deviation of ImageNet.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.encoders.hub import load_pretrained
from earwitness.errors import ModelError
from earwitness.vision.boxes import INDEX, NUM_KEYPOINTS, PERSON, Boxes, unknown_keypoints
from earwitness.vision.overlap import iou, suppress

FloatArray = NDArray[np.float32]
RGBArray = NDArray[np.uint8]

MEAN: Final = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION: Final = np.array([0.229, 0.224, 0.225], dtype=np.float32)
PERSON_SIDE: Final = 640
"""Input of RT-DETR, pixels."""
_PADDING: Final = 1.25
_COCO: Final = 17
_MOUTH_BELOW_NOSE: Final = 0.5
"""In units of the distance of the eyes from the nose: COCO has no mouth."""


class VitPoseDetector:
    """The two networks.

    Args:
        folder: with `person` and `pose`, each a model of transformers (config.json and weights).
        threshold: 0..1, least score of a person.
        threads: of torch.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        EncoderError, ModelError: a folder holds no such model.
    """

    def __init__(self, folder: str | Path, threshold: float = 0.4, threads: int = 1) -> None:
        folder = Path(folder)
        self._people = load_pretrained("RTDetrForObjectDetection", folder / "person", "vitpose", threads, "cpu")
        self._pose = load_pretrained("VitPoseForPoseEstimation", folder / "pose", "vitpose", threads, "cpu")
        labels = {int(number): str(name).lower() for number, name in self._people.config.id2label.items()}
        persons = [number for number, name in labels.items() if name == PERSON]
        if not persons:
            raise ModelError(f"{folder / 'person'}: this detector knows no label 'person'")
        self._person, self._threshold = persons[0], threshold
        size = self._pose.config.backbone_config.image_size
        self._size: tuple[int, int] = (int(size[0]), int(size[1]))
        self.name = f"vitpose-1 {folder.resolve()} {threshold:g}"

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People in each picture (H, W, 3), surest first."""
        found = self._find(pictures)
        return [self._with_keypoints(picture, boxes) for picture, boxes in zip(pictures, found, strict=True)]

    def _find(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        import torch

        side = (PERSON_SIDE, PERSON_SIDE)
        shrunk = [np.asarray(Image.fromarray(picture).resize(side), dtype=np.float32) / 255 for picture in pictures]
        with torch.inference_mode():
            output = self._people(pixel_values=_channels_first(np.stack(shrunk)))
        score = output.logits[..., self._person].sigmoid().numpy()
        return [
            _people(picture.shape, boxes, scores, self._threshold)
            for picture, boxes, scores in zip(pictures, output.pred_boxes.numpy(), score, strict=True)
        ]

    def _with_keypoints(self, picture: RGBArray, people: Boxes) -> Boxes:
        if not len(people):
            return people
        import torch

        image = Image.fromarray(picture)
        frames = [pose_frame(box, self._size) for box in people.xyxy]
        height, width = self._size
        crops = [
            np.asarray(
                image.transform((width, height), Image.Transform.EXTENT, tuple(frame), Image.Resampling.BILINEAR)
            )
            for frame in frames
        ]
        batch = ((np.stack(crops) / 255 - MEAN) / DEVIATION).astype(np.float32)
        with torch.inference_mode():
            heat = self._pose(pixel_values=_channels_first(batch)).heatmaps.numpy()
        keypoints = np.concatenate([read_heatmaps(maps, frame) for maps, frame in zip(heat, frames, strict=True)])
        return Boxes.of(people.xyxy, people.score, PERSON, keypoints)


def pose_frame(box: FloatArray, size: tuple[int, int]) -> list[float]:
    """Left, top, right, bottom of the part of a picture that ViTPose sees of a person.

    Args:
        box: (4,) pixels.
        size: height and width of the network's input.
    """
    middle, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
    aspect = size[1] / size[0]
    height = _PADDING * max(float(sides[1]), float(sides[0]) / aspect, 1.0)
    x, y = float(middle[0]), float(middle[1])
    return [x - height * aspect / 2, y - height / 2, x + height * aspect / 2, y + height / 2]


def read_heatmaps(maps: FloatArray, frame: list[float]) -> FloatArray:
    """Keypoints (1, 18, 3) of one person from heat maps (17, h, w): the peak, moved a quarter to its higher neighbour.

    Raises:
        ModelError: not the keypoints of COCO.
    """
    if maps.shape[0] != _COCO:
        raise ModelError(f"the pose model has {maps.shape[0]} keypoints; expected the 17 of COCO")
    points = unknown_keypoints(1)
    rows, columns = maps.shape[1:]
    scale = np.array([(frame[2] - frame[0]) / columns, (frame[3] - frame[1]) / rows])
    for number, heat in enumerate(maps):
        row, column = np.unravel_index(int(heat.argmax()), heat.shape)
        across = _slope(heat[row, :], int(column))
        down = _slope(heat[:, column], int(row))
        place = (np.array([column + across, row + down]) + 0.5) * scale + frame[:2]
        points[0, number] = (*place, np.clip(heat[row, column], 0, 1))
    points[0, INDEX["mouth"]] = _mouth(points[0])
    assert points.shape[1] == NUM_KEYPOINTS
    return points


def _slope(line: FloatArray, peak: int) -> float:
    if not 0 < peak < len(line) - 1:
        return 0.0
    return 0.25 * float(np.sign(line[peak + 1] - line[peak - 1]))


def _mouth(points: FloatArray) -> FloatArray:
    nose, eyes = points[INDEX["nose"]], points[[INDEX["left_eye"], INDEX["right_eye"]]]
    middle = eyes.mean(axis=0)
    place = nose[:2] + _MOUTH_BELOW_NOSE * (nose[:2] - middle[:2])
    return np.array([*place, min(nose[2], eyes[:, 2].min())], dtype=np.float32)


def _people(shape: tuple[int, ...], boxes: FloatArray, scores: FloatArray, threshold: float) -> Boxes:
    """Boxes (q, 4) of centre and size, as shares of the picture, in pixels; the sure ones."""
    sure = np.flatnonzero(scores >= threshold)
    middle, half = boxes[sure, :2], boxes[sure, 2:] / 2
    size = np.array([shape[1], shape[0]] * 2, dtype=np.float32)
    xyxy = (np.concatenate([middle - half, middle + half], axis=1) * size).astype(np.float32)
    kept = suppress(iou(xyxy, xyxy), scores[sure], 0.7)
    return Boxes.of(xyxy[kept], scores[sure][kept], PERSON)


def _channels_first(pictures: FloatArray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32))
