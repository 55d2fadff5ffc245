"""A card whose calibration is set anew."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode, ideal_output
from earwitness.detect.model.card import card_path, parse_card, read_card
from earwitness.detect.model.model_files import find_model

BANK = Path(__file__).parents[1] / "data" / "bank"


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    pytest.importorskip("torch", reason="scenes are streamed with torch (extra 'train')")
    return load_script("recalibrate")


def test_bent_and_quiet_answers_are_put_right(script: ModuleType) -> None:
    """Answers 8 degrees too far outwards, with activities of 0.3 for what sounds and 0.1 for what does not."""
    rng, outputs, tables = np.random.default_rng(0), [], []
    for _ in range(40):
        true = np.repeat(rng.uniform(10, 60, 13), 4)[:50]
        columns = {"frame": np.arange(50), "class_index": np.arange(50) // 4, "distance": 2.0, "num_frames": 50}
        tables.append(EventTable.from_columns(azimuth=true, **columns))
        said = ideal_output(encode(EventTable.from_columns(azimuth=true + 8, **columns)))
        said[..., :2] *= 0.3
        silent = np.hypot(said[..., 0], said[..., 1]) == 0
        said[silent] = [0.1, 0.0, 2.0, 0.0]
        outputs.append(said)
    card = find_model("default").card
    again = script.recalibrated(card, np.stack(outputs), tables, "40 scenes of a test")
    assert parse_card(again.model_dump_json().encode(), "again") == again
    assert again.data["calibrated_on"] == "40 scenes of a test"
    assert again.scores["synthetic/f_score"] > 0.95
    assert again.calibration.azimuth[4] == pytest.approx(32, abs=1.5)
    assert again.sha256 == card.sha256
    unjudged = card.model_copy(update={"limits": ("Hears no birds.", script.UNTUNED_LIMIT)})
    assert script.recalibrated(unjudged, np.stack(outputs), tables, "40 scenes").limits == ("Hears no birds.",)


@pytest.mark.skipif(not BANK.is_dir(), reason="the tiny bank is not here")
def test_the_command_writes_a_model_that_loads(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyroomacoustics", reason="rooms are simulated with pyroomacoustics (extra 'train')")
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("data: {pool: {rooms: 1, positions: 4, paths: 1, kind: varied}, scene: {preset: starss}}\n")
    out = tmp_path / "model.onnx"
    monkeypatch.setattr(sys, "argv", ["x", "default", str(recipe), str(BANK), str(out), "--scenes", "4"])
    script.main()
    assert find_model(out).card.data["calibrated_on"].startswith("4 scenes")
    assert read_card(card_path(out)).features == find_model("default").card.features
    monkeypatch.setattr(sys, "argv", ["x", "default", str(recipe), str(BANK), str(out), "--scenes", "1"])
    with pytest.raises(SystemExit):
        script.main()
