"""Experimental detectors (extra `semantic`): ViTPose for people, OWL-ViT for objects of all classes.

Never run with their published weights; tested with random weights only.

People are found by RT-DETR (Y. Zhao et al.: DETRs beat YOLOs on real-time object detection, CVPR 2024), their keypoints
by ViTPose (Y. Xu et al.: ViTPose: simple vision transformer baselines for human pose estimation, NeurIPS 2022). Inputs
are prepared in NumPy and Pillow as in training: for RT-DETR the stretched picture in 0..1, for ViTPose the box of each
person, enlarged by a quarter to the aspect ratio of the input, normalised by the mean and deviation of ImageNet.

Positions in heat maps follow J. Huang et al.: The devil is in the details: delving into unbiased data processing for
human pose estimation (CVPR 2020): the first and last pixel of input and map are the edges of the box. A peak is refined
by a Newton step on the logarithm of the smoothed map, as in F. Zhang et al.: Distribution-aware coordinate
representation for human pose estimation (CVPR 2020), equations 5 to 9.

OWL-ViT (M. Minderer et al.: Simple open-vocabulary object detection with vision transformers, ECCV 2022) gets the
prompts of the classes as text queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import ModelError, first_line
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.encoders.encoder_input import PictureGrid
from earwitness.encoders.owlvit import as_pixels
from earwitness.encoders.pretrained import load_pretrained
from earwitness.vision.boxes import INDEX, PERSON, Boxes, iou, suppress, unknown_keypoints

FloatArray = NDArray[np.float32]

NUM_COCO: Final = 17
_PADDING: Final = 1.25
_BLUR: Final = 0.8
_LEAST: Final = 1e-3

QUERY_THRESHOLD: Final = 0.1
"""Lower than for detectors with fixed classes, because text queries have lower scores."""
_PAD: Final = 0
"""OWL-ViT was trained with queries padded with token 0."""
_TEMPLATE: Final = "a photo of {}"
_PERSON_WORDS: Final = ("woman", "man", "person")


@dataclass(frozen=True, slots=True)
class PoseFrame:
    """The crop of a picture around a person.

    Attributes:
        left, top, right, bottom: pixels of the picture; may extend beyond it.
        rows, columns: size of the network input.
    """

    left: float
    top: float
    right: float
    bottom: float
    rows: int
    columns: int

    @classmethod
    def around(cls, box: FloatArray, size: tuple[int, int]) -> Self:
        """The frame around the box (4,) of a person, a quarter larger, for an input of `size` (rows, columns)."""
        middle, sides = (box[:2] + box[2:]) / 2, box[2:] - box[:2]
        aspect = size[1] / size[0]
        height = _PADDING * max(float(sides[1]), float(sides[0]) / aspect, 1.0)
        x, y = float(middle[0]), float(middle[1])
        return cls(x - height * aspect / 2, y - height / 2, x + height * aspect / 2, y + height / 2, *size)

    def crop(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Crop the picture, (rows, columns, 3); black beyond its edges."""
        across, down = (self.right - self.left) / (self.columns - 1), (self.bottom - self.top) / (self.rows - 1)
        # Pillow uses the corners of pixels, these positions their centres.
        matrix = (across, 0.0, self.left + 0.5 - across / 2, 0.0, down, self.top + 0.5 - down / 2)
        size = self.columns, self.rows
        return np.asarray(picture.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))

    def to_picture(self, places: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Convert places (..., 2), column and row in a map of `shape` (rows, columns), to pixels of the picture."""
        across, down = (self.right - self.left) / (shape[1] - 1), (self.bottom - self.top) / (shape[0] - 1)
        return np.asarray(places * (across, down) + (self.left, self.top))


def read_heatmaps(maps: FloatArray, frame: PoseFrame) -> FloatArray:
    """Keypoints (18, 3) as in `Boxes`, without the mouth, of one person from heat maps (17, rows, columns)."""
    points = unknown_keypoints(1)[0]
    for number, heat in enumerate(maps):
        peak = np.unravel_index(int(heat.argmax()), heat.shape)
        place = np.array(peak[::-1], dtype=np.float64) + _step(heat, int(peak[0]), int(peak[1]))
        points[number] = (*frame.to_picture(place, heat.shape), np.clip(heat[peak], 0, 1))
    return np.asarray(points)


def _step(heat: FloatArray, row: int, column: int) -> NDArray[np.float64]:
    """Offset (column, row) of the refined peak by a parabola through its neighbours; zero at the edge of the map."""
    from scipy.ndimage import gaussian_filter

    low, high = np.maximum((row - 2, column - 2), 0), (row + 3, column + 3)
    part = heat[low[0] : high[0], low[1] : high[1]].astype(np.float64)
    if not (0 < row < heat.shape[0] - 1 and 0 < column < heat.shape[1] - 1):
        return np.zeros(2)
    log = np.log(np.maximum(gaussian_filter(part, _BLUR, radius=1), _LEAST))
    y, x = row - low[0], column - low[1]
    slope = np.array([log[y, x + 1] - log[y, x - 1], log[y + 1, x] - log[y - 1, x]]) / 2
    xx = log[y, x + 1] - 2 * log[y, x] + log[y, x - 1]
    yy = log[y + 1, x] - 2 * log[y, x] + log[y - 1, x]
    xy = (log[y + 1, x + 1] - log[y, x + 1] - log[y + 1, x] + 2 * log[y, x]
          - log[y, x - 1] - log[y - 1, x] + log[y - 1, x - 1]) / 2  # fmt: skip
    curve = np.array([[xx, xy], [xy, yy]])
    if xx >= 0 or np.linalg.det(curve) <= 1e-12:  # not a maximum
        return np.zeros(2)
    return np.asarray(np.clip(-np.linalg.solve(curve, slope), -1, 1))


RGBArray = NDArray[np.uint8]

MEAN: Final = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION: Final = np.array([0.229, 0.224, 0.225], dtype=np.float32)
PEOPLE_SIDE: Final = 640
"""Input size of RT-DETR, pixels."""
PEOPLE_THRESHOLD: Final = 0.4
_MOUTH_BELOW_NOSE: Final = 0.5
"""Distance from nose to mouth, relative to that from the eyes to the nose; COCO has no mouth keypoint."""


class VitPoseDetector:
    """Detects people with RT-DETR and their keypoints with ViTPose.

    Args:
        people, pose: folders of RT-DETR and ViTPose, each a transformers model (config.json and weights).
        name: key of cached results.
        threshold: smallest score of a person, 0..1.
        threads: threads of torch.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        EncoderError, ModelError: a folder does not contain such a model.
    """

    def __init__(
        self, people: Path, pose: Path, name: str = "vitpose", threshold: float = PEOPLE_THRESHOLD, threads: int = 1
    ) -> None:
        self._people = load_pretrained("RTDetrForObjectDetection", people, "rtdetr", threads, "cpu")
        self._pose = load_pretrained("VitPoseForPoseEstimation", pose, "vitpose", threads, "cpu")
        persons = [number for number, label in self._people.config.id2label.items() if label.lower() == PERSON]
        if not persons:
            raise ModelError(f"{people}: this detector has no label 'person'; use one trained on COCO")
        if self._pose.config.num_labels != NUM_COCO:
            raise ModelError(f"{pose}: has {self._pose.config.num_labels} keypoints; expected the {NUM_COCO} of COCO")
        self._person, self._threshold = int(persons[0]), threshold
        height, width = self._pose.config.backbone_config.image_size
        self._size = int(height), int(width)
        self.name = name

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People in each picture (H, W, 3), best first."""
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

        frames = [PoseFrame.around(box, self._size) for box in people.xyxy]
        image = Image.fromarray(picture)
        crops = np.stack([frame.crop(image) for frame in frames])
        with torch.inference_mode():
            maps = self._pose(pixel_values=_channels_first(normalised(crops))).heatmaps.numpy()
        keypoints = np.stack([read_heatmaps(own, frame) for own, frame in zip(maps, frames, strict=True)])
        keypoints[:, INDEX["mouth"]] = [_mouth(points) for points in keypoints]
        return Boxes.of(people.xyxy, people.score, PERSON, keypoints)


def stretched(picture: RGBArray) -> FloatArray:
    """Prepare a picture (H, W, 3) for RT-DETR, (640, 640, 3) in 0..1."""
    side = (PEOPLE_SIDE, PEOPLE_SIDE)
    small = Image.fromarray(picture).resize(side, Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def normalised(crops: RGBArray) -> FloatArray:
    """Normalise crops (n, h, w, 3) for ViTPose."""
    return np.asarray((crops.astype(np.float32) / 255 - MEAN) / DEVIATION, dtype=np.float32)


def _people(shape: tuple[int, ...], boxes: FloatArray, scores: FloatArray, threshold: float) -> Boxes:
    """Convert boxes (q, 4) of centre and size, as shares of the picture, to pixels; keep those above the threshold."""
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


def queries(vocabulary: Vocabulary = DCASE2025) -> dict[str, list[str]]:
    """Text queries of each label: "person" for queries about people, otherwise the slug of the sound class."""
    by_label: dict[str, list[str]] = {}
    for sound_class in vocabulary:
        for prompt in sound_class.prompts:
            is_person = sound_class.human and any(word in prompt.split() for word in _PERSON_WORDS)
            texts = by_label.setdefault(PERSON if is_person else sound_class.slug, [])
            if prompt not in texts:
                texts.append(prompt)
    return by_label


class OwlVitBoxes:
    """Detects objects with OWL-ViT and the prompts of all classes.

    Args:
        folder: a transformers model: config.json, weights, vocab.json and merges.txt.
        name: key of cached results.
        threshold: smallest score of a box, 0..1.
        threads: threads of torch.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        EncoderError, ModelError: the folder does not contain such a model and tokenizer.
    """

    def __init__(
        self, folder: Path, name: str = "owlvit-boxes", threshold: float = QUERY_THRESHOLD, threads: int = 1
    ) -> None:
        self._model = load_pretrained("OwlViTForObjectDetection", folder, "owlvit-boxes", threads, "cpu")
        by_label = queries()
        # Prompts shared by several classes are queried once.
        texts = list(dict.fromkeys(text for own in by_label.values() for text in own))
        self._columns = {label: [texts.index(text) for text in own] for label, own in by_label.items()}
        length = int(self._model.config.text_config.max_position_embeddings)
        self._queries = _tokens(folder, [_TEMPLATE.format(text) for text in texts], length)
        vision = self._model.config.vision_config
        self._side, self._cell = int(vision.image_size), int(vision.patch_size)
        self._threshold = threshold
        self.name = name

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People and objects in each picture (H, W, 3), best first."""
        return [self._detect(picture) for picture in pictures]

    def _detect(self, picture: RGBArray) -> Boxes:
        import torch

        size = picture.shape[1], picture.shape[0]
        grid = PictureGrid.of((self._side, self._side), self._cell, size, "stretch")
        pixels = torch.from_numpy(as_pixels(grid.draw(picture[None], Image.Resampling.BICUBIC)))
        with torch.inference_mode():
            output = self._model(pixel_values=pixels, **self._queries)
        boxes = output.pred_boxes[0].numpy() * np.array(size * 2, dtype=np.float32)
        middle, half = boxes[:, :2], boxes[:, 2:] / 2
        xyxy = np.concatenate([middle - half, middle + half], axis=1)
        return self._best(xyxy, output.logits[0].sigmoid().numpy())

    def _best(self, xyxy: FloatArray, score: FloatArray) -> Boxes:
        """For each label, the boxes with a good score for one of its queries, without duplicates."""
        found = []
        for label, columns in self._columns.items():
            own = score[:, columns].max(axis=1)
            sure = np.flatnonzero(own >= self._threshold)
            kept = sure[suppress(iou(xyxy[sure], xyxy[sure]), own[sure], 0.5)]
            found.append(Boxes.of(xyxy[kept], own[kept], label))
        everything = Boxes.joined(found)
        return everything.select(np.argsort(-everything.score, kind="stable"))


def _tokens(folder: Path, texts: list[str], length: int) -> dict[str, Any]:
    """Tokenised queries for the model, (texts, length)."""
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
    except Exception as error:  # transformers raises many unrelated types for unusable files
        raise ModelError(
            f"{folder}: no usable OWL-ViT tokenizer (vocab.json, merges.txt) ({first_line(error)}); "
            "run: earwitness models pull owlvit"
        ) from error
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    if ids.max() >= tokenizer.vocab_size or (ids[:, 0] == _PAD).any():
        raise ModelError(f"{folder}: its vocab.json is not that of an OWL-ViT model")
    return {"input_ids": ids.masked_fill(mask == 0, _PAD), "attention_mask": mask}
