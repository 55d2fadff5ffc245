"""People by transformers: RT-DETR finds them, ViTPose finds their keypoints (extra `semantic`).

Sources: Y. Zhao et al.: DETRs beat YOLOs on real-time object detection (CVPR 2024); Y. Xu et al.: ViTPose: simple
vision transformer baselines for human pose estimation (NeurIPS 2022). Pictures are prepared here, in NumPy and Pillow,
as those models were trained: RT-DETR on the stretched picture in 0..1, ViTPose on each person's box, a quarter larger
and with the input's shape, normalised by the mean and deviation of ImageNet.
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
from earwitness.vision.boxes import INDEX, PERSON, Boxes
from earwitness.vision.heatmaps import NUM_COCO, PoseFrame, read_heatmaps
from earwitness.vision.overlap import iou, suppress

FloatArray = NDArray[np.float32]
RGBArray = NDArray[np.uint8]

MEAN: Final = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION: Final = np.array([0.229, 0.224, 0.225], dtype=np.float32)
PEOPLE_SIDE: Final = 640
"""Input of RT-DETR, pixels."""
THRESHOLD: Final = 0.4
_MOUTH_BELOW_NOSE: Final = 0.5
"""In units of the way from between the eyes to the nose: COCO has no mouth."""


class VitPoseDetector:
    """The two networks.

    Args:
        people, pose: folders of RT-DETR and of ViTPose, each a model of transformers (config.json and weights).
        name: under which results are cached.
        threshold: 0..1, least score of a person.
        threads: of torch.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        EncoderError, ModelError: a folder holds no such model.
    """

    def __init__(
        self, people: Path, pose: Path, name: str = "vitpose", threshold: float = THRESHOLD, threads: int = 1
    ) -> None:
        self._people = load_pretrained("RTDetrForObjectDetection", people, "rtdetr", threads, "cpu")
        self._pose = load_pretrained("VitPoseForPoseEstimation", pose, "vitpose", threads, "cpu")
        persons = [number for number, label in self._people.config.id2label.items() if label.lower() == PERSON]
        if not persons:
            raise ModelError(f"{people}: this detector knows no label 'person'; use one that was trained on COCO")
        if self._pose.config.num_labels != NUM_COCO:
            raise ModelError(f"{pose}: has {self._pose.config.num_labels} keypoints; expected the {NUM_COCO} of COCO")
        self._person, self._threshold = int(persons[0]), threshold
        height, width = self._pose.config.backbone_config.image_size
        self._size = int(height), int(width)
        self.name = name

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People in each picture (H, W, 3), surest first."""
        found = self._find(pictures)
        return [self._with_keypoints(picture, boxes) for picture, boxes in zip(pictures, found, strict=True)]

    def _find(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        import torch

        with torch.inference_mode():
            output = self._people(pixel_values=_channels_first(np.stack([stretched(each) for each in pictures])))
        scores = output.logits[..., self._person].sigmoid().numpy()
        return [
            _people(picture.shape, boxes, score, self._threshold)
            for picture, boxes, score in zip(pictures, output.pred_boxes.numpy(), scores, strict=True)
        ]

    def _with_keypoints(self, picture: RGBArray, people: Boxes) -> Boxes:
        if not len(people):
            return people
        import torch

        frames = [PoseFrame.round(box, self._size) for box in people.xyxy]
        image = Image.fromarray(picture)
        crops = np.stack([frame.crop(image) for frame in frames])
        with torch.inference_mode():
            maps = self._pose(pixel_values=_channels_first(normalised(crops))).heatmaps.numpy()
        keypoints = np.stack([read_heatmaps(own, frame) for own, frame in zip(maps, frames, strict=True)])
        keypoints[:, INDEX["mouth"]] = [_mouth(points) for points in keypoints]
        return Boxes.of(people.xyxy, people.score, PERSON, keypoints)


def stretched(picture: RGBArray) -> FloatArray:
    """A picture (H, W, 3) as RT-DETR takes it, (640, 640, 3) in 0..1."""
    side = (PEOPLE_SIDE, PEOPLE_SIDE)
    small = Image.fromarray(picture).resize(side, Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def normalised(crops: RGBArray) -> FloatArray:
    """Crops (n, h, w, 3) as ViTPose takes them."""
    return np.asarray((crops.astype(np.float32) / 255 - MEAN) / DEVIATION, dtype=np.float32)


def _people(shape: tuple[int, ...], boxes: FloatArray, scores: FloatArray, threshold: float) -> Boxes:
    """Boxes (q, 4) of centre and size, as shares of the picture, in pixels; the sure ones."""
    sure = np.flatnonzero(scores >= threshold)
    middle, half = boxes[sure, :2], boxes[sure, 2:] / 2
    size = np.array([shape[1], shape[0]] * 2, dtype=np.float32)
    xyxy = (np.concatenate([middle - half, middle + half], axis=1) * size).astype(np.float32)
    kept = suppress(iou(xyxy, xyxy), scores[sure], 0.7)
    return Boxes.of(xyxy[kept], scores[sure][kept], PERSON)


def _mouth(points: FloatArray) -> FloatArray:
    nose, eyes = points[INDEX["nose"]], points[[INDEX["left_eye"], INDEX["right_eye"]]]
    place = nose[:2] + _MOUTH_BELOW_NOSE * (nose[:2] - eyes[:, :2].mean(axis=0))
    return np.array([*place, min(nose[2], eyes[:, 2].min())], dtype=np.float32)


def _channels_first(pictures: FloatArray) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), dtype=np.float32))
