from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("onnx", reason="exporting needs onnx (extra 'train')")

from ablation_sets import TINY, write_set
from earwitness.core.errors import EarwitnessError
from earwitness.detect.detector import Detector
from in_process import Command

BANK = Path(__file__).parents[1] / "data" / "bank"


def test_a_run_becomes_a_model_and_its_card(earwitness: Command, tmp_path: Path) -> None:
    train, valid = write_set(tmp_path / "train", 2, 100), write_set(tmp_path / "valid", 2, 200)
    data = {"folders": [{"root": str(train)}], "valid_folder": {"root": str(valid)}, "valid_scenes": 2}
    Path("r.yaml").write_text(yaml.safe_dump(TINY | {"data": data | {"swap": "random"}}))
    trained = earwitness("train", "r.yaml", "--out", "run", "--set", "run.steps=1")
    assert trained.code == 0, trained.err
    options = ("--scenes", "2", "--name", "mine", "--limit", "Trained on tones.", "--half")
    done = earwitness("export-model", "run", "--out", "m.onnx", *options)
    assert done.code == 0, done.err
    card = json.loads(Path("m.json").read_text())
    assert card["name"] == "mine"
    assert "Trained on tones." in card["limits"]
    assert Detector.load("m.onnx", vision=None).card.name == "mine"


def test_a_network_trained_on_dense_targets_is_exported_without_their_head(
    earwitness: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyroomacoustics", reason="rooms are simulated with pyroomacoustics (extra 'train')")
    monkeypatch.setenv("EARWITNESS_CACHE", str(Path("cache").resolve()))
    pool = {"rooms": 1, "positions": 4, "paths": 1}
    dense = {"features": {"channels": ["logmel_m", "logmel_s"]}, "model": TINY["model"] | {"dense": True},
             "data": {"bank": str(BANK), "pool": pool, "valid_scenes": 2, "swap": "random"}}  # fmt: skip
    Path("r.yaml").write_text(yaml.safe_dump(TINY | dense))
    trained = earwitness("train", "r.yaml", "--out", "run", "--set", "run.steps=1")
    assert trained.code == 0, trained.err
    assert "dense" in Path("run/log.jsonl").read_text()
    done = earwitness("export-model", "run", "--out", "m.onnx", "--scenes", "2")
    assert done.code == 0, done.err
    assert json.loads(Path("m.json").read_text())["model"]["dense"] is False
    refused = earwitness("train", "r.yaml", "--out", "other", "--set", "data.folders=[{root: x}]", "--set",
                         "data.valid_rooms=[1]")  # fmt: skip
    assert refused.code != 0
    assert "model.dense is trained on scenes of a bank" in refused.problem


def test_what_cannot_be_exported_is_named(earwitness: Command) -> None:
    suffix = earwitness("export-model", "run", "--out", "m.pt")
    assert (suffix.code, "must end in .onnx" in suffix.problem) == (2, True)
    no_run = earwitness("export-model", "run", "--out", "m.onnx")
    assert no_run.code in (1, 2)
    assert "run" in no_run.problem
    assert not Path("m.onnx").exists()
    with pytest.raises(EarwitnessError):
        Detector.load("m.onnx")
