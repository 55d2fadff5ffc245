from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import ModelError
from earwitness.detect.detector import Detector
from earwitness.detect.model import model_trial
from earwitness.detect.model.card import ModelCard, card_path, file_sha256
from earwitness.detect.model.model_files import find_model
from earwitness.detect.model.model_trial import try_model
from earwitness.detect.runner import runtime
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.features import FeatureConfig

onnx = pytest.importorskip("onnx", reason="ONNX files are made with the extra 'train'")


def made(path: Path, nodes: list[Any], constants: dict[str, Any]) -> Path:
    """A model of a quiet answer to which the scalar `extra` of `nodes` is added."""
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    whole = [
        node("ReduceMean", ["features"], ["a"], axes=[1, 3], keepdims=0),
        node("Unsqueeze", ["a", "one"], ["b"]),
        node("AveragePool", ["b"], ["c"], kernel_shape=[5], strides=[5]),
        node("Squeeze", ["c", "one"], ["d"]),
        node("Unsqueeze", ["d", "rest"], ["e"]),
        node("Mul", ["e", "zeros"], ["f"]),
        *nodes,
        node("Add", ["f", "extra"], ["accddoa"]),
    ]
    arrays = {
        "one": np.array([1]), "rest": np.array([2, 3, 4]), "zeros": np.zeros((1, 1, 3, 13, 4), np.float32), **constants
    }  # fmt: skip
    graph = onnx.helper.make_graph(
        whole, "g",
        [value("features", onnx.TensorProto.FLOAT, ["batch", 5, "frames", 64])],
        [value("accddoa", onnx.TensorProto.FLOAT, ["batch", "labels", 3, 13, 4])],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    card = ModelCard(name="made", features=FeatureConfig(), model={}, thresholds=(0.5,) * 13, sha256=file_sha256(path))
    card.write(card_path(path))
    return path


def bomb(path: Path, values: int) -> Path:
    """A file of a kilobyte that asks for `values` numbers when it is run."""
    ones = onnx.helper.make_tensor("v", onnx.TensorProto.FLOAT, [1], [1.0])
    nodes = [
        onnx.helper.make_node("ConstantOfShape", ["shape"], ["big"], value=ones),
        onnx.helper.make_node("ReduceMean", ["big"], ["extra"], keepdims=0),
    ]
    return made(path, nodes, {"shape": np.array([values])})


def chain(path: Path, length: int) -> Path:
    """Matrix products one after the other, which takes as long as `length` says."""
    zero = onnx.helper.make_tensor("v", onnx.TensorProto.FLOAT, [1], [0.0])
    node = onnx.helper.make_node
    nodes = [
        node("ConstantOfShape", ["shape"], ["zeros2"], value=zero),
        node("ReduceSum", ["features"], ["sum"], keepdims=0),
        node("Add", ["zeros2", "sum"], ["m0"]),
        *(node("MatMul", [f"m{n}", f"m{n}"], [f"m{n + 1}"]) for n in range(length)),
        node("ReduceMean", [f"m{length}"], ["extra"], keepdims=0),
    ]
    return made(path, nodes, {"shape": np.array([1000, 1000])})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_that_asks_for_all_memory_is_refused(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.onnx", 10**10)
    assert path.stat().st_size < 2000
    with pytest.raises(ModelError, match=r"bomb\.onnx: "):
        Detector.load(path)


def test_a_model_that_takes_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = chain(tmp_path / "slow.onnx", 1000)
    monkeypatch.setattr(model_trial, "SECONDS", 4)
    begun = time.monotonic()
    with pytest.raises(ModelError, match=r"slow\.onnx: did not finish one window within 4 s"):
        Detector.load(path)
    assert time.monotonic() - begun < 30


def test_a_good_model_is_tried_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bomb(tmp_path / "fine.onnx", 10)
    card = find_model(path).card
    try_model(path.read_bytes(), card, "fine")
    assert len(list((cache / "models-tried").iterdir())) == 1
    monkeypatch.setattr(model_trial.subprocess, "run", lambda *args, **kwargs: pytest.fail("tried again"))
    try_model(path.read_bytes(), card, "fine")


def test_a_shipped_model_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earwitness.detect.model.loading.try_model", lambda *args: pytest.fail("tried"))
    assert Detector.load("default").card.name


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = OnnxRuntime(chain(tmp_path / "slow.onnx", 1000))
    monkeypatch.setattr(runtime, "LONGEST_RUN_SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(ModelError, match="cannot run on features"):
        loaded.run(np.zeros((1, 5, 250, 64), np.float32))
    assert time.monotonic() - begun < 20


def test_weights_that_are_not_finite_are_found_by_the_trial(tmp_path: Path) -> None:
    path = made(tmp_path / "nan.onnx", [], {"extra": np.array(np.nan, np.float32)})
    with pytest.raises(ModelError, match="not finite"):
        Detector.load(path)
