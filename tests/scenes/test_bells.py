from __future__ import annotations

import numpy as np

from drawings import changes, drawn, near
from earwitness.scenes.pictures.objects.bells import BELLS, TELEPHONES
from earwitness.scenes.pictures.objects.drawn_object import BRASS, SILENT, DrawnObject

BY_NAME = {one.name: one for one in (*BELLS, *TELEPHONES)}


def brass(one: DrawnObject, phase: int) -> float:
    """Mean column of its brass, in pixels from the middle."""
    picture = drawn(one, phase)
    return float(np.nonzero(near(picture, BRASS, 45))[1].mean() - picture.shape[1] / 2)


def test_a_hanging_bell_swings_to_both_sides_and_its_frame_stays() -> None:
    bell = BY_NAME["hanging bell"]
    rest = brass(bell, SILENT)
    swings = [brass(bell, phase) - rest for phase in range(bell.phases)]
    assert max(swings) > 3
    assert min(swings) < -3
    changed = np.any([changes(bell, phase) for phase in range(bell.phases)], axis=0)
    assert not changed[round(0.8 * changed.shape[0]) :].any()


def test_the_button_of_a_desk_bell_goes_down_and_comes_up_again() -> None:
    bell = BY_NAME["desk bell"]
    tops = [int(np.nonzero(drawn(bell, phase)[..., 3] > 128)[0].min()) for phase in (SILENT, *range(bell.phases))]
    assert max(tops) > tops[0]
    assert min(tops) == tops[0]


def test_a_hand_bell_leans_back_and_forth() -> None:
    bell = BY_NAME["hand bell"]
    sides = [brass(bell, phase) for phase in range(bell.phases)]
    assert max(sides) - min(sides) > 1.5


def test_telephones_stay_in_their_place_but_their_receivers_shake() -> None:
    for name in ("desk phone", "dial phone"):
        phone = BY_NAME[name]
        changed = np.any([changes(phone, phase) for phase in range(phone.phases)], axis=0)
        assert changed[: changed.shape[0] // 2].any()
        assert not changed[round(0.75 * changed.shape[0]) :].any()


def test_the_screen_of_a_mobile_phone_lights_up() -> None:
    mobile = BY_NAME["mobile phone"]
    silent, ringing = (drawn(mobile, phase).astype(int) for phase in (SILENT, 0))
    screen = (slice(4, 12), slice(3, 7))
    assert ringing[screen][..., 2].mean() > silent[screen][..., 2].mean() + 30
