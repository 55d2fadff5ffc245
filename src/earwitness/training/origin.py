"""Which code trained a model: written down when a run begins, for it may be exported by later code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from earwitness.media.atomic import atomic_file
from earwitness.provenance import commit

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
