from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from earwitness.core.errors import ModelError
from earwitness.detect.model import model_files
from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.model.model_files import find_model, shipped_models
from earwitness.detect.runner.runtime import OnnxRuntime


def test_a_path_finds_its_card(meter_model: Path) -> None:
    found = find_model(meter_model)
    assert found.path == meter_model
    assert found.card.name == "meter"
    assert found.sha256 == hashlib.sha256(meter_model.read_bytes()).hexdigest()
    assert find_model(str(meter_model)) == found


def test_a_name_finds_a_shipped_model(meter_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_files, "shipped_models", lambda: {"default": meter_model})
    assert find_model("default").path == meter_model
    with pytest.raises(ModelError, match=r"unknown model 'large'.*\(default\)"):
        find_model("large")


def test_the_default_model_is_shipped_with_its_card() -> None:
    if "default" not in shipped_models():
        pytest.skip("this source tree has no trained model yet")
    found = find_model()
    assert found.path.stat().st_size <= 20_000_000
    assert found.card.sha256 == found.sha256
    assert found.card.data
    assert found.card.scores
    assert found.card.limits
    # `loading` trusts shipped models in this, so that it need not open them.
    runtime = OnnxRuntime(found.path, device="cpu")
    assert runtime.channels == len(found.card.features.channels)
    assert set(runtime.modalities) == set(found.card.tokens)


def test_a_missing_path(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx: no such model file"):
        find_model(tmp_path / "none.onnx")


def test_a_model_without_a_card(meter_model: Path, tmp_path: Path) -> None:
    shutil.copy(meter_model, tmp_path / "bare.onnx")
    with pytest.raises(ModelError, match=r"bare\.json: no such model card"):
        find_model(tmp_path / "bare.onnx")


def test_a_card_of_another_model(meter_model: Path, random_model: Path, tmp_path: Path) -> None:
    shutil.copy(meter_model, tmp_path / "mixed.onnx")
    shutil.copy(card_path(random_model), tmp_path / "mixed.json")
    with pytest.raises(ModelError, match="do not match its card"):
        find_model(tmp_path / "mixed.onnx")


def test_a_card_without_a_digest_is_refused(meter_model: Path, tmp_path: Path) -> None:
    shutil.copy(meter_model, tmp_path / "bare.onnx")
    read_card(card_path(meter_model)).model_copy(update={"sha256": ""}).write(tmp_path / "bare.json")
    with pytest.raises(ModelError, match=r"bare\.onnx: its card has no sha256"):
        find_model(tmp_path / "bare.onnx")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"thresholds": [float("nan")] * 13}, "thresholds.0"),
        ({"thresholds": [3.0] * 13}, "thresholds.0"),
        ({"calibration": {"distance": float("inf")}}, "calibration.distance"),
        ({"scores": {"f": float("nan")}}, "scores.f"),
        ({"model": {"a": [float("nan")]}}, "model"),
        ({"window_frames": 6000, "features": {"mels": 4096, "stpacc_bins": 4096, "channels": ["logmel_m"]}}, ""),
        ({"window_frames": 10**30}, "window_frames"),
        ({"smoothing": {"fill_gap_frames": 10**18}}, "smoothing.fill_gap_frames"),
        ({"sha256": "x"}, "sha256"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_card_that_cannot_be_is_refused_by_field(
    meter_model: Path, tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    values = json.loads(card_path(meter_model).read_text()) | change
    (tmp_path / "m.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match=f"not a usable model card: {field}"):
        read_card(tmp_path / "m.json")


def test_something_else_than_a_model(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"x")
    with pytest.raises(ModelError, match=r"weights\.pt: not a model"):
        find_model(path)
