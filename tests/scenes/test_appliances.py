from __future__ import annotations

import numpy as np
import pytest

from drawings import changes, drawn
from earwitness.scenes.pictures.objects.appliances import APPLIANCES, TAPS
from earwitness.scenes.pictures.objects.drawn_object import SILENT, DrawnObject

BY_NAME = {one.name: one for one in (*APPLIANCES, *TAPS)}


def bluish(picture: np.ndarray) -> int:
    """Number of pixels that are clearly more blue than red: water."""
    return int(((picture[..., 2].astype(int) - picture[..., 0] > 15) & (picture[..., 3] > 60)).sum())


@pytest.mark.parametrize("tap", TAPS, ids=lambda one: one.name)
def test_water_flows_below_the_spout_only_while_the_tap_sounds(tap: DrawnObject) -> None:
    water = [bluish(drawn(tap, phase)) - bluish(drawn(tap, SILENT)) for phase in range(tap.phases)]
    assert min(water) > 20
    assert len(set(water)) > 1


def test_the_drum_turns_and_the_housing_of_a_washing_machine_stays() -> None:
    machine = BY_NAME["washing machine"]
    changed = np.any([changes(machine, phase) for phase in range(machine.phases)], axis=0)
    height = changed.shape[0]
    assert changed[round(0.3 * height) : round(0.75 * height)].any()
    assert not changed[round(0.85 * height) :].any()
    outline = drawn(machine, SILENT)[..., 3] > 128
    assert all(np.array_equal(drawn(machine, phase)[..., 3] > 128, outline) for phase in range(machine.phases))


def test_steam_leaves_the_spout_of_a_boiling_kettle() -> None:
    kettle = BY_NAME["kettle"]
    for phase in range(kettle.phases):
        rows, columns = np.nonzero(changes(kettle, phase))
        assert columns.mean() < 0.2 * round(64 * kettle.width)  # the spout is on the left
        assert rows.min() < 0.15 * round(64 * kettle.height)


def test_the_blades_of_a_fan_turn_and_its_foot_stays() -> None:
    fan = BY_NAME["fan"]
    changed = np.any([changes(fan, phase) for phase in range(fan.phases)], axis=0)
    assert changed[: changed.shape[0] // 2].mean() > 0.3
    assert not changed[round(0.75 * changed.shape[0]) :].any()
