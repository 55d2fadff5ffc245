from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="ablations need torch (extra 'train')")


from ablation_sets import stage_one, write_ablation
from earwitness.core.errors import TrainingError, UsageError
from earwitness.training import ablation_runs as runs_module
from earwitness.training.ablation_plan import load_plan
from earwitness.training.ablation_report import tabulate
from earwitness.training.ablation_runs import ablate


def test_finished_runs_are_kept_and_killed_ones_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, out = load_plan(write_ablation(tmp_path)), tmp_path / "out"
    said: list[str] = []
    steps: list[int] = []

    class Counting(runs_module.Trainer):
        stop_after = 2

        def save(self) -> None:
            super().save()
            steps.append(self.step)
            if len(steps) == self.stop_after:
                raise KeyboardInterrupt

    monkeypatch.setattr(runs_module, "Trainer", Counting)
    with pytest.raises(KeyboardInterrupt):
        ablate(plan, out, ["plain"], said.append)
    Counting.stop_after = -1
    with pytest.raises(UsageError, match="no run of the reference 'plain' is finished"):
        tabulate(plan, out)
    ablate(plan, out, ["plain"], said.append)
    assert steps == [1, 2, 3, 1, 2, 3]  # the third step of the first run, and the second run's own three
    ablate(plan, out, ["plain"], said.append)
    assert len(steps) == 6
    assert [line.endswith("finished already") for line in said[-2:]] == [True, True]
    (row,) = tabulate(plan, out)
    assert len(row.counts) == 2
    assert "2 of 4 runs are not finished yet" in (out / "ablation.md").read_text()


def test_the_second_stage_begins_with_the_first(tmp_path: Path) -> None:
    from earwitness.models.checkpoint import load_model

    path = write_ablation(
        tmp_path,
        pretraining={"first": {"set": stage_one(tmp_path)}},
        variants={"plain": {"pretrain": "first", "set": {"run.steps": 1, "optim.peak": 1e-12, "run.ema": 0.0}}},
    )
    plan, out = load_plan(path), tmp_path / "out"
    ablate(plan, out, say=lambda line: None)
    run = plan.of("plain")[0]
    assert run.before is not None
    before, after = (load_model(out / "runs" / one.folder / "best.safetensors") for one in (run.before, run))
    for name, value in before.named_parameters():
        np.testing.assert_allclose(value.detach(), after.get_parameter(name).detach(), atol=1e-6)


def test_wrong_names_and_damage_are_named(tmp_path: Path) -> None:
    plan, out = load_plan(write_ablation(tmp_path)), tmp_path / "out"
    with pytest.raises(UsageError, match="there is no variant 'much'"):
        ablate(plan, out, ["much"])
    folder = out / "runs" / plan.runs[0].folder
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    with pytest.raises(TrainingError, match="delete the folder"):
        ablate(plan, out, ["plain"])
