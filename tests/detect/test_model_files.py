from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from earwitness.core.errors import ModelError
from earwitness.detect.model import model_files
from earwitness.detect.model.card import card_path
from earwitness.detect.model.model_files import find_model, shipped_models


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


def test_something_else_than_a_model(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"x")
    with pytest.raises(ModelError, match=r"weights\.pt: not a model"):
        find_model(path)
