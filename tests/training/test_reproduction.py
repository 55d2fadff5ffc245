"""`reproduce`: the whole recipe on made data, killed and continued; the plan of the large scales; what is refused."""

from __future__ import annotations

import json
import os
import shutil
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

from dcase_commands import BANK, in_metres, refused, rewrite
from earwitness.cli.main import app
from earwitness.core.errors import EarwitnessError
from earwitness.core.events import EventTable
from earwitness.detect.detector import Detector
from earwitness.training.ablation import ablation_report
from earwitness.training.data.data_splits import DataSplits
from earwitness.training.reproduction import estimate
from earwitness.training.reproduction import stages as stages_module
from earwitness.training.reproduction.estimate import baseline_recipe, network_recipe, parameters, step_rate
from earwitness.training.reproduction.reproduction_job import (
    ENCODERS,
    SCALES,
    Embedded,
    ReproductionJob,
    ablation_recipe,
)

SECONDS_TO_KILL = 300
RESULTS = ("ablation.md", "ablation.json", "ablation.png", "system.ensemble", "scores.json", "reproduction.json")


@pytest.fixture
def options(at_work: Path, clap_folder: Path, owlvit_folder: Path) -> list[str]:
    weights = ["--weights", f"clap={clap_folder}", "--weights", f"owlvit={owlvit_folder}"]
    return ["reproduce", "--data", "DCASE2025", *weights]


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


def test_without_a_bank_the_pre_training_uses_the_synthetic_split_or_in_a_trial_the_real_ones(at_work: Path) -> None:
    embedded = {name: Embedded(encoder, "f", None, 8, 3) for name, encoder in ENCODERS.items()}

    def pretraining(scale: str) -> dict[str, Any]:
        job = ReproductionJob(DataSplits.of(Path("DCASE2025")), Path("out"), SCALES[scale])
        first: dict[str, Any] = ablation_recipe(job, embedded, None)["pretraining"]["SELD, synthetic"]["set"]
        return first

    real = pretraining("tiny")
    assert real["data.folders"][0]["splits"] == ["dev-train-sony", "dev-train-tau"]
    for part, suffix in (("stereo_dev", ".wav"), ("metadata_dev", ".csv")):
        folder = Path("DCASE2025") / part
        (folder / "dev-train-synth").mkdir()
        clip = sorted((folder / "dev-train-tau").iterdir())[0]
        shutil.copy(clip, folder / "dev-train-synth" / f"fold1_room001_mix001_deg000_start0000{suffix}")
    made = pretraining("small")
    assert made["data.folders"][0]["splits"] == ["dev-train-synth"]
    assert made["data.valid_folder"]["splits"] == ["dev-train-sony", "dev-train-tau"]
    assert made["run.steps"] == SCALES["small"].pretraining_steps


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


def test_the_plan_of_the_paper_is_printed_and_not_started(
    options: list[str],
    at_work: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(estimate, "step_rate", lambda recipe, device: 100.0)
    monkeypatch.setattr(estimate, "_rendering", lambda job, notes: [])
    command = [*options, "--scale", "paper", "--bank", str(BANK), "--out", "out"]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, EarwitnessError)
    assert "start the scale paper with --yes" in str(done.exception)
    assert not (at_work / "out").exists()
    network = 4 * 3 * 75_000 * 64 / 100 / 3600
    baselines = 2 * 3 * 15_000 * 256 / 100 / 3600
    assert "4 rows x 3 seeds x (60,000 + 15,000) steps of 64 clips; 2 baselines x 3 seeds" in done.output
    assert f"; {network + baselines:,.1f} h, " in done.output
    assert "measured: owlvit" in done.output
    assert " GB" in done.output
    missing = CliRunner().invoke(app, [*command[:3], *command[7:], "--plan"])  # without weights
    assert missing.exit_code == 0, missing.output
    assert "unknown h" in missing.output
    assert "run: earwitness models pull clap" in missing.output


def test_the_rate_of_a_network_is_measured() -> None:
    tiny = SCALES["tiny"]
    assert step_rate(network_recipe(tiny), "cpu") > 0
    assert step_rate(baseline_recipe(tiny), "cpu") > 0
    assert parameters(network_recipe(SCALES["paper"])) > 3e7


def test_what_cannot_be_reproduced_is_said_before_any_work(options: list[str], at_work: Path) -> None:
    data = at_work / "DCASE2025"
    assert "--scale must be one of tiny, small, paper" in refused(*options, "--scale", "huge")
    assert "no such folder" in refused("reproduce", "--data", "elsewhere", "--scale", "tiny")
    assert "name a sound bank with --bank" in refused(*options, "--scale", "small")
    rewrite(data / "metadata_dev" / "dev-test-tau", in_metres)
    assert "they seem to be metres" in refused(*options, "--scale", "tiny")
    shutil.rmtree(data / "video_dev")
    shutil.rmtree(data / "metadata_dev" / "dev-test-tau")
    assert "has no videos" in refused(*options, "--scale", "tiny")
    for part in ("stereo_dev", "metadata_dev"):
        for split in ("dev-test-sony", "dev-test-tau"):
            shutil.rmtree(data / part / split, ignore_errors=True)
    assert "has no test split" in refused(*options, "--scale", "tiny")
    assert not (at_work / "runs").exists()
