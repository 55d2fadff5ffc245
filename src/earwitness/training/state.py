"""All that a run needs to go on exactly where it was: saved atomically, the last two kept."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final

import torch

from earwitness.errors import EncodingError, TrainingError, first_line
from earwitness.media.atomic import atomic_file

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
