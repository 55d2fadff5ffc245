"""Settings, candidates and events of three seconds for tests of fusion."""

from __future__ import annotations

import numpy as np

from earwitness.core.events import EventTable
from earwitness.fusion.fusion_settings import (
    FusionSettings,
    KindWeights,
)
from earwitness.vision.candidates import Candidate

FRAMES = 30

MALE, MUSIC = 1, 8

PERSON_WEIGHTS = KindWeights(bias=(-1.0,) * 13, motion=(1.0,) * 13, contrast=(2.0,) * 13, score=0.3, sigma_deg=2.0)

SETTINGS = FusionSettings(
    sigma_deg=(8.0,) * 13,
    kinds={"person": PERSON_WEIGHTS, "motion": PERSON_WEIGHTS, "thing": PERSON_WEIGHTS},
    unseen_on=(0.3,) * 13,
    unseen_off=(0.1,) * 13,
)


def seen(
    azimuth: float,
    label: str = "person",
    number: int = 0,
    moving: range = range(0),
    frames: int = FRAMES,
    row: float = 0.5,
    distance: float = np.nan,
) -> Candidate:
    motion = np.zeros(frames, np.float32)
    motion[list(moving)] = 0.5
    return Candidate(
        number, label, 0, np.full((13, frames), azimuth, np.float32), np.full((13, frames), row, np.float32),
        np.tile(np.float32([max(row - 0.3, 0), min(row + 0.3, 1)]), (frames, 1)),
        np.tile(np.float32([10, 10, 20, 60]), (frames, 1)),
        np.full(frames, 6, np.float32), np.full((13, frames), distance, np.float32), motion, 0.8, 6,
    )  # fmt: skip


def heard(azimuth: float, class_index: int = MALE, onscreen: bool = False, frames: range = range(5, 25)) -> EventTable:
    return EventTable.from_columns(
        frame=list(frames), class_index=class_index, azimuth=azimuth, distance=2.0, onscreen=onscreen, score=0.7,
        num_frames=FRAMES,
    )  # fmt: skip
