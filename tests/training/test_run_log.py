from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earwitness.training.loop.run_log import NullLog, RunLog


def entries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_values_that_are_not_finite_become_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with RunLog(tmp_path, 0, 10, tensorboard=False) as log:
        log.write(1, "train", total=0.5, distance=float("nan"))
    assert entries(tmp_path) == [{"step": 1, "kind": "train", "total": 0.5, "distance": None}]
    assert "step 1/10  train  total 0.5" in capsys.readouterr().err


def test_a_resumed_run_drops_the_steps_that_it_repeats(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 10, tensorboard=False) as log:
        for step in (1, 2, 3):
            log.write(step, "train", total=float(step))
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4, "kind": "tr')  # the line of a killed run
    with RunLog(tmp_path, 2, 10, tensorboard=False) as log:
        log.write(3, "train", total=30.0)
    assert [(entry["step"], entry["total"]) for entry in entries(tmp_path)] == [(1, 1.0), (2, 2.0), (3, 30.0)]


def test_a_finished_run_replaces_its_last_validation(tmp_path: Path) -> None:
    with RunLog(tmp_path, 0, 2, tensorboard=False) as log:
        log.write(2, "train", total=1.0)
        log.write(2, "valid", f_score=0.1)
    with RunLog(tmp_path, 2, 2, tensorboard=False) as log:
        log.write(2, "valid", f_score=0.2)
    assert [(entry["kind"], entry.get("f_score")) for entry in entries(tmp_path)] == [("train", None), ("valid", 0.2)]


def test_processes_other_than_the_first_write_nothing(tmp_path: Path) -> None:
    with NullLog() as log:
        log.write(1, "train", total=1.0)
    assert not list(tmp_path.iterdir())
