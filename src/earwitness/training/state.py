"""All that a run needs to go on exactly where it was: saved atomically, the last two kept."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from earwitness.errors import TrainingError, first_line

KEPT: Final = 2
_log = logging.getLogger(__name__)


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
        partial = path.with_suffix(".tmp")
        try:
            with partial.open("wb") as file:
                torch.save({name: getattr(self, name) for name in self.__dataclass_fields__}, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except (OSError, RuntimeError) as error:  # torch's own for a full disk
            partial.unlink(missing_ok=True)
            raise TrainingError(
                f"{path}: cannot be written ({first_line(error)}); make space, and go on with --resume"
            ) from error
        for old in sorted(folder.glob("state-*.pt"))[:-KEPT]:
            old.unlink()

    @classmethod
    def latest(cls, folder: Path) -> TrainingState | None:
        """The newest readable state in `folder`; None where there is none.

        Raises:
            TrainingError: there are states, but none can be read.
        """
        reasons = []
        for path in sorted(folder.glob("state-*.pt"), reverse=True):
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
