from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="ablations need torch (extra 'train')")

from PIL import Image
from typer.testing import CliRunner

from ablation_sets import stage_one, write_ablation
from earwitness.cli.main import app
from earwitness.core.errors import TrainingError, UsageError
from earwitness.core.events import EventTable
from earwitness.training.ablation import ablation_report
from earwitness.training.ablation import ablation_runs as runs_module
from earwitness.training.ablation.ablation_plan import load_plan
from earwitness.training.ablation.ablation_report import tabulate
from earwitness.training.ablation.ablation_runs import ablate

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


def test_events_are_merged_with_what_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    class Fake:
        """Sees one thing, in three frames."""

        def analyse(self, path: Path, table: EventTable) -> Any:
            looked.append(path.name)
            three = np.arange(3)
            seen = EventTable.from_columns(
                frame=three, class_index=three * 0 + 4, azimuth=three * 0, distance=three * 0 + 1.0,
                onscreen=three == 0, num_frames=table.num_frames,
            )  # fmt: skip
            return SimpleNamespace(fused=SimpleNamespace(table=seen))

    path = write_ablation(tmp_path, seen={"plain, seen": {"variant": "plain", "detector": "some"}}, seeds=[0, 1])
    (clip,) = sorted((tmp_path / "test" / "stereo_dev").rglob("*.wav"))[:1]
    video = tmp_path / "test" / "video_dev" / "dev-train-synth" / f"{clip.stem}.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"seen by nobody")
    monkeypatch.setattr(
        ablation_report, "open_visual_analysis", lambda name: (Fake() if name == "some" else None, "there are none")
    )
    plan, out = load_plan(path), tmp_path / "out"
    ablate(plan, out, ["plain"], say=lambda line: None)
    rows = {row.name: row for row in tabulate(plan, out)}
    assert looked == [video.name] * 2
    counted = rows["plain, seen"].pooled.only("file", 0).by("file")[0]
    assert counted[0] + counted[2] == 2 * 3  # pairs and false alarms, of two seeds
    assert rows["plain, seen"].minus(rows["plain"]).units == 5
    monkeypatch.setattr(ablation_report, "open_visual_analysis", lambda name: (None, "there are none"))
    with pytest.raises(UsageError, match="visual post-processing: there are none"):
        tabulate(plan, out)


def test_wrong_names_and_damage_are_named(tmp_path: Path) -> None:
    plan, out = load_plan(write_ablation(tmp_path)), tmp_path / "out"
    with pytest.raises(UsageError, match="there is no variant 'much'"):
        ablate(plan, out, ["much"])
    folder = out / "runs" / plan.runs[0].folder
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{")
    with pytest.raises(TrainingError, match="delete the folder"):
        ablate(plan, out, ["plain"])
