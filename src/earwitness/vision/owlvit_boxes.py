"""Things of any class by OWL-ViT's text queries (extra `semantic`): the prompts of `classes.py`.

Source: M. Minderer et al.: Simple open-vocabulary object detection with vision transformers (ECCV 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.classes import CLASSES
from earwitness.encoders.grid import PictureGrid
from earwitness.encoders.hub import load_pretrained
from earwitness.errors import ModelError
from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.overlap import iou, suppress

FloatArray = NDArray[np.float32]
RGBArray = NDArray[np.uint8]

MEAN: Final = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
DEVIATION: Final = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)
_END: Final = 0
"""OWL-ViT fills queries up with "!", token 0."""
_TEMPLATE: Final = "a photo of {}"


def queries() -> tuple[list[str], list[str]]:
    """Text queries and, for each, what a box that answers it is called: "person" where people make the sound."""
    texts, labels = [], []
    for sound_class in CLASSES:
        for prompt in sound_class.prompts:
            if prompt not in texts:
                texts.append(prompt)
                labels.append(PERSON if sound_class.human else sound_class.slug)
    return texts, labels


class OwlVitBoxes:
    """OWL-ViT with the prompts of all classes.

    Args:
        folder: a model of transformers: config.json, weights and the tokenizer's files.
        threshold: 0..1, least score of a box.
        threads: of torch.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        EncoderError, ModelError: the folder holds no such model, or no tokenizer.
    """

    def __init__(self, folder: str | Path, threshold: float = 0.1, threads: int = 1) -> None:
        folder = Path(folder)
        self._model = load_pretrained("OwlViTForObjectDetection", folder, "owlvit-boxes", threads, "cpu")
        texts, self._labels = queries()
        self._input = self._tokens(folder, [_TEMPLATE.format(text) for text in texts])
        vision = self._model.config.vision_config
        self._side, self._cell = int(vision.image_size), int(vision.patch_size)
        self._threshold = threshold
        self.name = f"owlvit-boxes-1 {folder.resolve()} {threshold:g}"

    def _tokens(self, folder: Path, texts: list[str]) -> dict[str, Any]:
        from transformers import AutoTokenizer

        length = int(self._model.config.text_config.max_position_embeddings)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
        except Exception as error:  # transformers raises a dozen unrelated types for files that it cannot use
            reason = str(error).strip().splitlines()
            raise ModelError(f"{folder}: no usable tokenizer ({reason[0][:160] if reason else error})") from error
        ids, mask = encoded["input_ids"], encoded["attention_mask"]
        return {"input_ids": ids.masked_fill(mask == 0, _END), "attention_mask": mask}

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People and things in each picture (H, W, 3), surest first."""
        return [self._detect(picture) for picture in pictures]

    def _detect(self, picture: RGBArray) -> Boxes:
        import torch

        side = (self._side, self._side)
        grid = PictureGrid.of(side, self._cell, (picture.shape[1], picture.shape[0]), "stretch")
        drawn = grid.draw(picture[None], Image.Resampling.BICUBIC).astype(np.float32) / 255
        pixels = torch.from_numpy(np.ascontiguousarray(((drawn - MEAN) / DEVIATION).transpose(0, 3, 1, 2)))
        with torch.inference_mode():
            output = self._model(pixel_values=pixels, **self._input)
        score = output.logits[0].sigmoid().numpy()
        xyxy = to_picture(output.pred_boxes[0].numpy(), grid)
        return self._best(xyxy, score)

    def _best(self, xyxy: FloatArray, score: FloatArray) -> Boxes:
        """For each label the boxes that answer one of its queries well, without doubles."""
        found = []
        names = np.array(self._labels)
        for label in dict.fromkeys(self._labels):
            own = score[:, names == label].max(axis=1)
            sure = np.flatnonzero(own >= self._threshold)
            kept = sure[suppress(iou(xyxy[sure], xyxy[sure]), own[sure], 0.5)] if sure.size else sure
            found.append(Boxes.of(xyxy[kept], own[kept], label))
        everything = Boxes.joined(found)
        return everything.select(np.argsort(-everything.score, kind="stable"))


def to_picture(boxes: FloatArray, grid: PictureGrid) -> FloatArray:
    """Boxes (n, 4) of centre and size, as shares of the network's input, as corners in pixels of the picture.

    The picture may fill a part of the input only, and be stretched on it: both are undone.
    """
    size = np.array([grid.input_width, grid.input_height], dtype=np.float32)
    middle, half = boxes[:, :2] * size, boxes[:, 2:] * size / 2
    corner = np.array([grid.left, grid.top], dtype=np.float32)
    shown = np.array([grid.right - grid.left, grid.bottom - grid.top], dtype=np.float32)
    scale = np.array([grid.width, grid.height], dtype=np.float32) / shown
    low, high = (middle - half - corner) * scale, (middle + half - corner) * scale
    return np.concatenate([low, high], axis=1).astype(np.float32)
