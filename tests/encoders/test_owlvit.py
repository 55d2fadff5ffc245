from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import EncoderError, MissingWeightsError, UsageError
from earwitness.core.geometry import DCASE_CAMERA
from earwitness.encoders.encoder_input import PictureGrid
from earwitness.encoders.owlvit import OwlVit, OwlVitSettings, as_pixels
from earwitness.encoders.protocol import ENCODERS, EncoderSpec

transformers = pytest.importorskip("transformers", reason="OWL-ViT needs the extra 'semantic'")
TIMES = np.arange(3) / 2


def pictures(count: int = 3, height: int = 360, width: int = 640) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def encoder(owlvit_folder: Path) -> OwlVit:
    return OwlVit.load(None, owlvit_folder)


@pytest.mark.parametrize("size", [(360, 640), (640, 360), (50, 50)])
def test_pixels_are_those_of_transformers(size: tuple[int, int]) -> None:
    processor = transformers.OwlViTImageProcessorPil(size={"height": 96, "width": 96})
    frames = pictures(2, *size)
    theirs = processor([Image.fromarray(frame) for frame in frames], return_tensors="np")["pixel_values"]
    grid = PictureGrid.of((96, 96), 16, (size[1], size[0]), "stretch")
    np.testing.assert_allclose(as_pixels(grid.draw(frames, Image.Resampling.BICUBIC)), theirs, atol=1e-5)


def test_tokens_are_the_patches_of_the_tower(encoder: OwlVit, owlvit_folder: Path) -> None:
    import torch

    model = transformers.OwlViTForObjectDetection.from_pretrained(owlvit_folder).eval()
    frames = pictures(1, 96, 96)
    with torch.inference_mode():
        tower = model.owlvit.vision_model
        theirs = tower.post_layernorm(tower(pixel_values=torch.from_numpy(as_pixels(frames))).last_hidden_state)
    tokens = encoder.encode(frames, np.zeros(1))
    assert tokens.tokens.shape == (1, 36, 32)
    np.testing.assert_allclose(tokens.tokens[0], theirs[0, 1:].numpy(), atol=1e-5)


def test_projected_and_pooled(owlvit_folder: Path) -> None:
    tokens = OwlVit.load(OwlVitSettings(projected=True, rows=1), owlvit_folder).encode(pictures(), TIMES)
    assert tokens.tokens.shape == (3, 6, 16)
    padded = OwlVit.load(OwlVitSettings(fit="pad"), owlvit_folder).encode(pictures(), TIMES)
    assert padded.positions == 6 * 4


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@pytest.mark.parametrize("place", [(60, 200), (330, 170), (600, 190)])
def test_a_bright_spot_changes_the_token_that_looks_there(
    owlvit_folder: Path, fit: str, place: tuple[int, int]
) -> None:
    encoder = OwlVit.load(OwlVitSettings.of({"fit": fit}), owlvit_folder)
    frames = np.full((2, 360, 640, 3), 90, dtype=np.uint8)
    x, y = place
    frames[0, y - 15 : y + 15, x - 15 : x + 15] = 255
    tokens = encoder.encode(frames, TIMES[:2])
    changed = np.abs(tokens.tokens[0] - tokens.tokens[1]).sum(axis=1).argmax()
    width_of_a_patch = 640 / 6
    column = float(DCASE_CAMERA.column(tokens.azimuth[changed]))
    assert abs(column - x) <= width_of_a_patch / 2 + 1


def test_same_every_time_alone_and_in_any_batch(encoder: OwlVit, owlvit_folder: Path) -> None:
    frames, times = pictures(5), np.arange(5.0)
    together = encoder.encode(frames, times).tokens
    alone = np.concatenate([encoder.encode(frames[k : k + 1], times[k : k + 1]).tokens for k in range(5)])
    np.testing.assert_allclose(alone, together, atol=1e-4)
    np.testing.assert_array_equal(encoder.encode(frames, times).tokens, together)


def test_weights_that_do_not_fit(owlvit_folder: Path, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(MissingWeightsError, match="models pull owlvit"):
        OwlVit.load()
    for path in owlvit_folder.iterdir():
        shutil.copy(path, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["vision_config"]["image_size"] = 128
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match="owlvit"):
        OwlVit.load(None, tmp_path)


def test_pytorch_files_serve_too(owlvit_folder: Path, tmp_path: Path, encoder: OwlVit) -> None:
    import torch
    from safetensors.torch import load_file

    shutil.copy(owlvit_folder / "config.json", tmp_path)
    torch.save(load_file(owlvit_folder / "model.safetensors"), tmp_path / "pytorch_model.bin")
    tokens = OwlVit.load(None, tmp_path).encode(pictures(), TIMES).tokens
    np.testing.assert_allclose(tokens, encoder.encode(pictures(), TIMES).tokens, atol=1e-5)


def test_encoders_by_name(owlvit_folder: Path) -> None:
    loaded = EncoderSpec(name="owlvit", settings={"rows": 2}, folder=owlvit_folder).load()
    assert (loaded.name, loaded.modality, loaded.dim) == ("owlvit", "picture", 32)
    assert [EncoderSpec(name=name).modality for name in ENCODERS] == ["sound", "picture", "sound", "picture"]
    with pytest.raises(UsageError, match="columns"):
        EncoderSpec(name="owlvit", settings={"columns": 2}, folder=owlvit_folder).load()
    with pytest.raises(UsageError, match="choose one of: yamnet"):
        EncoderSpec(name="vggish").load()


def test_no_cuda_where_there_is_none(owlvit_folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("CUDA is here")
    with pytest.raises(EncoderError, match="no usable GPU here; use --device cpu"):
        EncoderSpec(name="owlvit", folder=owlvit_folder).load(device="cuda")
