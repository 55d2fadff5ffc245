from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.detect.any_sound.steering import LONGEST_SECONDS, steered, steered_events

RATE = 24_000


def panned(sound: NDArray[np.floating], azimuth: float) -> NDArray[np.float32]:
    side = np.sin(np.radians(azimuth))
    return np.stack([(1 + side) * sound, (1 - side) * sound]).astype(np.float32)


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.floating]:
    return 0.2 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def level(sound: NDArray[np.floating], hertz: float) -> float:
    return float(np.abs(np.vdot(np.exp(2j * np.pi * hertz * np.arange(sound.size) / RATE), sound)) * 2 / sound.size)


@pytest.mark.parametrize(("ours", "theirs"), [(40, -30), (-80, 10), (0, 90)])
def test_what_comes_from_elsewhere_is_attenuated(ours: float, theirs: float) -> None:
    stereo = panned(tone(500), ours) + panned(tone(3000), theirs)
    sound = steered(stereo, np.full(10, ours, np.float32), RATE)
    assert sound.shape == (RATE,)
    assert level(sound, 500) == pytest.approx(0.2, rel=0.1)
    assert level(sound, 3000) < 0.04


def test_without_direction_nothing_changes() -> None:
    stereo = panned(tone(500), 40) + panned(tone(3000), -30)
    sound = steered(stereo, np.full(10, np.nan, np.float32), RATE)
    np.testing.assert_allclose(sound, stereo.mean(axis=0), atol=1e-5)


def test_silence_and_single_samples_are_no_problem() -> None:
    assert not steered(np.zeros((2, 1), np.float32), np.zeros(1, np.float32), RATE).any()
    assert np.isfinite(steered(np.zeros((2, 5000), np.float32), np.zeros(3, np.float32), RATE)).all()


def test_events_get_their_own_sound_however_the_recording_is_cut() -> None:
    recording = np.concatenate([panned(tone(500, 12), 40), panned(tone(3000, 3), -30)], axis=1)
    frames = [*range(5, 110), *range(125, 140), *range(300, 310)]
    index = [0] * 105 + [1] * 15 + [2] * 10
    events = EventTable.from_columns(
        frame=frames, class_index=index, azimuth=[40] * 105 + [-30] * 25, distance=1, num_frames=310
    ).events()
    whole = dict(steered_events(events, lambda: [recording], RATE))
    blocks = [recording[:, begin : begin + 7777] for begin in range(0, recording.shape[1], 7777)]
    cut = dict(steered_events(events, lambda: blocks, RATE))
    assert sorted(whole) == sorted(cut) == [0, 1]  # the third lies beyond the end
    for number, sound in whole.items():
        np.testing.assert_allclose(cut[number], sound, atol=1e-6)
    assert whole[0].size == round((LONGEST_SECONDS + 0.2) * RATE)
    assert level(whole[0], 500) > 0.15
    assert level(whole[1], 3000) > 0.15


def test_only_what_overlaps_is_steered() -> None:
    recording = panned(tone(500, 3), 40) + panned(tone(3000, 3), -30)
    columns = {"azimuth": [40] * 10 + [-30] * 10, "distance": 1, "num_frames": 30}
    alone = EventTable.from_columns(frame=[*range(10), *range(15, 25)], class_index=[0] * 10 + [1] * 10, **columns)
    both = EventTable.from_columns(frame=[*range(10), *range(10)], class_index=[0] * 10 + [1] * 10, **columns)
    loud = dict(steered_events(alone.events(), lambda: [recording], RATE))[0]
    soft = dict(steered_events(both.events(), lambda: [recording], RATE))[0]
    assert level(loud, 3000) > 0.15
    assert level(soft[: RATE // 2], 3000) < 0.05
