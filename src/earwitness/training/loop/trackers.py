"""Experiment trackers: each gets the figures of a run as they are logged. Free of torch.

A tracker never stops the training: what it raises is reported once, and after `MOST_FAILURES` errors in a row it is
switched off. `log.jsonl` in the run's folder holds everything in any case.

A tracker of one's own is any object with the methods of `Tracker`, given to `Trainer`.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from earwitness.core.errors import RecipeError, first_line, one_line
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_json

TrackerName = Literal["tensorboard", "wandb", "mlflow"]
MOST_FAILURES: Final = 3
PROJECT: Final = "earwitness"
RUN_IDS: Final = "trackers.json"
"""In the run's folder: the id that each service gave the run, so that a resumed run continues there."""
_MOST_PARAMETERS: Final = 100
"""Parameters that MLflow takes in one call."""
_LONGEST_PARAMETER: Final = 500


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """The run that a tracker follows.

    Attributes:
        name: name of the recipe.
        folder: folder of the run.
        recipe: the complete recipe, as plain values.
        step: step at which the run starts or resumes.
    """

    name: str
    folder: Path
    recipe: Mapping[str, Any]
    step: int = 0


class Tracker(Protocol):
    """A service, or an own object, that follows a run."""

    name: str

    def begin(self, run: TrackedRun) -> None:
        """Called once, before the first step."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take figures such as {"train/total": 0.7} or {"valid/f_score": 0.2}; all are finite."""

    def end(self, *, finished: bool) -> None:
        """Called once; `finished` is False after an error or Ctrl-C."""


class TensorBoardTracker:
    """Event files of TensorBoard in the run's folder."""

    name = "tensorboard"

    def begin(self, run: TrackedRun) -> None:
        """Open the event file; steps that a resumed run repeats are dropped."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(run.folder / "tensorboard"), purge_step=run.step)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write the figures."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def end(self, *, finished: bool) -> None:
        """Close the event file."""
        self._writer.close()


class WandbTracker:
    """Weights & Biases: project $WANDB_PROJECT, by default `earwitness`."""

    name = "wandb"

    def begin(self, run: TrackedRun) -> None:
        """Start the run there, or continue it."""
        import wandb

        self._run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT, name=run.name, dir=str(run.folder),
            config=dict(run.recipe), id=known_id(run.folder, self.name), resume="allow",
        )  # fmt: skip
        note_id(run.folder, self.name, str(self._run.id))
        # The service wants its own step to rise; a resumed run repeats some.
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Send the figures."""
        self._run.log({"step": step, **values})

    def end(self, *, finished: bool) -> None:
        """End the run there."""
        self._run.finish(exit_code=0 if finished else 1)


class MlflowTracker:
    """MLflow: the server of $MLFLOW_TRACKING_URI, experiment $MLFLOW_EXPERIMENT_NAME, by default `earwitness`."""

    name = "mlflow"

    def begin(self, run: TrackedRun) -> None:
        """Start the run there with the recipe as its parameters, or continue it."""
        import mlflow

        self._mlflow: Any = mlflow
        mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT)
        before = known_id(run.folder, self.name)
        started = mlflow.start_run(run_id=before, run_name=None if before else run.name)
        note_id(run.folder, self.name, str(started.info.run_id))
        if before is None:
            parameters = {name: str(value)[:_LONGEST_PARAMETER] for name, value in flat(run.recipe)}
            names = list(parameters)
            for first in range(0, len(names), _MOST_PARAMETERS):
                mlflow.log_params({name: parameters[name] for name in names[first : first + _MOST_PARAMETERS]})

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Send the figures."""
        self._mlflow.log_metrics(dict(values), step=step)

    def end(self, *, finished: bool) -> None:
        """End the run there."""
        self._mlflow.end_run("FINISHED" if finished else "FAILED")


_KNOWN: Final[dict[str, tuple[str, Callable[[], Tracker]]]] = {
    "tensorboard": ("tensorboard", TensorBoardTracker),
    "wandb": ("wandb", WandbTracker),
    "mlflow": ("mlflow", MlflowTracker),
}
"""The package that each tracker needs, and its class."""


def check_trackers(names: Sequence[str]) -> None:
    """Check that the trackers that a recipe names are installed, before any work.

    Raises:
        RecipeError: one is not; the message says how to install it.
    """
    for name in names:
        package = _KNOWN[name][0]
        if package not in sys.modules and find_spec(package) is None:
            raise RecipeError(f"run.trackers names '{name}', which is not installed; run: pip install {package}")


def named_trackers(names: Sequence[str]) -> list[Tracker]:
    """The trackers of these names, each once."""
    return [_KNOWN[name][1]() for name in dict.fromkeys(names)]


@dataclass(slots=True)
class _Followed:
    """A tracker in use.

    Attributes:
        tracker: the tracker.
        failures: errors in a row.
        told: whether an error was told.
    """

    tracker: Tracker
    failures: int = 0
    told: bool = False


class TrackerGroup:
    """Several trackers that are called as one, and whose errors never reach the caller.

    Args:
        trackers: the trackers.
        say: receives what went wrong, one line each.
    """

    def __init__(self, trackers: Sequence[Tracker], say: Callable[[str], None]) -> None:
        self._say = say
        self._followed = [_Followed(tracker) for tracker in trackers]

    def begin(self, run: TrackedRun) -> None:
        """Start all trackers; one that fails is left out."""
        self._followed = [
            one for one in self._followed if self._try(one, lambda tracker: tracker.begin(run), last=True)
        ]

    def log(self, step: int, kind: str, values: Mapping[str, float]) -> None:
        """Pass the finite figures of a step on, as `kind/name`."""
        finite = {f"{kind}/{name}": value for name, value in values.items() if math.isfinite(value)}
        self._followed = [
            one
            for one in self._followed
            if self._try(one, lambda tracker: tracker.log(step, finite), last=one.failures + 1 == MOST_FAILURES)
            or one.failures < MOST_FAILURES
        ]

    def end(self, *, finished: bool) -> None:
        """End all trackers."""
        for one in self._followed:
            self._try(one, lambda tracker: tracker.end(finished=finished), last=True)
        self._followed = []

    def _try(self, one: _Followed, call: Callable[[Tracker], None], *, last: bool) -> bool:
        """Call a tracker; whether it worked. Its first error is told, and if it is not used any more."""
        try:
            call(one.tracker)
        except Exception as error:  # those of any library and network
            if not one.told or last:
                what, name = "is not used any more" if last else "is tried again", one.tracker.name
                self._say(one_line(f"tracker {name}: {first_line(error)}; training goes on, and the tracker {what}"))
            one.failures, one.told = one.failures + 1, True
            return False
        one.failures = 0
        return True


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested values with the names of their places, such as `optim.peak`."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def known_id(folder: Path, name: str) -> str | None:
    """The id of a run at a service; None if it was not there before."""
    path = folder / RUN_IDS
    values = read_json(path, CARD_BYTES, RecipeError) if path.is_file() else {}
    found = values.get(name) if isinstance(values, dict) else None
    return found if isinstance(found, str) else None


def note_id(folder: Path, name: str, run_id: str) -> None:
    """Keep the id of a run at a service."""
    path = folder / RUN_IDS
    before = read_json(path, CARD_BYTES, RecipeError) if path.is_file() else {}
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps({**before, name: run_id}, indent=1) + "\n", encoding="utf-8")
