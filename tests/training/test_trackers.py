from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from earwitness.core.errors import RecipeError
from earwitness.training.loop import trackers
from earwitness.training.loop.run_log import RunLog
from earwitness.training.loop.trackers import (
    MOST_FAILURES,
    MlflowTracker,
    TrackedRun,
    TrackerGroup,
    WandbTracker,
    check_trackers,
    named_trackers,
)

RECIPE = {"name": "tiny", "optim": {"peak": 0.1, "betas": [0.9, 0.99]}, "data": {}}


class Own:
    """A tracker that records its calls, and fails when asked to."""

    name = "own"

    def __init__(self, fails: frozenset[str] = frozenset(), error: type[BaseException] = ConnectionError) -> None:
        self.calls: list[Any] = []
        self.fails, self.error = fails, error

    def begin(self, run: TrackedRun) -> None:
        self._note("begin", run.name, run.step)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._note("log", step, dict(values))

    def end(self, *, finished: bool) -> None:
        self._note("end", finished)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if call[0] in self.fails or call[:2] in self.fails:
            raise self.error("the server\nis gone")


def test_a_tracker_gets_all_finite_figures(tmp_path: Path) -> None:
    own = Own()
    with RunLog(tmp_path, 0, 10, tensorboard=False, trackers=[own], recipe=RECIPE) as log:
        log.write(1, "train", total=0.5, distance=float("nan"))
        log.write(2, "valid", f_score=0.1)
    assert own.calls == [
        ("begin", "tiny", 0),
        ("log", 1, {"train/total": 0.5}),
        ("log", 2, {"valid/f_score": 0.1}),
        ("end", True),
    ]


def test_a_run_that_ends_with_an_error_is_marked(tmp_path: Path) -> None:
    own = Own()
    with pytest.raises(KeyboardInterrupt), RunLog(tmp_path, 0, 10, tensorboard=False, trackers=[own]):
        raise KeyboardInterrupt
    assert own.calls[-1] == ("end", False)


@pytest.mark.parametrize("fails", ["begin", "log", "end"])
def test_errors_of_a_tracker_do_not_stop_the_training(
    tmp_path: Path, fails: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = Own(frozenset({fails})), Own()
    with RunLog(tmp_path, 0, 10, tensorboard=False, trackers=[own, other], recipe=RECIPE) as log:
        for step in range(1, 9):
            log.write(step, "train", total=1.0)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 8
    assert [call[0] for call in other.calls] == ["begin", *["log"] * 8, "end"]
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("earwitness: tracker own")]
    assert told[0].startswith("earwitness: tracker own: the server; training goes on, and the tracker ")
    assert told[-1].endswith("is not used any more")
    assert len(told) == (2 if fails == "log" else 1)
    expected = {"begin": 0, "log": MOST_FAILURES, "end": 8}[fails]
    assert [call[0] for call in own.calls].count("log") == expected


def test_a_tracker_that_recovers_stays_in_use() -> None:
    said: list[str] = []
    own = Own(frozenset({("log", 2), ("log", 3), ("log", 6)}))  # type: ignore[arg-type]
    group = TrackerGroup([own], said.append)
    group.begin(TrackedRun("x", Path(), {}))
    for step in range(1, 9):
        group.log(step, "train", {"total": 1.0})
    assert len(said) == 1
    assert [call[1] for call in own.calls[1:]] == list(range(1, 9))


def test_ctrl_c_in_a_tracker_stops_the_training() -> None:
    group = TrackerGroup([Own(frozenset({"log"}), KeyboardInterrupt)], print)
    with pytest.raises(KeyboardInterrupt):
        group.log(1, "train", {})


class FakeWandb(ModuleType):
    """Weights & Biases: one process, runs by id."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.inits: list[dict[str, Any]] = []
        self.logged: list[dict[str, Any]] = []
        self.metrics: list[tuple[Any, ...]] = []
        self.exit_codes: list[int] = []

    def init(self, **options: Any) -> SimpleNamespace:
        self.inits.append(options)
        return SimpleNamespace(
            id=options["id"] or "abc123",
            define_metric=lambda *names, **more: self.metrics.append((*names, more)),
            log=self.logged.append,
            finish=lambda exit_code: self.exit_codes.append(exit_code),
        )


class FakeMlflow(ModuleType):
    """MLflow: parameters cannot be changed, and at most 100 fit into a call."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.experiment = ""
        self.started: list[dict[str, Any]] = []
        self.parameters: dict[str, str] = {}
        self.metrics: list[tuple[int, dict[str, float]]] = []
        self.ended: list[str] = []

    def set_experiment(self, name: str) -> None:
        self.experiment = name

    def start_run(self, **options: Any) -> SimpleNamespace:
        self.started.append(options)
        return SimpleNamespace(info=SimpleNamespace(run_id=options["run_id"] or "run-1"))

    def log_params(self, values: dict[str, str]) -> None:
        assert len(values) <= 100
        assert not values.keys() & self.parameters.keys()
        self.parameters |= values

    def log_metrics(self, values: dict[str, float], step: int) -> None:
        self.metrics.append((step, values))

    def end_run(self, status: str) -> None:
        self.ended.append(status)


def test_wandb_continues_a_resumed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    for start in (0, 2):
        with RunLog(tmp_path, start, 4, tensorboard=False, trackers=[WandbTracker()], recipe=RECIPE) as log:
            log.write(start + 1, "train", total=1.0)
    first, second = fake.inits
    assert (first["project"], first["name"], first["id"], first["resume"]) == ("earwitness", "tiny", None, "allow")
    assert first["config"]["optim"]["peak"] == 0.1
    assert second["id"] == "abc123"
    assert fake.logged == [{"step": 1, "train/total": 1.0}, {"step": 3, "train/total": 1.0}]
    assert fake.metrics[1] == ("*", {"step_metric": "step"})
    assert fake.exit_codes == [0, 0]


def test_mlflow_gets_the_recipe_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "stereo")
    recipe = {**RECIPE, "many": {str(number): "x" * 9999 for number in range(250)}}
    for start in (0, 2):
        with RunLog(tmp_path, start, 4, tensorboard=False, trackers=[MlflowTracker()], recipe=recipe) as log:
            log.write(start + 1, "valid", f_score=0.5)
    assert fake.experiment == "stereo"
    assert [each["run_id"] for each in fake.started] == [None, "run-1"]
    assert fake.parameters["optim.betas"] == "[0.9, 0.99]"
    assert len(fake.parameters) == 254
    assert max(map(len, fake.parameters.values())) == 500
    assert fake.metrics == [(1, {"valid/f_score": 0.5}), (3, {"valid/f_score": 0.5})]
    assert fake.ended == ["FINISHED", "FINISHED"]
    assert json.loads((tmp_path / "trackers.json").read_text()) == {"mlflow": "run-1"}


def test_a_damaged_record_of_ids_is_told_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb())
    (tmp_path / "trackers.json").write_text("{")
    with RunLog(tmp_path, 0, 4, tensorboard=False, trackers=[WandbTracker()]) as log:
        log.write(1, "train", total=1.0)
    assert "trackers.json: not usable as JSON" in capsys.readouterr().err


def test_a_tracker_that_is_not_installed_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    with pytest.raises(RecipeError, match="'wandb', which is not installed; run: pip install wandb"):
        check_trackers(["wandb"])
    monkeypatch.setitem(sys.modules, "wandb", FakeWandb())
    check_trackers(["wandb"])
    assert [type(each) for each in named_trackers(["mlflow", "wandb", "mlflow"])] == [MlflowTracker, WandbTracker]


def test_tensorboard_writes_event_files(tmp_path: Path) -> None:
    pytest.importorskip("torch.utils.tensorboard", reason="needs tensorboard (extra 'train')")
    with RunLog(tmp_path, 0, 10, tensorboard=True) as log:
        log.write(1, "train", total=0.5)
    assert list((tmp_path / "tensorboard").glob("events.*"))


def test_training_goes_on_while_a_service_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from earwitness.training.loop.trainer import Trainer
    from fakes import open_tones, tiny_recipe

    wandb, mlflow, own = FakeWandb(), FakeMlflow(), Own()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setattr(mlflow, "log_metrics", lambda *_, **__: 1 / 0)
    recipe = tiny_recipe(steps=2, trackers=["wandb", "mlflow"])
    Trainer(recipe, tmp_path, open_tones, open_tones, [own]).run()
    assert [entry["step"] for entry in wandb.logged] == [1, 2, 2]
    assert "valid/f_score" in wandb.logged[-1]
    assert mlflow.parameters["run.steps"] == "2"
    assert mlflow.ended == []  # three errors in a row: it is not used any more
    assert own.calls[-1] == ("end", True)
    assert (tmp_path / "last.safetensors").is_file()


@pytest.mark.parametrize(
    ("tracker", "words"),
    [("nosuch", "run.trackers.0: Input should be 'tensorboard', 'wandb' or 'mlflow'"), ("wandb", "pip install wandb"),
     ("a]b", "run.trackers")],
)  # fmt: skip
def test_trackers_that_cannot_be_used_end_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tracker: str, words: str
) -> None:
    from earwitness.cli.main import main

    monkeypatch.setattr(trackers, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text("name: tiny\n")
    monkeypatch.setattr(sys, "argv", ["earwitness", "train", "r.yaml", "--tracker", tracker])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err
    assert (stop.value.code, said.count("\n")) == (2, 1)
    assert words in said
    assert not Path("runs").exists()
