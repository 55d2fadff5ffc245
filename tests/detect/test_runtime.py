from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.runner.runtime import OnnxRuntime


def features(batch: int, frames: int = 250, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(scale=2.0, size=(batch, 5, frames, 64)).astype(np.float32)


def save(path: Path, inputs: dict[str, Any], output: str, shape: list[int]) -> Path:
    """A model that ignores its inputs, save that they exist."""
    onnx = pytest.importorskip("onnx", reason="building test models needs onnx (extra 'train')")
    value, float32 = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    constant = onnx.numpy_helper.from_array(np.full(shape, np.nan, np.float32), "constant")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["constant"], [output])],
        "wrong",
        [value(name, float32, size) for name, size in inputs.items()],
        [value(output, float32, shape)],
        [constant],
    )
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9), str(path))
    return path


def test_shape_and_device(random_model: Path) -> None:
    runtime = OnnxRuntime(random_model, device="cpu")
    assert runtime.channels == 5
    assert runtime.device == "cpu"
    assert runtime.run(features(2)).shape == (2, 50, 3, 13, 4)
    assert runtime.run(features(1, frames=30)).shape == (1, 6, 3, 13, 4)


def test_a_known_model_is_opened_when_it_is_run(
    random_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    plainly = OnnxRuntime._open

    def counted(self: OnnxRuntime) -> Any:
        opened.append(self.path)
        return plainly(self)

    monkeypatch.setattr(OnnxRuntime, "_open", counted)
    runtime = OnnxRuntime(random_model, known_channels=5)
    assert (runtime.channels, runtime.modalities, opened) == (5, {}, [])
    np.testing.assert_array_equal(runtime.run(features(1)), OnnxRuntime(random_model).run(features(1)))
    assert len(opened) == 2
    assert runtime.device in ("cpu", "cuda")
    runtime.unload()
    assert runtime.run(features(1)).shape == (1, 50, 3, 13, 4)
    assert len(opened) == 3
    with pytest.raises(ModelError, match="no such model file"):
        OnnxRuntime(tmp_path / "nothing.onnx", known_channels=5)


def test_a_batch_is_its_parts(random_model: Path) -> None:
    runtime, batch = OnnxRuntime(random_model), features(7)
    parts = np.concatenate([runtime.run(batch[index : index + 1]) for index in range(7)])
    np.testing.assert_allclose(runtime.run(batch), parts, atol=1e-5)


def test_after_a_rest_it_answers_the_same(random_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(random_model.read_bytes())
    runtime, batch = OnnxRuntime(path, device="cpu"), features(2)
    before = runtime.run(batch)
    runtime.unload()
    runtime.unload()
    np.testing.assert_array_equal(runtime.run(batch), before)
    from_memory = OnnxRuntime("inside", device="cpu", contents=path.read_bytes())
    from_memory.unload()
    np.testing.assert_array_equal(from_memory.run(batch), before)


def test_another_model_in_the_place_of_one_at_rest_is_refused(random_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(random_model.read_bytes())
    runtime = OnnxRuntime(path, device="cpu")
    runtime.unload()
    path.write_bytes(random_model.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"model\.onnx: was changed while it was in use; run the command again"):
        runtime.run(features(1))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file"):
        OnnxRuntime(tmp_path / "none.onnx")


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_a_damaged_file(random_model: Path, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes(random_model.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"cut\.onnx: not a usable ONNX model") as raised:
        OnnxRuntime(path)
    assert "\n" not in str(raised.value)


def test_wrong_inputs_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", {"waveform": ["batch", 2, "n"]}, "accddoa", [1, 50, 3, 13, 4])
    with pytest.raises(ModelError, match=r"'waveform'.*expected 'features'"):
        OnnxRuntime(path)


def test_wrong_outputs_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", {"features": ["batch", 5, "t", 64]}, "accddoa", [1, 50, 2, 13, 4])
    with pytest.raises(ModelError, match=r"'accddoa' \(1, 50, 2, 13, 4\).*expected"):
        OnnxRuntime(path)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", {"features": ["batch", 5, "t", 64]}, "accddoa", [1, 50, 3, 13, 4])
    with pytest.raises(ModelError, match="not finite"):
        OnnxRuntime(path).run(features(1))


def test_features_that_do_not_fit(random_model: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot run on features \(1, 4, 250, 64\)"):
        OnnxRuntime(random_model).run(features(1)[:, :4])


def test_cuda_without_cuda_says_what_to_do(random_model: Path) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("CUDA works here")
    with pytest.raises(ModelError, match="onnxruntime-gpu"):
        OnnxRuntime(random_model, device="cuda")


def test_wrong_settings(random_model: Path) -> None:
    with pytest.raises(UsageError, match="auto, cpu, cuda"):
        OnnxRuntime(random_model, device="tpu")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="threads"):
        OnnxRuntime(random_model, threads=0)
