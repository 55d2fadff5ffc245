"""Things of any class by OWL-ViT's text queries (extra `semantic`): the prompts of `core/vocabulary.py`.

Source: M. Minderer et al.: Simple open-vocabulary object detection with vision transformers (ECCV 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import ModelError, first_line
from earwitness.core.vocabulary import CLASSES
from earwitness.encoders.encoder_input import PictureGrid
from earwitness.encoders.owlvit import as_pixels
from earwitness.encoders.pretrained import load_pretrained
from earwitness.vision.boxes import PERSON, Boxes, iou, suppress

FloatArray = NDArray[np.float32]
RGBArray = NDArray[np.uint8]

THRESHOLD: Final = 0.1
"""Scores of text queries are lower than those of closed sets."""
_PAD: Final = 0
"""OWL-ViT was trained with queries filled up with token 0."""
_TEMPLATE: Final = "a photo of {}"
_SOMEBODY: Final = ("woman", "man", "person")


def queries() -> dict[str, list[str]]:
    """Text queries of each label: "person" for those that ask for somebody, else the slug of the sound's class."""
    asked: dict[str, list[str]] = {}
    for sound_class in CLASSES:
        for prompt in sound_class.prompts:
            somebody = sound_class.human and any(word in prompt.split() for word in _SOMEBODY)
            texts = asked.setdefault(PERSON if somebody else sound_class.slug, [])
            if prompt not in texts:
                texts.append(prompt)
    return asked


class OwlVitBoxes:
    """OWL-ViT with the prompts of all classes.

    Args:
        folder: a model of transformers: config.json, weights, and the tokenizer's vocab.json and merges.txt.
        name: under which results are cached.
        threshold: 0..1, least score of a box.
        threads: of torch.

    Raises:
        MissingExtraError: transformers or torch is not installed.
        EncoderError, ModelError: the folder holds no such model, or no tokenizer.
    """

    def __init__(
        self, folder: Path, name: str = "owlvit-boxes", threshold: float = THRESHOLD, threads: int = 1
    ) -> None:
        self._model = load_pretrained("OwlViTForObjectDetection", folder, "owlvit-boxes", threads, "cpu")
        asked = queries()
        # A door is asked for once, for doors and for knocking.
        texts = list(dict.fromkeys(text for own in asked.values() for text in own))
        self._columns = {label: [texts.index(text) for text in own] for label, own in asked.items()}
        length = int(self._model.config.text_config.max_position_embeddings)
        self._queries = _tokens(folder, [_TEMPLATE.format(text) for text in texts], length)
        vision = self._model.config.vision_config
        self._side, self._cell = int(vision.image_size), int(vision.patch_size)
        self._threshold = threshold
        self.name = name

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """People and things in each picture (H, W, 3), surest first."""
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
        """For each label the boxes that answer one of its queries well, without doubles."""
        found = []
        for label, columns in self._columns.items():
            own = score[:, columns].max(axis=1)
            sure = np.flatnonzero(own >= self._threshold)
            kept = sure[suppress(iou(xyxy[sure], xyxy[sure]), own[sure], 0.5)]
            found.append(Boxes.of(xyxy[kept], own[kept], label))
        everything = Boxes.joined(found)
        return everything.select(np.argsort(-everything.score, kind="stable"))


def _tokens(folder: Path, texts: list[str], length: int) -> dict[str, Any]:
    """Queries as the model takes them, (texts, length)."""
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        encoded = tokenizer(texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")
    except Exception as error:  # transformers raises a dozen unrelated types for files that it cannot use
        raise ModelError(
            f"{folder}: no usable tokenizer of OWL-ViT, vocab.json and merges.txt ({first_line(error)}); "
            "run: earwitness models pull owlvit"
        ) from error
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    if ids.max() >= tokenizer.vocab_size or (ids[:, 0] == _PAD).any():
        raise ModelError(f"{folder}: its vocab.json is not that of an OWL-ViT model")
    return {"input_ids": ids.masked_fill(mask == 0, _PAD), "attention_mask": mask}
