"""Experimental: objects of all classes by text queries to OWL-ViT (extra `semantic`), the prompts of the classes.

Never run with its published weights; tested with random weights only.

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
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.encoders.encoder_input import PictureGrid
from earwitness.encoders.owlvit import as_pixels
from earwitness.encoders.pretrained import load_pretrained
from earwitness.vision.boxes import PERSON, Boxes, iou, suppress

FloatArray = NDArray[np.float32]
RGBArray = NDArray[np.uint8]

THRESHOLD: Final = 0.1
"""Lower than for detectors with fixed classes, because text queries have lower scores."""
_PAD: Final = 0
"""OWL-ViT was trained with queries padded with token 0."""
_TEMPLATE: Final = "a photo of {}"
_PERSON_WORDS: Final = ("woman", "man", "person")


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
        self, folder: Path, name: str = "owlvit-boxes", threshold: float = THRESHOLD, threads: int = 1
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
