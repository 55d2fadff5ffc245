from __future__ import annotations

import numpy as np

from drawings import changes, drawn, near
from earwitness.scenes.pictures.objects.doors import DOORS
from earwitness.scenes.pictures.objects.drawn_object import SILENT

BY_NAME = {one.name: one for one in DOORS}
DARK = (44, 46, 54)
"""What is behind an open door."""


def test_a_door_opens_and_closes_again() -> None:
    door = BY_NAME["door"]
    behind = [int(near(drawn(door, phase), DARK, 12).sum()) for phase in range(door.phases)]
    assert near(drawn(door, SILENT), DARK, 12).sum() == 0
    assert 0 < behind[0] < behind[1] < behind[2]
    assert behind[3] == behind[1]


def test_one_wing_of_a_wardrobe_opens() -> None:
    wardrobe = BY_NAME["wardrobe"]
    changed = np.any([changes(wardrobe, phase) for phase in range(wardrobe.phases)], axis=0)
    middle = changed.shape[1] // 2
    assert changed[:, middle:].mean() > 3 * changed[:, :middle].mean()


def test_a_visitor_stands_beside_the_door_and_moves_one_arm_only() -> None:
    knocked = BY_NAME["knocked door"]
    silent = drawn(knocked, SILENT)
    for phase in range(knocked.phases):
        changed = changes(knocked, phase)
        rows, columns = np.nonzero(changed)
        assert 0.2 * len(silent) < rows.min() < rows.max() < 0.7 * len(silent)
        assert columns.mean() > 0.6 * silent.shape[1]
    fists = [changes(knocked, phase) for phase in range(knocked.phases)]
    lefts = [int(np.nonzero(fist)[1].min()) for fist in fists]
    assert max(lefts[0], lefts[2]) <= min(lefts[1], lefts[3])  # at the door in every other phase
