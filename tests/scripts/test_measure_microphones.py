from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.model.loading import load
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer

ROOT = Path(__file__).parents[2]
BANK = ROOT / "tests" / "data" / "bank"
ROOMS = PoolConfig(rooms=3, positions=6, paths=1, path_points=6, seed=5)


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("measure_microphones")


def test_the_same_scenes_are_scored_with_each_microphone_and_written_into_the_card(
    script: ModuleType, meter_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("pyroomacoustics")
    model = tmp_path / "meter.onnx"
    model.write_bytes(meter_model.read_bytes())
    read_card(card_path(meter_model)).write(card_path(model))
    monkeypatch.setattr(script, "ROOMS", ROOMS)
    monkeypatch.setattr(sys, "argv", [
        "measure_microphones.py", str(BANK), "--model", str(model), "--versus", str(meter_model), "--scenes", "4",
        "--microphones", "dcase", "omni-20cm", "--cache", str(tmp_path), "--json", str(tmp_path / "m.json"), "--write",
    ])  # fmt: skip
    script.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "4 scenes, seed 6161"
    assert [line.split("|")[1].strip() for line in printed[3:5]] == ["dcase", "omni-20cm"]
    # The same model twice: no difference.
    assert "+0.000 (+0.000 .. +0.000)" in printed[3]
    scores = read_card(card_path(model)).microphones
    assert scores is not None
    assert {name: score.spaced for name, score in scores.of.items()} == {"dcase": False, "omni-20cm": True}


def test_warnings_follow_the_microphone(script: ModuleType, tmp_path: Path) -> None:
    pytest.importorskip("pyroomacoustics")
    maker = Synthesizer.from_bank(BANK, rooms=ROOMS, config=SceneConfig(empty_probability=0.0), cache=tmp_path)
    counted = script.measure(maker, [load("default")[0]], ("dcase", "omni-20cm"), 5, seed=1)
    (counts,), warned = counted["dcase"]
    assert warned == 0
    assert counted["omni-20cm"][1] > 0.3
    assert np.isfinite(script.figures([counts], warned)["model"]["f_score"]).all()
    assert counted["omni-20cm"][0][0].files == counts.files
