from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="ablations need torch (extra 'train')")

from PIL import Image
from typer.testing import CliRunner

from ablation_sets import write_ablation
from earwitness.cli.main import app

EXTRAS: dict[str, Any] = {
    "ensembles": {"both": {"members": ["plain", "wide"]}, "same": {"members": ["plain"], "weights": "equal"}},
    "without": {"plain, features": {"variant": "plain", "only": []}},
}


def test_an_ablation_from_end_to_end(tmp_path: Path) -> None:
    path, out = write_ablation(tmp_path, **EXTRAS), tmp_path / "out"
    result = CliRunner().invoke(app, ["ablate", str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    plain = json.loads((out / "ablation.json").read_text())
    assert list(plain["rows"]) == ["plain", "wide", "plain, features", "both", "same"]
    assert plain["reference"] == "plain"
    first, wide, bare, both = (plain["rows"][name] for name in ("plain", "wide", "plain, features", "both"))
    assert len(first["f_score_each"]) == 2
    assert (first["clips_learnt"], first["training_clips"], first["about"]) == (12, 6, "as it is")
    assert "difference" not in first
    assert wide["difference"]["f_score"]["low"] <= wide["difference"]["f_score"]["high"]
    assert wide["parameters"] > first["parameters"]
    assert bare["difference"]["f_score"]["estimate"] == 0.0  # a network without tokens has none to lose
    assert both["members"] == ["plain, seed 0", "plain, seed 1", "wide, seed 0", "wide, seed 1"]
    assert sum(both["weights"]) == pytest.approx(1, abs=1e-3)
    assert both["parameters"] == 2 * (first["parameters"] + wide["parameters"])
    assert set(wide["per_class"]) >= {"bell", "knock"}
    page = (out / "ablation.md").read_text()
    assert "| plain | " in page
    assert "5 test clips" in page
    with Image.open(out / "ablation.png") as picture:
        assert picture.width > 1200
