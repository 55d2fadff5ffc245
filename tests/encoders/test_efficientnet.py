from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.errors import EncoderError, MissingWeightsError, UsageError
from earwitness.core.geometry import DCASE_CAMERA
from earwitness.encoders.efficientnet import EfficientNetLite0, EfficientNetSettings

pytest.importorskip("onnx", reason="EfficientNet runs as an ONNX graph built with onnx (extra 'train')")

MILITARY_UNIFORM = 652
TIMES = np.arange(3) / 2


@pytest.fixture(scope="module")
def network(efficientnet_folder: Path) -> EfficientNetLite0:
    return EfficientNetLite0.load(None, efficientnet_folder)


def pictures(count: int = 3) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(4).integers(0, 256, (count, 18, 32, 3), dtype=np.uint8)
    return coarse.repeat(20, axis=1).repeat(20, axis=2)


def test_shapes_and_directions(network: EfficientNetLite0, efficientnet_folder: Path) -> None:
    columns = network.encode(pictures(), TIMES)
    assert columns.tokens.shape == (3, 10, 1280)
    np.testing.assert_allclose(columns.azimuth, DCASE_CAMERA.azimuth(32 + 64 * np.arange(10)), atol=1e-3)
    np.testing.assert_array_equal(columns.times, TIMES)
    full = EfficientNetLite0.load(EfficientNetSettings(rows=None), efficientnet_folder).encode(pictures(), TIMES)
    assert full.tokens.shape == (3, 60, 1280)
    np.testing.assert_allclose(full.tokens.reshape(3, 6, 10, 1280).mean(axis=1), columns.tokens, atol=1e-5)


def test_what_moves_changes_the_tokens_that_look_there(network: EfficientNetLite0) -> None:
    frames = np.full((3, 360, 640, 3), 100, dtype=np.uint8)
    frames[0, 120:240, 60:130] = 255
    frames[1, 120:240, 500:570] = 255
    tokens = network.encode(frames, TIMES)
    change = np.abs(tokens.tokens[:2] - tokens.tokens[2]).sum(axis=2)
    seen = tokens.azimuth[change.argmax(axis=1)]
    np.testing.assert_allclose(seen, DCASE_CAMERA.azimuth([95, 535]), atol=7)


def test_same_alone_and_in_any_batch(efficientnet_folder: Path, network: EfficientNetLite0) -> None:
    frames, times = pictures(5), np.arange(5.0)
    together = network.encode(frames, times).tokens
    alone = np.concatenate([network.encode(frames[k : k + 1], times[k : k + 1]).tokens for k in range(5)])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_array_equal(network.encode(frames, times).tokens, together)


def test_no_cell_is_blind_to_the_edges(network: EfficientNetLite0) -> None:
    """Nothing is cropped: the outermost columns of the picture matter."""
    frames = np.full((3, 360, 640, 3), 100, dtype=np.uint8)
    frames[0, :, :30] = 255
    frames[1, :, -30:] = 255
    tokens = network.encode(frames, TIMES).tokens
    change = np.abs(tokens[:2] - tokens[2]).sum(axis=2)
    assert change[0, :5].sum() > change[0, 5:].sum()
    assert change[1, 5:].sum() > change[1, :5].sum()


def test_fingerprints_tell_settings_apart(network: EfficientNetLite0, efficientnet_folder: Path) -> None:
    other = EfficientNetLite0.load(EfficientNetSettings(rows=2), efficientnet_folder)
    assert network.fingerprint != other.fingerprint


def test_weights_of_something_else(tmp_path: Path, cache: Path) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(MissingWeightsError, match="models pull efficientnet-lite0"):
        EfficientNetLite0.load()
    torch.save({"layer.weight": torch.zeros(2)}, tmp_path / "model.pth")
    with pytest.raises(EncoderError, match="not EfficientNet-Lite0's weights"):
        EfficientNetLite0.load(None, tmp_path)
    (tmp_path / "model.pth").write_bytes(b"junk")
    with pytest.raises(EncoderError, match="not a file of PyTorch weights"):
        EfficientNetLite0.load(None, tmp_path)


def test_inputs_come_in_whole_cells() -> None:
    with pytest.raises(UsageError, match="width"):
        EfficientNetSettings.of({"width": 300})


def test_real_weights_recognise_a_uniform() -> None:
    try:
        network = EfficientNetLite0.load(EfficientNetSettings(width=224, height=224))
    except MissingWeightsError as error:
        pytest.skip(str(error))
    path = Path(matplotlib.get_data_path(), "sample_data", "grace_hopper.jpg")
    picture = np.asarray(Image.open(path).convert("RGB"))[None]
    assert network.classify(picture)[0].argmax() == MILITARY_UNIFORM
