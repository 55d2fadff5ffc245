from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.detect.detector import Detector
from earwitness.doctor.channel_stats import ChannelStats
from earwitness.doctor.diagnosis import judge
from earwitness.doctor.stereo_stretches import below
from earwitness.media.timeline import Stretch
from recordings import RATE, Stereo, honest, inverted, late, mono, part, silenced

Burst = Callable[..., NDArray[np.float32]]


def stretches(stereo: Stereo) -> list[Stretch]:
    stats = ChannelStats(RATE)
    for begin in range(0, stereo.shape[1], RATE):
        stats.add(stereo[:, begin : begin + RATE])
    return stats.stretches()


@pytest.mark.parametrize("azimuths", [(50, 10, -40), (0,), (70,), (20, -20)])
def test_honest_stereo_has_none(azimuths: tuple[float, ...]) -> None:
    assert stretches(honest(azimuths=azimuths)) == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (mono, "the same sound on both channels"),
        (inverted, "one channel is inverted"),
        (silenced, "the right channel is silent"),
        (lambda stereo: silenced(stereo)[::-1], "the left channel is silent"),
        (late(0.02), "the right channel lags by 20 ms"),
        (late(0.3), "the right channel lags by 300 ms"),
    ],
)
@pytest.mark.parametrize(("start", "end"), [(6.0, 12.0), (0.0, 5.0), (4.0, 9.0)])
def test_a_part_without_direction(fault: Callable[[Stereo], Stereo], reason: str, start: float, end: float) -> None:
    (found,) = stretches(part(fault, honest(), start, end))
    assert found.reason == reason
    assert found.start == pytest.approx(start, abs=1.3)
    if end == 12:
        assert math.isinf(found.end)
    else:
        assert found.end == pytest.approx(end, abs=1.3)


def test_all_of_it(  # a file that is wrong throughout has no direction anywhere
) -> None:
    for fault in (mono, inverted, silenced):
        (found,) = stretches(fault(honest()))
        assert (found.start, found.end) == (0.0, math.inf)


def test_silence_has_no_direction_to_lose() -> None:
    assert stretches(np.zeros((2, 4 * RATE), np.float32)) == []
    assert stretches(np.zeros((2, 0), np.float32)) == []
    quiet = honest()
    quiet[:, 4 * RATE : 8 * RATE] = 0
    assert stretches(quiet) == []


def test_the_doctor_says_when(make_burst: Burst) -> None:
    stats = ChannelStats(RATE)
    stats.add(part(mono, honest(), 6.0, 12.0))
    found = {check.name: check for check in judge(stats.figures(), stretches=stats.stretches())}["stretches"]
    assert found.verdict == "unfit"
    assert found.sentence.startswith("No direction from 5.")
    stats = ChannelStats(RATE)
    stats.add(part(mono, honest(24.0), 20.0, 23.0))
    found = {check.name: check for check in judge(stats.figures(), stretches=stats.stretches())}["stretches"]
    assert found.verdict == "caution"


def test_events_lose_their_direction_where_the_sound_has_none(meter_model: Path, make_burst: Burst) -> None:
    sound = make_burst(8, (0.5, 7.5, 40))
    half = part(mono, sound, 4.0, 8.0)
    result = Detector.load(meter_model, vision=None).detect_array(half, RATE)
    table = result.table
    assert table.azimuth[table.frame < 38] == pytest.approx(40, abs=3)
    assert np.isnan(table.azimuth[table.frame > 43]).all()
    assert any("no direction from 4." in warning for warning in result.warnings)


def test_hysteresis() -> None:
    values = np.array([5, -1, -1, -3, -1, 5, -1, 5, -4], float)
    assert below(values, (-2, 0)) == [(1, 5), (8, 9)]
    assert below(values[:0], (-2, 0)) == []
