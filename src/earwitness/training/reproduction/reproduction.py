"""Runs the stages of a reproduction, and records those that are done with a fingerprint of their inputs."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from earwitness.core.errors import TrainingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.training.reproduction.reproduction_job import ReproductionJob
from earwitness.training.reproduction.stages import stages

STATE_NAME: Final = "reproduction.json"


def reproduce(job: ReproductionJob, say: Callable[[str], None] = print) -> None:
    """Run every stage whose inputs differ from those of its last complete run.

    Args:
        job: what to reproduce.
        say: called with progress messages.

    Raises:
        EarwitnessError: as the stages.
        TrainingError: the record of finished stages is damaged.
    """
    state = _read_state(job.out / STATE_NAME)
    made, changed = stages(job, say), False
    for number, stage in enumerate(made, start=1):
        head = f"stage {number}/{len(made)}, {stage.name}"
        done = state.get(stage.name, {}).get("fingerprint")
        if not changed and done == _fingerprint(stage.inputs()) and stage.results():
            say(f"{head}: finished already")
            continue
        changed = True  # those after it use its results
        say(f"{head}: {stage.what}")
        begun = time.monotonic()
        stage.run()
        state[stage.name] = {
            "fingerprint": _fingerprint(stage.inputs()),
            "seconds": round(time.monotonic() - begun, 1),
        }
        with atomic_file(job.out / STATE_NAME) as temporary:
            temporary.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")


def _fingerprint(inputs: Any) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _read_state(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    state = read_json(path, CARD_BYTES, TrainingError)
    if not isinstance(state, dict) or not all(isinstance(entry, dict) for entry in state.values()):
        raise TrainingError(f"{path}: damaged; delete it, finished runs and embeddings are kept")
    return state
