from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import EncoderError, ModelError
from earwitness.core.vocabulary import CLASSES
from earwitness.vision.boxes import INDEX, PERSON
from earwitness.vision.candidates import find_candidates
from earwitness.vision.detectors.experimental import PEOPLE_THRESHOLD, OwlVitBoxes, VitPoseDetector, queries, stretched
from earwitness.vision.observe import Observation

transformers = pytest.importorskip("transformers", reason="ViTPose needs the extra 'semantic'")


def pictures(count: int = 2, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def people_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small RT-DETR of random weights, as `transformers` saves it, that sees somebody in any picture."""
    import torch

    torch.manual_seed(0)
    backbone = transformers.RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[16, 16, 16], encoder_hidden_dim=16, d_model=16,
        encoder_ffn_dim=16, decoder_ffn_dim=16, decoder_in_channels=[16, 16, 16], encoder_attention_heads=2,
        decoder_attention_heads=2, decoder_layers=1, num_queries=12, id2label={0: "chair", 1: "Person"},
    )  # fmt: skip
    model = transformers.RTDetrForObjectDetection(config)
    with torch.no_grad():  # wider than at the start of a training, where all queries see the same
        for name, values in model.named_parameters():
            if values.ndim > 1:
                values.normal_(0, (0.7 if "bbox" in name else 1.5) * values[0].numel() ** -0.5)
            if "class_embed" in name or "score_head.weight" in name:
                values.normal_()
    folder = tmp_path_factory.mktemp("rtdetr")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pose_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ViTPose of random weights."""
    import torch

    torch.manual_seed(1)
    backbone = transformers.VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        out_indices=[1],
    )  # fmt: skip
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=True)
    folder = tmp_path_factory.mktemp("vitpose")
    transformers.VitPoseForPoseEstimation(config).save_pretrained(folder)
    return folder


def test_people_are_those_of_transformers(people_folder: Path, pose_folder: Path) -> None:
    import torch

    model = transformers.RTDetrForObjectDetection.from_pretrained(people_folder).eval()
    processor = transformers.RTDetrImageProcessorPil()
    frames = list(pictures())
    inputs = processor([Image.fromarray(frame) for frame in frames], return_tensors="pt")
    np.testing.assert_allclose(stretched(frames[0]).transpose(2, 0, 1), inputs["pixel_values"][0], atol=1e-6)
    with torch.inference_mode():
        output = model(**inputs)
    # Every query is asked for its score as a person: what transformers says with all other labels left out.
    output.logits = output.logits[..., 1:2]
    theirs = processor.post_process_object_detection(output, threshold=PEOPLE_THRESHOLD, target_sizes=[(180, 320)] * 2)
    found = VitPoseDetector(people_folder, pose_folder, threshold=PEOPLE_THRESHOLD).detect(frames)
    for boxes, their in zip(found, theirs, strict=True):
        assert 0 < len(boxes) <= len(their["boxes"])  # doubles are left out here
        assert set(boxes.label) == {PERSON}
        assert (np.diff(boxes.score) <= 0).all()
        for box, score in zip(boxes.xyxy, boxes.score, strict=True):
            match = np.abs(their["boxes"].numpy() - box).max(axis=1).argmin()
            np.testing.assert_allclose(their["boxes"][match].numpy(), box, atol=1e-2)
            assert float(their["scores"][match]) == pytest.approx(float(score), abs=1e-5)


def test_keypoints_are_the_peaks_of_each_persons_maps(people_folder: Path, pose_folder: Path) -> None:
    import torch

    from earwitness.vision.detectors.experimental import DEVIATION, MEAN, PoseFrame, read_heatmaps

    (frame,) = pictures(1)
    (boxes,) = VitPoseDetector(people_folder, pose_folder, threshold=PEOPLE_THRESHOLD).detect([frame])
    model = transformers.VitPoseForPoseEstimation.from_pretrained(pose_folder).eval()
    for box, points in zip(boxes.xyxy, boxes.keypoints, strict=True):
        seen = PoseFrame.around(box, (64, 48))
        pixels = ((seen.crop(Image.fromarray(frame)).astype(np.float32) / 255 - MEAN) / DEVIATION).transpose(2, 0, 1)
        with torch.inference_mode():
            maps = model(pixel_values=torch.from_numpy(pixels[None].copy())).heatmaps[0].numpy()
        expected = read_heatmaps(maps, seen)
        np.testing.assert_allclose(points[:17], expected[:17], atol=1e-3)
        nose, visual_analysis = points[INDEX["nose"]], points[[INDEX["left_eye"], INDEX["right_eye"]]].mean(axis=0)
        np.testing.assert_allclose(
            points[INDEX["mouth"], :2], nose[:2] + 0.5 * (nose[:2] - visual_analysis[:2]), atol=1e-3
        )


def test_each_result_depends_on_its_picture_alone(people_folder: Path, pose_folder: Path) -> None:
    detector = VitPoseDetector(people_folder, pose_folder, threshold=PEOPLE_THRESHOLD)
    frames = list(pictures(3))
    for together, frame in zip(detector.detect(frames), frames, strict=True):
        (alone,) = detector.detect([frame])
        np.testing.assert_allclose(alone.xyxy, together.xyxy, atol=1e-2)
        np.testing.assert_allclose(alone.keypoints, together.keypoints, atol=0.05)


def test_nobody_is_nobody(people_folder: Path, pose_folder: Path) -> None:
    (boxes,) = VitPoseDetector(people_folder, pose_folder, threshold=1.0).detect(list(pictures(1)))
    assert len(boxes) == 0


def test_models_that_will_not_do(people_folder: Path, pose_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="no usable weights"):
        VitPoseDetector(tmp_path, pose_folder)
    with pytest.raises(EncoderError, match="do not fit"):
        VitPoseDetector(pose_folder, pose_folder)
    for path in people_folder.iterdir():
        shutil.copy(path, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["id2label"] = {"0": "chair", "1": "dog"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="no label 'person'"):
        VitPoseDetector(tmp_path, pose_folder)


LETTERS = "abcdefghijklmnopqrstuvwxyz"


def random_pictures(count: int = 1, height: int = 180, width: int = 320) -> NDArray[np.uint8]:
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
    (picture,) = random_pictures()
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

    (boxes,) = OwlVitBoxes(folder, threshold=0.0).detect(random_pictures())
    assert (np.diff(boxes.score) <= 0).all()
    for label in set(boxes.label):
        own = boxes.select([row for row, one in enumerate(boxes.label) if one == label])
        overlap = iou(own.xyxy, own.xyxy) - np.eye(len(own))
        assert overlap.max() <= 0.5
    limit = float(np.median(boxes.score))
    (fewer,) = OwlVitBoxes(folder, threshold=limit).detect(random_pictures())
    assert 0 < len(fewer) < len(boxes)
    assert fewer.score.min() >= limit
    (none,) = OwlVitBoxes(folder, threshold=1.0).detect(random_pictures())
    assert len(none) == 0


def test_boxes_are_candidates_for_their_class_alone(folder: Path) -> None:
    detector = OwlVitBoxes(folder, threshold=0.0)
    boxes = detector.detect(random_pictures())[0]
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
