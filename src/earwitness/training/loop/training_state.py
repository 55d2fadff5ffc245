"""The state of a run, for an exact resume, and the recipe, embeddings and commit with which it was started.

States are saved atomically, and the last two are kept. A run resumes only with the recipe and the embeddings of its
start. The commit is recorded then, since later code may export the model.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final

import torch

from earwitness.core.errors import EncodingError, TrainingError, first_line
from earwitness.core.files.atomic import atomic_file
from earwitness.core.version import commit
from earwitness.encoders.store.embedding_store import StoreDescription
from earwitness.training.loop.trackers import flat
from earwitness.training.recipe import Recipe, load_recipe

COMMIT_NAME: Final = "commit"


def write_commit(run: Path) -> None:
    """Record the commit of the running code in the run's folder."""
    with atomic_file(run / COMMIT_NAME) as temporary:
        temporary.write_text(commit() + "\n", encoding="utf-8")


def start_commit(run: Path) -> str:
    """Commit of the code that started the run; of the running code if none was recorded."""
    try:
        return (run / COMMIT_NAME).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return commit()


RECIPE_NAME: Final = "recipe.yaml"
TOKENS_NAME: Final = "tokens.json"
_FREE: Final = frozenset(
    ["name", "data.bank", "data.cache", "data.shards"]
    + [
        f"run.{key}"
        for key in ("log_every", "valid_every", "save_every", "workers", "prefetch", "threads", "device", "compile",
                    "tensorboard", "trackers", "init_from", "decoding")
    ]
)  # fmt: skip
"""Settings that may differ on resume: paths, use of the machine and decoding, which do not affect the weights."""


def write_start(folder: Path, recipe: Recipe, tokens: Mapping[str, StoreDescription]) -> None:
    """Write the recipe and the descriptions of the embeddings into the run's folder."""
    with atomic_file(folder / RECIPE_NAME) as temporary:
        temporary.write_text(recipe.dump(), encoding="utf-8")
    if tokens:
        plain = {name: description.model_dump(mode="json") for name, description in tokens.items()}
        with atomic_file(folder / TOKENS_NAME) as temporary:
            temporary.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    else:
        (folder / TOKENS_NAME).unlink(missing_ok=True)  # left by a run that ended before its first save


def read_tokens(folder: Path) -> dict[str, StoreDescription]:
    """Descriptions of the embeddings of a run's modalities; empty for a run without tokens.

    Raises:
        TrainingError: the file is damaged.
    """
    path = folder / TOKENS_NAME
    if not path.is_file():
        return {}
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {name: StoreDescription.model_validate(values) for name, values in plain.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise TrainingError(f"{path}: damaged; train the run again") from error


def check_same_run(folder: Path, recipe: Recipe, tokens: Mapping[str, StoreDescription]) -> None:
    """Refuse to resume a run with another recipe or other embeddings.

    The schedule spans run.steps and all random draws follow from the seeds: with other values the run would not
    continue the one that was stopped.

    Raises:
        TrainingError: names the differences.
    """
    path = folder / RECIPE_NAME
    if path.is_file():
        began, now = (dict(flat(one.model_dump(mode="json"))) for one in (load_recipe(path), recipe))
        changed = [
            f"{key} was {began.get(key)} and is {now.get(key)}"
            for key in sorted(began.keys() | now.keys())
            if began.get(key) != now.get(key) and key not in _FREE
        ]
        if changed:
            raise TrainingError(
                f"the run in '{folder}' has another recipe: {'; '.join(changed[:4])}. --resume needs the recipe with "
                f"which the run was started; to change it, start a new run with --set run.init_from={folder}"
            )
    for name, description in read_tokens(folder).items():
        if name in tokens and tokens[name] != description:
            raise TrainingError(
                f"the run in '{folder}' was trained on '{name}' tokens of other weights or settings: {description}, "
                f"but the folders now hold {tokens[name]}; embed the folders with the former"
            )


KEPT: Final = 2
STATES: Final = "state-*.pt"
_log = logging.getLogger(__name__)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Turn a write error into a `TrainingError` that says how to continue the run.

    Raises:
        TrainingError: a file cannot be written.
    """
    try:
        yield
    except EncodingError as error:
        saved = any(folder.glob(STATES))
        then = "then continue with --resume" if saved else "then start it again: no training state was saved yet"
        raise TrainingError(f"{error}, {then}") from error


@dataclass(frozen=True, slots=True)
class TrainingState:
    """State after `step` optimizer steps.

    Learning rate, dropout and augmentation follow from the step and the recipe's seed; no other state is random.
    """

    step: int
    best: float
    model: dict[str, Any]
    ema: dict[str, Any]
    optimizer: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write `state-<step>.pt`, then delete older ones.

        Raises:
            TrainingError: the file cannot be written.
        """
        path = folder / f"state-{self.step:08d}.pt"
        with saving(folder), atomic_file(path) as temporary, temporary.open("wb") as file:
            try:
                torch.save({name: getattr(self, name) for name in self.__dataclass_fields__}, file)
            except RuntimeError as error:  # torch raises it for a full disk
                raise OSError(ENOSPC, first_line(error)) from None
            file.flush()
            os.fsync(file.fileno())
        for old in sorted(folder.glob(STATES))[:-KEPT]:
            old.unlink()

    @classmethod
    def latest(cls, folder: Path) -> TrainingState | None:
        """The newest readable state in `folder`; None if there is no state.

        Raises:
            TrainingError: there are states, but none can be read.
        """
        reasons = []
        for path in sorted(folder.glob(STATES), reverse=True):
            try:
                state = cls(**torch.load(path, map_location="cpu", weights_only=True))
            except Exception as error:  # torch.load raises any exception for a damaged file
                reasons.append(f"{path.name}: {_reason(error)}")
                continue
            for reason in reasons:
                _log.warning("%s cannot be read; resuming from step %d", reason, state.step)
            return state
        if reasons:
            raise TrainingError(
                f"no readable training state in '{folder}' ({reasons[0]}); start the run again without --resume"
            )
        return None


def _reason(error: Exception) -> str:
    """The reason for messages; names the object that the safe unpickler refused, which is late in torch's message."""
    text = " ".join(str(error).split()) or type(error).__name__
    refused = re.search(r"GLOBAL (\S+)", text)
    return f"it holds an object that is not allowed, {refused[1]}" if refused else text[:200]
