from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earwitness.detect.detector import Detector
from earwitness.doctor.channel_stats import ChannelStats
from earwitness.doctor.dc_offset import OffsetRemover
from earwitness.doctor.diagnosis import judge
from recordings import RATE, Stereo, honest

Burst = Callable[..., NDArray[np.float32]]


def cleaned(stereo: Stereo, block: int = RATE) -> tuple[Stereo, OffsetRemover]:
    remover = OffsetRemover(RATE)
    parts = [remover.clean(stereo[:, begin : begin + block]) for begin in range(0, stereo.shape[1], block)]
    return np.concatenate(parts, axis=1), remover


@given(st.integers(1, 3 * RATE), st.floats(0, 1))
@settings(deadline=None, max_examples=15)
def test_sound_without_offset_goes_through_as_it_is(block: int, level: float) -> None:
    sound = (np.float32(level) * honest(3.0)).astype(np.float32)
    remover = OffsetRemover(RATE)
    for begin in range(0, sound.shape[1], block):
        part = sound[:, begin : begin + block]
        assert remover.clean(part) is part
    assert remover.largest == 0


def test_low_sounds_are_no_offset() -> None:
    times = np.arange(6 * RATE) / RATE
    for hertz in (0.7, 2.0, 8.0, 31.0):
        tone = (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)
        assert cleaned(np.stack([tone, tone]))[1].largest == 0, hertz


@pytest.mark.parametrize("offset", [(0.1, 0.1), (0.0, 0.02), (-0.3, 0.005)])
def test_an_offset_is_taken_out(offset: tuple[float, float]) -> None:
    sound = honest(6.0)
    clean, remover = cleaned((sound + np.array(offset)[:, None]).astype(np.float32))
    assert remover.largest == pytest.approx(max(map(abs, offset)), abs=1e-3)
    assert np.abs(clean - sound).max() < 1e-3


def test_an_offset_that_begins_and_ends(  # an edited file
) -> None:
    sound = honest(9.0)
    offset = np.zeros(9 * RATE, np.float32)
    offset[3 * RATE : 6 * RATE] = 0.1
    clean, _ = cleaned(sound + offset)
    for second in (1, 4, 8):
        part = slice(second * RATE, (second + 1) * RATE)
        assert np.abs(clean[:, part] - sound[:, part]).max() < 2e-3


def test_events_are_those_without_the_offset(meter_model: Path, make_burst: Burst) -> None:
    sound = make_burst(6, (0.5, 2.5, 40), (3.5, 5.5, -30))
    detector = Detector.load(meter_model, vision=None)
    plain, shifted = detector.detect_array(sound, RATE), detector.detect_array(sound + np.float32(0.1), RATE)
    assert [(event.start, event.end) for event in shifted.events] == [
        (event.start, event.end) for event in plain.events
    ]
    np.testing.assert_allclose(shifted.table.azimuth, plain.table.azimuth, atol=0.5)
    assert any("constant offset" in warning for warning in shifted.warnings)
    assert not any("constant offset" in warning for warning in plain.warnings)


def test_the_doctor_names_it() -> None:
    stats = ChannelStats(RATE)
    stats.add((honest() + 0.05).astype(np.float32))
    (found,) = [check for check in judge(stats.figures()) if check.name == "offset"]
    assert found.verdict == "caution"
    assert "0.050" in found.sentence
