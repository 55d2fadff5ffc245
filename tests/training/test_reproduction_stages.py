from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("transformers", reason="CLAP and OWL-ViT need the extra 'semantic'")

from dcase_commands import BANK
from earwitness.cli.main import app
from earwitness.core.events import EventTable
from earwitness.detect.detector import Detector
from earwitness.training import ablation_report
from earwitness.training import reproduction_stages as stages_module

SECONDS_TO_KILL = 300


RESULTS = ("ablation.md", "ablation.json", "ablation.png", "system.ensemble", "scores.json", "reproduction.json")


def test_the_whole_recipe_killed_and_continued(
    options: list[str],
    at_work: Path,
    clap_folder: Path,
    owlvit_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = at_work / "out"
    command = [*options, "--scale", "tiny", "--bank", str(BANK), "--out", "out"]
    killed_after_first_run(command, out)
    (first,) = out.glob("runs/*/run.json")
    finished = (first.parent / "best.safetensors").stat().st_mtime_ns

    monkeypatch.setattr(stages_module, "open_visual_analysis", lambda name: (Sees(), ""))
    monkeypatch.setattr(ablation_report, "open_visual_analysis", lambda name: (Sees(), ""))
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, f"{done.output}{done.exception or ''}"
    assert "stage 1/5, synthetic: finished already" in done.output
    assert "DCASE2025: clap, 0 new, 5 kept" in done.output
    assert "baseline, audio, seed 0: finished already" in done.output
    assert (first.parent / "best.safetensors").stat().st_mtime_ns == finished
    assert all((out / name).is_file() for name in RESULTS)

    rows = json.loads((out / "ablation.json").read_text())["rows"]
    assert {"baseline, audio", "baseline, audio-visual", "SELD", "+ CLAP", "+ OWL-ViT", "+ CLAP + OWL-ViT", "ensemble",
            "ensemble, visual post-processing"} <= set(rows)  # fmt: skip
    assert rows["+ CLAP"]["runs"] == 2
    assert rows["+ CLAP"]["difference"]["f_score"].keys() == {"estimate", "low", "high"}
    assert len(rows["ensemble"]["members"]) == 2
    for run in out.glob("runs/+_CLAP_+_OWL-ViT-seed*/run.json"):
        assert "synthetic" in json.loads(run.read_text())["pretrained_by"]
    pretrained = (next(out.glob("runs/+_CLAP_+_OWL-ViT,_synthetic-seed0-*")) / "recipe.yaml").read_text()
    assert "swap: double" in pretrained
    assert "sets/synthetic" in pretrained

    scores = evaluated(out / "predictions")
    for protocol, expected in json.loads((out / "scores.json").read_text()).items():
        assert expected["macro"]["f_score"] == pytest.approx(scores(protocol)["macro"]["f_score"], abs=1e-9)
    detector = Detector.load(
        out / "system.ensemble", vision=None, weights={"clap": clap_folder, "owlvit": owlvit_folder}
    )
    noise = np.random.default_rng(0).normal(scale=0.05, size=(2, 48_000)).astype(np.float32)
    assert detector.detect_array(noise, 24_000).table.num_frames == 20
    again = CliRunner().invoke(app, command).output
    assert again.count("finished already") == 5


class Sees:
    """A visual analysis that changes nothing."""

    def analyse(self, path: Path, table: EventTable) -> Any:
        assert path.suffix == ".mp4"
        return SimpleNamespace(fused=SimpleNamespace(table=table))


def killed_after_first_run(command: list[str], out: Path) -> None:
    """Start the command in a process of its own, and kill it as soon as one run is finished and another begun."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "earwitness.cli.main", *command], env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        begun = time.monotonic()
        while not list(out.glob("runs/*/run.json")):
            assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
            assert time.monotonic() - begun < SECONDS_TO_KILL
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()


def evaluated(predictions: Path) -> Any:
    """Scores of a folder by `evaluate`, by protocol."""

    def scores(protocol: str) -> Any:
        target = predictions.parent / f"{protocol}.json"
        references = [part for split in ("dev-test-sony", "dev-test-tau")
                      for part in ("--reference", f"DCASE2025/metadata_dev/{split}")]  # fmt: skip
        done = CliRunner().invoke(
            app,
            ["evaluate", *references, "--predictions", str(predictions), "--protocol", protocol, "--json", str(target)],
        )
        assert done.exit_code == 0, done.output
        return json.loads(target.read_text())

    return scores
