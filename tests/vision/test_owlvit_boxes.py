from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import ModelError
from earwitness.core.vocabulary import CLASSES
from earwitness.vision.boxes import PERSON
from earwitness.vision.detectors.owlvit_boxes import OwlVitBoxes, queries
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import find_candidates

transformers = pytest.importorskip("transformers", reason="OWL-ViT needs the extra 'semantic'")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def pictures(count: int = 1, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def write_tokenizer(folder: Path) -> None:
    """A tokenizer of CLIP's form that knows letters only."""
    words = ["!", *LETTERS, *(f"{letter}</w>" for letter in LETTERS), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small OWL-ViT of random weights, as `transformers` saves it, and its tokenizer's files as the hub has them."""
    import torch

    torch.manual_seed(0)
    vision = {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 96,
        "patch_size": 16,
    }  # fmt: skip
    text = {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 60,
        "max_position_embeddings": 48, "bos_token_id": 53, "eos_token_id": 54,
    }  # fmt: skip
    config = transformers.OwlViTConfig(text_config=text, vision_config=vision, projection_dim=32)
    made = tmp_path_factory.mktemp("owlvit")
    model = transformers.OwlViTForObjectDetection(config)
    with torch.no_grad():
        for values in model.parameters():
            if values.ndim > 1:
                values.normal_(0, values[0].numel() ** -0.5)
    model.save_pretrained(made)
    write_tokenizer(made)
    return made


def test_every_class_is_asked_for() -> None:
    asked = queries()
    for sound_class in CLASSES:
        assert sound_class.slug in asked or (sound_class.human and PERSON in asked)
    assert "a woman" in asked[PERSON]
    assert asked["clapping"] == ["clapping hands"]
    assert "a door" in asked["door"]
    assert "a door" in asked["knock"]


def test_boxes_are_those_of_transformers(folder: Path) -> None:
    import torch

    detector = OwlVitBoxes(folder, threshold=0.0)
    (picture,) = pictures()
    (boxes,) = detector.detect([picture])
    model = transformers.OwlViTForObjectDetection.from_pretrained(folder).eval()
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder, pad_token="!")
    processor = transformers.OwlViTImageProcessorPil(size={"height": 96, "width": 96})
    pixels = processor(picture, return_tensors="pt")["pixel_values"]
    for label, prompts in (("bell", ["a bell", "a bicycle bell"]), ("music", queries()["music"])):
        texts = [f"a photo of {prompt}" for prompt in prompts]
        tokens = tokenizer(texts, padding="max_length", max_length=48, return_tensors="pt")
        with torch.inference_mode():
            output = model(pixel_values=pixels, **tokens)
        score = output.logits[0].sigmoid().max(dim=1).values.numpy()
        middle, size = (
            output.pred_boxes[0].numpy()[:, :2] * (320, 180),
            output.pred_boxes[0].numpy()[:, 2:] * (320, 180),
        )
        best = int(score.argmax())
        ours = boxes.select([row for row, one in enumerate(boxes.label) if one == label])
        assert float(ours.score[0]) == pytest.approx(float(score[best]), abs=1e-4)
        np.testing.assert_allclose(ours.xyxy[0, :2], middle[best] - size[best] / 2, atol=0.05)
        np.testing.assert_allclose(ours.xyxy[0, 2:], middle[best] + size[best] / 2, atol=0.05)


def test_no_doubles_and_the_threshold_counts(folder: Path) -> None:
    from earwitness.vision.boxes import iou

    (boxes,) = OwlVitBoxes(folder, threshold=0.0).detect(pictures())
    assert (np.diff(boxes.score) <= 0).all()
    for label in set(boxes.label):
        own = boxes.select([row for row, one in enumerate(boxes.label) if one == label])
        overlap = iou(own.xyxy, own.xyxy) - np.eye(len(own))
        assert overlap.max() <= 0.5
    limit = float(np.median(boxes.score))
    (fewer,) = OwlVitBoxes(folder, threshold=limit).detect(pictures())
    assert 0 < len(fewer) < len(boxes)
    assert fewer.score.min() >= limit
    (none,) = OwlVitBoxes(folder, threshold=1.0).detect(pictures())
    assert len(none) == 0


def test_boxes_are_candidates_for_their_class_alone(folder: Path) -> None:
    detector = OwlVitBoxes(folder, threshold=0.0)
    boxes = detector.detect(pictures())[0]
    one_each = boxes.select([boxes.label.index(label) for label in dict.fromkeys(boxes.label)])
    motion = np.zeros((6, 45, 80), np.uint8)
    observation = Observation(320, 180, (0, 0, 320, 180), np.array([0, 5]), (one_each, one_each), motion)
    found = {candidate.label: candidate for candidate in find_candidates(observation, 100.0)}
    assert set(found) == set(one_each.label)
    for sound_class in CLASSES:
        for label, candidate in found.items():
            assert candidate.may_make(sound_class) == (
                label == sound_class.slug or (label == PERSON and sound_class.human)
            )


@pytest.mark.parametrize("missing", ["vocab.json", "merges.txt"])
def test_without_a_tokenizer(folder: Path, tmp_path: Path, missing: str) -> None:
    for path in folder.iterdir():
        if path.name != missing:
            shutil.copy(path, tmp_path)
    with pytest.raises(ModelError, match="earwitness models pull owlvit"):
        OwlVitBoxes(tmp_path)


def test_a_tokenizer_of_another_model(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    words: dict[str, Any] = json.loads((tmp_path / "vocab.json").read_text())
    (tmp_path / "vocab.json").write_text(json.dumps({word: number + 30 for word, number in words.items()}))
    with pytest.raises(ModelError, match="not that of"):
        OwlVitBoxes(tmp_path)
