from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("torch", reason="training needs torch (extra 'train')")
pytest.importorskip("transformers", reason="CLAP and OWL-ViT need the extra 'semantic'")

from dcase_commands import BANK
from earwitness.cli.main import app
from earwitness.core.errors import EarwitnessError
from earwitness.training import reproduction_estimate as estimate
from earwitness.training.reproduction_estimate import baseline_recipe, network_recipe, parameters, step_rate
from earwitness.training.reproduction_job import SCALES


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
