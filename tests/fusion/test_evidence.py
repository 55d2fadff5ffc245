from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.fusion.evidence import gather, sounding_frames
from earwitness.fusion.fusion_settings import (
    FusionSettings,
    KindWeights,
)
from earwitness.fusion.posterior import log_odds
from earwitness.vision.tracking.candidates import Candidate

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


def test_what_reaches_the_pictures_edge_says_so() -> None:
    (event,) = heard(20.0).events()
    sounds = sounding_frames(heard(20.0), MALE, FRAMES)
    evidence = gather(event, [seen(20.0, row=0.5), seen(20.0, row=0.9), seen(20.0, row=-0.1)], sounds, 5)
    # A mouth may be in the picture of somebody whose feet are not.
    np.testing.assert_allclose(evidence.framing, [(0.25, 0, 0), (0.1, 0, 0), (-0.1, 1, 0)], atol=1e-6)
    things = [seen(20.0, "motion", row=0.9), seen(20.0, "motion", row=-0.1)]
    np.testing.assert_allclose(gather(event, things, sounds, 5).framing, [(0.1, 0, 1), (-0.1, 1, 0)], atol=1e-6)


def test_evidence_of_motion_compares_with_the_silence_around() -> None:
    table = heard(20.0)
    (event,) = table.events()
    sounds = sounding_frames(table, MALE, FRAMES)
    in_step, always = seen(20.0, moving=range(5, 25)), seen(20.0, moving=range(30))
    evidence = gather(event, [in_step, always, seen(20.0, "music")], sounds, 5)
    assert len(evidence.candidates) == 2
    np.testing.assert_allclose(evidence.motion, 1)
    # Of ten silent frames and five usual ones, in a quarter of which things move.
    np.testing.assert_allclose(evidence.contrast, [1 - 1.25 / 15, 1 - 11.25 / 15])
    np.testing.assert_allclose(evidence.offset, 0)
    assert log_odds(evidence, MALE, SETTINGS)[0, 0] == pytest.approx(
        log_odds(evidence, MALE, SETTINGS)[1, 0] + 2.0 * 10 / 15
    )


def test_the_angle_is_averaged_over_a_window() -> None:
    wobbling = heard(0.0).with_columns(azimuth=np.where(np.arange(20) % 2, 25.0, 15.0))
    (event,) = wobbling.events()
    evidence = gather(event, [seen(20.0)], sounding_frames(wobbling, MALE, FRAMES), 5)
    assert np.abs(evidence.offset).max() < 1.7
