from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs torch (extra 'train')")

from dcase_commands import TINY, changes, refused, run


def test_a_run_is_resumed_by_its_folder_alone(at_work: Path) -> None:
    assert "name a RECIPE" in refused("train", "--resume")
    assert "holds no run to resume" in refused("train", "--resume", "--out", "nothing")
    run("train", "dcase2025", "--data", "DCASE2025", "--out", "runs/one", *changes(TINY))
    finished = (at_work / "runs" / "one" / "last.safetensors").read_bytes()
    run("train", "--resume", "--out", "runs/one", "--set", "run.workers=0")
    assert (at_work / "runs" / "one" / "last.safetensors").read_bytes() == finished
    assert "run.steps was 3 and is 4" in refused("train", "--resume", "--out", "runs/one", "--set", "run.steps=4")
