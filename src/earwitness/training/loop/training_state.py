"""All that a run needs to go on exactly where it was: saved atomically, the last two kept.

Which code trained a model: written down when a run begins, for it may be exported by later code.

Going on with a run: only with the recipe and the embeddings that it began with.
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
from earwitness.training.recipe import Recipe, load_recipe

COMMIT_NAME: Final = "commit"


def write_commit(run: Path) -> None:
    """Note in the run's folder what code it begins with."""
    with atomic_file(run / COMMIT_NAME) as temporary:
        temporary.write_text(commit() + "\n", encoding="utf-8")


def trained_by(run: Path) -> str:
    """Commit of the code that began the run; of the present code for runs that have no note of it."""
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
                    "tensorboard", "init_from")
    ]
)  # fmt: skip
"""Settings that may change on the way: they say where things are and how the machine is used, not what is learnt."""


def note_start(folder: Path, recipe: Recipe, tokens: Mapping[str, StoreDescription]) -> None:
    """Write what the run begins with into its folder."""
    with atomic_file(folder / RECIPE_NAME) as temporary:
        temporary.write_text(recipe.dump(), encoding="utf-8")
    if tokens:
        plain = {name: description.model_dump(mode="json") for name, description in tokens.items()}
        with atomic_file(folder / TOKENS_NAME) as temporary:
            temporary.write_text(json.dumps(plain, indent=1), encoding="utf-8")
    else:
        (folder / TOKENS_NAME).unlink(missing_ok=True)  # of a run that began here and ended before it saved anything


def read_tokens(folder: Path) -> dict[str, StoreDescription]:
    """What the tokens of a run's modalities were made with; empty for a run without.

    Raises:
        TrainingError: the note is damaged.
    """
    path = folder / TOKENS_NAME
    if not path.is_file():
        return {}
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        return {name: StoreDescription.model_validate(values) for name, values in plain.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise TrainingError(f"{path}: damaged; train the run anew") from error


def check_same_run(folder: Path, recipe: Recipe, tokens: Mapping[str, StoreDescription]) -> None:
    """Refuse to resume what would not be the same run.

    The schedule spans run.steps and all draws come from the seeds: with others, the second half would not follow from
    the first.

    Raises:
        TrainingError: says what differs.
    """
    path = folder / RECIPE_NAME
    if path.is_file():
        began, now = (_flat(one.model_dump(mode="json")) for one in (load_recipe(path), recipe))
        changed = [
            f"{key} was {began.get(key)} and is {now.get(key)}"
            for key in sorted(began.keys() | now.keys())
            if began.get(key) != now.get(key) and key not in _FREE
        ]
        if changed:
            raise TrainingError(
                f"the run in '{folder}' has another recipe: {'; '.join(changed[:4])}. --resume goes on with what a run "
                "began with; to go on otherwise, start a new run with --set run.init_from={folder}".format(
                    folder=folder
                )
            )
    for name, description in read_tokens(folder).items():
        if name in tokens and tokens[name] != description:
            raise TrainingError(
                f"the run in '{folder}' learnt from '{name}' tokens of other weights or settings: they were made with "
                f"{description}, and those of the folders now with {tokens[name]}"
            )


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


KEPT: Final = 2
STATES: Final = "state-*.pt"
_log = logging.getLogger(__name__)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Whatever cannot be written within ends the run; what it has saved says how to go on.

    Raises:
        TrainingError: something cannot be written.
    """
    try:
        yield
    except EncodingError as error:
        saved = any(folder.glob(STATES))
        then = "then go on with --resume" if saved else "then start it again: no training state was saved yet"
        raise TrainingError(f"{error}, {then}") from error


@dataclass(frozen=True, slots=True)
class TrainingState:
    """State after `step` optimizer steps.

    Learning rate, dropout and augmentation follow from the step and the recipe's seed; nothing else is random.
    """

    step: int
    best: float
    model: dict[str, Any]
    ema: dict[str, Any]
    optimizer: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write `state-<step>.pt`, then drop older ones.

        Raises:
            TrainingError: it cannot be written.
        """
        path = folder / f"state-{self.step:08d}.pt"
        with saving(folder), atomic_file(path) as temporary, temporary.open("wb") as file:
            try:
                torch.save({name: getattr(self, name) for name in self.__dataclass_fields__}, file)
            except RuntimeError as error:  # torch's own for a full disk
                raise OSError(ENOSPC, first_line(error)) from None
            file.flush()
            os.fsync(file.fileno())
        for old in sorted(folder.glob(STATES))[:-KEPT]:
            old.unlink()

    @classmethod
    def latest(cls, folder: Path) -> TrainingState | None:
        """The newest readable state in `folder`; None where there is none.

        Raises:
            TrainingError: there are states, but none can be read.
        """
        reasons = []
        for path in sorted(folder.glob(STATES), reverse=True):
            try:
                state = cls(**torch.load(path, map_location="cpu", weights_only=True))
            except Exception as error:  # of a damaged file torch.load raises whatever its pickle runs into
                reasons.append(f"{path.name}: {_reason(error)}")
                continue
            for reason in reasons:
                _log.warning("%s cannot be used, so that the run goes on from step %d", reason, state.step)
            return state
        if reasons:
            raise TrainingError(
                f"no readable training state in '{folder}' ({reasons[0]}); start the run anew without --resume"
            )
        return None


def _reason(error: Exception) -> str:
    """What is wrong, and what the safe unpickler refused, which stands far back in its message."""
    text = " ".join(str(error).split()) or type(error).__name__
    refused = re.search(r"GLOBAL (\S+)", text)
    return f"it holds more than tensors, and what it asks for, {refused[1]}, is refused" if refused else text[:200]
