"""Helpers of tests on a benchmark set with few clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

CLIPS = 4


class Place(NamedTuple):
    """A bank, a set made from it with a random seed, and the cache of its rooms."""

    bank: Path
    made: Path
    said: str


def values_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(values_of(path) | changes))
