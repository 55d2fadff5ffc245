from __future__ import annotations

import numpy as np

from earwitness.scenes.event_activity import bridge, sound_frames


def test_short_pauses_are_bridged_and_long_ones_are_not() -> None:
    active = np.zeros(30, bool)
    active[[2, 6, 20]] = True
    assert np.flatnonzero(bridge(active, 3)).tolist() == [2, 3, 4, 5, 6, 20]
    assert bridge(active, 2).sum() == 3
    assert not bridge(np.zeros(5, bool), 3).any()


def test_a_quarter_of_a_frame_is_enough_for_a_label() -> None:
    blocks = np.zeros(40, bool)
    blocks[:3] = True  # 30 ms of the first frame
    blocks[10:12] = True  # 20 ms of the second
    assert sound_frames(blocks, 0.0, 0.4).tolist() == [True, False, False, False]


def test_events_are_clipped_to_the_scene() -> None:
    blocks = np.ones(20, bool)
    assert sound_frames(blocks, -0.1, 0.3).tolist() == [True, False, False]
    assert sound_frames(blocks, 0.2, 0.3).tolist() == [False, False, True]
    assert not sound_frames(blocks, -5.0, 0.3).any()
