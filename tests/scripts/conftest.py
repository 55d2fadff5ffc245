"""Clips whose answers are known, and the scripts of the fusion as modules."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.vision.candidates import Candidate

SCRIPTS = Path(__file__).parents[2] / "scripts"
FUSION = ("measure_fusion", "choose_fusion", "fit_fusion", "explain_fusion")
FRAMES, MALE, MUSIC = 20, 1, 8


@pytest.fixture
def load_script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Import a script by its name; afterwards it, and the scripts that it imports, are forgotten."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module
    for path in SCRIPTS.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def fusion_scripts(load_script: Callable[[str], ModuleType]) -> dict[str, ModuleType]:
    """The scripts of the fusion as modules, by name."""
    return {name: load_script(name) for name in FUSION}


def sounding(azimuth: float, onscreen: bool, class_index: int = MALE) -> EventTable:
    return EventTable.from_columns(
        frame=list(range(5, 15)), class_index=class_index, azimuth=azimuth, distance=2.0, onscreen=onscreen, score=0.7,
        num_frames=FRAMES,
    )  # fmt: skip


def person(azimuth: float) -> Candidate:
    motion = np.zeros(FRAMES, np.float32)
    motion[5:15] = 0.6
    return Candidate(
        0, "person", 0, np.full((13, FRAMES), azimuth, np.float32), np.full((13, FRAMES), 0.5, np.float32),
        np.tile(np.float32([0.2, 0.8]), (FRAMES, 1)), np.tile(np.float32([10, 10, 20, 60]), (FRAMES, 1)),
        np.full(FRAMES, 6, np.float32), np.full((13, FRAMES), np.nan, np.float32), motion, 0.8, 6,
    )  # fmt: skip
