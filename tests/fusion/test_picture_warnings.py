from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.fusion.fuse import fuse_long
from earwitness.fusion.fusion_settings import FusionSettings, KindWeights
from earwitness.fusion.picture_warnings import picture_warnings
from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.observe import Observation
from earwitness.vision.shots import Shot
from earwitness.vision.tracking.candidate_index import CandidateIndex

WEIGHTS = KindWeights(bias=(0.0,) * 13)
SETTINGS = FusionSettings(
    sigma_deg=(8.0,) * 13,
    kinds={"person": WEIGHTS, "motion": WEIGHTS, "thing": WEIGHTS},
    unseen_on=(0.1,) * 13,
    unseen_off=(0.1,) * 13,
)


def warnings(side: float, fov: float = 100.0, size: tuple[int, int] = (320, 180), *stops: int) -> list[str]:
    """Three events of a man heard at +-30 degrees, while one stands 30 degrees to the left in the picture."""
    width, height = size
    column = width / 2 - width / 2 / np.tan(np.radians(fov / 2)) * np.tan(np.radians(30))
    seen = Boxes.of([[column - 15, 20, column + 15, 160]], [0.9], PERSON)
    looks = np.arange(0, 120, 5)
    bounds = [0, *stops, 120]
    shots = tuple(Shot(a, b, (0, 0, width, height)) for a, b in pairwise(bounds))
    motion = np.zeros((120, ROWS, COLUMNS), np.uint8)
    observation = Observation(width, height, (0, 0, width, height), looks, (seen,) * len(looks), motion, (), shots)
    frame = np.array([f for f in range(120) if f % 40 < 30], np.int32)
    table = EventTable.from_columns(
        frame=frame, class_index=1, source=0, azimuth=30 * side, distance=2.0, onscreen=True, score=0.9, num_frames=120
    )
    candidate_index = CandidateIndex(observation, fov)
    fused: Any = fuse_long(table, candidate_index, fov, SETTINGS)
    return list(picture_warnings(table, fused, candidate_index, observation, fov, SETTINGS))


def test_sound_and_picture_that_fit_need_no_warning() -> None:
    assert warnings(1) == []


def test_exchanged_channels_are_told_by_the_picture() -> None:
    (said,) = warnings(-1)
    assert "--swap-channels" in said


def test_an_upright_picture_and_the_default_view() -> None:
    assert any("--fov" in said for said in warnings(1, 100.0, (180, 320)))
    assert warnings(1, 70.0, (180, 320)) == []


def test_shots_are_counted() -> None:
    assert any("the video has 3 shots" in said for said in warnings(1, 100.0, (320, 180), 40, 80))


@pytest.mark.parametrize("azimuth", [2.0, 80.0])
def test_what_is_ahead_or_beyond_the_picture_says_nothing_of_sides(azimuth: float) -> None:
    assert not any("--swap-channels" in said for said in warnings(-azimuth / 30))
