from __future__ import annotations

import numpy as np
import pytest

from drawings import SCALE, changes, drawn
from earwitness.scenes.pictures.objects.drawn_object import SILENT
from earwitness.scenes.pictures.objects.instruments import INSTRUMENTS, PLAYERS

BY_NAME = {one.name: one for one in (*INSTRUMENTS, *PLAYERS)}


@pytest.mark.parametrize(("name", "highest", "lowest"), [("guitar", 0.2, 0.75), ("keyboard", 0.0, 0.3)])
def test_only_strings_and_keys_move(name: str, highest: float, lowest: float) -> None:
    one = BY_NAME[name]
    for phase in range(one.phases):
        rows = np.nonzero(changes(one, phase))[0] / round(one.height * SCALE)
        assert highest <= rows.min() <= rows.max() <= lowest


def test_both_cymbals_are_struck_in_turn() -> None:
    kit = BY_NAME["drum kit"]
    middles = [np.nonzero(changes(kit, phase))[1].mean() / round(kit.width * SCALE) for phase in range(kit.phases)]
    assert min(middles) < 0.3
    assert max(middles) > 0.7


@pytest.mark.parametrize("name", ["loudspeaker", "radio"])
def test_the_housing_of_players_keeps_its_outline(name: str) -> None:
    player = BY_NAME[name]
    outline = drawn(player, SILENT)[..., 3] > 128
    assert all(np.array_equal(drawn(player, phase)[..., 3] > 128, outline) for phase in range(player.phases))


def test_a_television_shows_pictures_only_while_it_sounds() -> None:
    television = BY_NAME["television"]
    rows, columns = (slice(round(0.2 * n), round(0.8 * n)) for n in drawn(television, SILENT).shape[:2])
    screens = [drawn(television, phase)[rows, columns, :3].astype(int) for phase in (SILENT, *range(television.phases))]
    assert screens[0].std() < 0.6 * min(screen.std() for screen in screens[1:])
    assert len({screen.tobytes() for screen in screens}) == television.phases + 1
