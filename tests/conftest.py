"""The command line, and small models and recordings whose right answer is known, for every test that runs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from in_process import Command, Result

# Tests that open ONNX Runtime themselves report to its maker as little as earwitness does.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

RATE = 24_000
METER_CLASS = 8
METER_DISTANCE = 2.5


@pytest.fixture
def earwitness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """The command `earwitness`, run in this process and in an empty folder."""
    from earwitness.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["earwitness", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def make_burst() -> Callable[..., NDArray[np.float32]]:
    """Noise bursts panned as two coincident cardioids hear them, over a faint noise floor; (2, n) at 24 kHz."""

    def make(seconds: float, *bursts: tuple[float, float, float], seed: int = 0) -> NDArray[np.float32]:
        rng = np.random.default_rng(seed)
        stereo = rng.normal(scale=1e-5, size=(2, round(seconds * RATE)))
        for start, end, azimuth in bursts:
            span = slice(round(start * RATE), round(end * RATE))
            noise = rng.normal(scale=0.1, size=stereo[0, span].size)
            side = np.sin(np.radians(azimuth))
            stereo[:, span] += np.stack([(1 + side) * noise, (1 - side) * noise])
        return stereo.astype(np.float32)

    return make


@pytest.fixture(scope="session")
def meter_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that needs no training: `music` where it is loud, in the direction that the intensity says."""
    onnx = pytest.importorskip("onnx", reason="building test models needs onnx (extra 'train')")
    node, f32 = onnx.helper.make_node, np.float32
    where = np.zeros((1, 1, 3, 13, 1), f32)
    where[..., 0, METER_CLASS, 0] = 1
    constants = {
        "zero": np.array([0], np.int64), "one": np.array([1], np.int64),
        "two": np.array([2], np.int64), "three": np.array([3], np.int64), "bands": np.array([-1], np.int64),
        "threshold": f32(6.0), "steepness": f32(4.0), "unit": f32(1.0), "nought": f32(1e-6),
        "distance": f32(METER_DISTANCE), "onscreen": f32(0.9), "where": where,
        "shape": np.array([0, -1, 1, 1, 4], np.int64),
    }  # fmt: skip
    nodes = [
        node("ReduceMean", ["features", "bands"], ["means"], keepdims=0),
        node("AveragePool", ["means"], ["labels"], kernel_shape=[5], strides=[5]),
        node("Slice", ["labels", "zero", "one", "one"], ["level"]),
        node("Slice", ["labels", "two", "three", "one"], ["y_raw"]),
        node("Add", ["level", "threshold"], ["above"]),
        node("Mul", ["above", "steepness"], ["steep"]),
        node("Sigmoid", ["steep"], ["gate"]),
        node("Mul", ["y_raw", "y_raw"], ["y_squared"]),
        node("Sub", ["unit", "y_squared"], ["x_squared"]),
        node("Max", ["x_squared", "nought"], ["x_safe"]),
        node("Sqrt", ["x_safe"], ["x_raw"]),
        node("Mul", ["x_raw", "gate"], ["x"]),
        node("Mul", ["y_raw", "gate"], ["y"]),
        node("Mul", ["gate", "distance"], ["d_loud"]),
        node("Div", ["d_loud", "gate"], ["d"]),
        node("Mul", ["gate", "onscreen"], ["o"]),
        node("Concat", ["x", "y", "d", "o"], ["fields"], axis=1),
        node("Transpose", ["fields"], ["by_frame"], perm=[0, 2, 1]),
        node("Reshape", ["by_frame", "shape"], ["spread"]),
        node("Mul", ["spread", "where"], ["accddoa"]),
    ]
    return _write_model(tmp_path_factory.mktemp("meter") / "meter.onnx", onnx, nodes, constants)


@pytest.fixture(scope="session")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights with context over time: busy, and different in every frame."""
    onnx = pytest.importorskip("onnx", reason="building test models needs onnx (extra 'train')")
    node, f32 = onnx.helper.make_node, np.float32
    rng = np.random.default_rng(11)
    outputs = 3 * 13 * 4
    constants = {
        "frames": rng.normal(scale=0.01, size=(outputs, 5, 5, 64)).astype(f32),
        "time": rng.normal(scale=0.02, size=(outputs, outputs, 7)).astype(f32),
        "last": np.array([3], np.int64),
        "shape": np.array([0, -1, 3, 13, 4], np.int64),
        "sizes": np.array([2, 1, 1], np.int64),
    }
    nodes = [
        node("Conv", ["features", "frames"], ["a"], kernel_shape=[5, 64], strides=[5, 64]),
        node("Squeeze", ["a", "last"], ["b"]),
        node("Tanh", ["b"], ["c"]),
        node("Conv", ["c", "time"], ["d"], kernel_shape=[7], pads=[3, 3]),
        node("Transpose", ["d"], ["e"], perm=[0, 2, 1]),
        node("Reshape", ["e", "shape"], ["f"]),
        node("Split", ["f", "sizes"], ["xy", "distance", "onscreen"], axis=4),
        node("Tanh", ["xy"], ["xy_out"]),
        node("Softplus", ["distance"], ["distance_out"]),
        node("Sigmoid", ["onscreen"], ["onscreen_out"]),
        node("Concat", ["xy_out", "distance_out", "onscreen_out"], ["accddoa"], axis=4),
    ]
    return _write_model(tmp_path_factory.mktemp("random") / "random.onnx", onnx, nodes, constants)


def _write_model(path: Path, onnx: Any, nodes: list[Any], constants: dict[str, Any]) -> Path:
    from earwitness.detect.model.card import ModelCard, card_path, file_sha256
    from earwitness.features import FeatureConfig

    tensor, value = onnx.numpy_helper.from_array, onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        path.stem,
        [value("features", onnx.TensorProto.FLOAT, ["batch", 5, "frames", 64])],
        [value("accddoa", onnx.TensorProto.FLOAT, ["batch", "labels", 3, 13, 4])],
        [tensor(np.asarray(array), name) for name, array in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    card = ModelCard(
        name=path.stem, features=FeatureConfig(), model={}, thresholds=(0.5,) * 13, sha256=file_sha256(path)
    )
    card.write(card_path(path))
    return path
