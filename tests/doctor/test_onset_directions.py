from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve

import recordings
from earwitness import Detector
from earwitness.doctor.channel_stats import ChannelStats
from earwitness.doctor.diagnosis import Check, in_the_middle, judge, warnings_of
from earwitness.doctor.onset_directions import OnsetDirections, OnsetFigures

RATE = recordings.RATE
Stereo = NDArray[np.float32]


def bursts(seconds: float = 12.0, rate: int = RATE) -> NDArray[np.float64]:
    """Noise that starts twice a second and decays."""
    times = np.arange(round(seconds * rate)) / rate
    return np.random.default_rng(4).normal(scale=0.1, size=times.size) * np.exp(-12 * (times % 0.5)) + 1e-5


def room(azimuths: tuple[float, ...]) -> Stereo:
    """Bursts from each direction in turn, with four walls, at coincident cardioids that face left and right."""
    dry, rng = bursts(), np.random.default_rng(6)
    w, y = 0.004 * rng.normal(size=dry.size), 0.0023 * rng.normal(size=dry.size)
    turn = (np.arange(dry.size) / RATE / 0.5).astype(int) % len(azimuths)
    for index, azimuth in enumerate(azimuths):
        part = dry * (turn == index)
        w += part
        y += np.sin(np.radians(azimuth)) * part
        for delay, gain, wall in ((0.002, 0.6, 0), (0.006, 0.5, 60), (0.009, 0.5, -70), (0.014, 0.4, 180)):
            late = recordings.later(part, delay + 0.0007 * index)
            w += gain * late
            y += gain * np.sin(np.radians(wall)) * late
    return recordings.pair(w + y, w - y)


def widened(gain: float, decay: float, predelay: float = 0.01, alike: float = 0.0) -> Stereo:
    """Mono bursts with a noise-like reverberation per channel; `alike` is the correlation of the two."""
    dry, rng, count = bursts(), np.random.default_rng(0), round(decay * RATE)
    tails = rng.normal(size=(2, count)) * 10 ** (-3 * np.arange(count) / count)
    tails[1] = alike * tails[0] + math.sqrt(1 - alike**2) * tails[1]
    tails *= gain / np.linalg.norm(tails, axis=1, keepdims=True)
    return recordings.pair(*(dry + recordings.later(fftconvolve(dry, tail)[: dry.size], predelay) for tail in tails))


def measured(stereo: Stereo, rate: int = RATE) -> OnsetFigures:
    collected = OnsetDirections(rate)
    collected.add(stereo)
    return collected.figures()


def checks(stereo: Stereo, rate: int = RATE) -> dict[str, Check]:
    stats = ChannelStats(rate)
    stats.add(stereo)
    return {check.name: check for check in judge(stats.figures())}


@pytest.mark.parametrize("decibels", [-12, -6, 0, 6])
@pytest.mark.parametrize("decay", [0.3, 0.6, 1.2])
def test_mono_with_wide_reverberation_is_named(decibels: float, decay: float) -> None:
    found = checks(widened(10 ** (decibels / 20), decay))
    assert found["effect"].verdict == "unfit"
    assert any("directions cannot be known" in one or "meaningless" in one for one in warnings_of(list(found.values())))


@pytest.mark.parametrize("predelay", [0.0, 0.03])
@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_kinds_of_reverberation(predelay: float, alike: float) -> None:
    assert in_the_middle(measured(widened(1.0, 0.8, predelay, alike)))


@pytest.mark.parametrize("azimuths", [(40, -20), (15,), (-70, 0, 70), (0, 25)])
def test_sources_to_the_side_are_in_no_middle(azimuths: tuple[float, ...]) -> None:
    figures = measured(room(azimuths))
    assert not in_the_middle(figures)
    assert figures.common > 0.3
    assert "effect" not in checks(room(azimuths))


def test_a_single_source_straight_ahead_is_not_refused() -> None:
    found = checks(room((0,)))
    assert found["effect"].verdict == "caution"
    assert "straight ahead" in found["effect"].sentence
    assert all(check.verdict != "unfit" for check in found.values())


def test_mono_speech_over_music_from_the_sides_has_directions() -> None:
    music = 0.3 * room((60, -45))[:, ::-1]
    speech = np.repeat(bursts()[None], 2, axis=0)
    assert "effect" not in checks((speech + music).astype(np.float32))


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_other_rates(rate: int) -> None:
    times = np.arange(12 * rate) / rate
    dry = bursts(12.0, rate)
    left, right = (
        fftconvolve(dry, np.random.default_rng(seed).normal(size=rate // 2) * np.exp(-8 * times[: rate // 2]))
        for seed in (1, 2)
    )
    wide = recordings.pair(dry + 0.02 * left[: dry.size], dry + 0.02 * right[: dry.size])
    assert in_the_middle(measured(wide, rate))
    assert not in_the_middle(measured(recordings.pair(1.3 * dry, 0.7 * dry), rate))


def test_the_figures_do_not_depend_on_the_blocks() -> None:
    sound = widened(0.7, 0.6)
    whole, parts = measured(sound), OnsetDirections(RATE)
    for part in np.split(sound, [1, 100, 700, 701, 30_000, 31_000, 200_000], axis=1):
        parts.add(part)
    assert asdict(parts.figures()) == pytest.approx(asdict(whole), rel=1e-5)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 5.0])
def test_silence_is_not_known_to_be_in_the_middle(seconds: float) -> None:
    figures = measured(np.zeros((2, round(seconds * RATE)), np.float32))
    assert math.isnan(figures.common)
    assert not in_the_middle(figures)


def test_few_onsets_prove_nothing() -> None:
    one = bursts()[: RATE // 2]
    tails = np.random.default_rng(3).normal(size=(2, RATE // 4)) * 0.02
    wide = recordings.pair(*(one + fftconvolve(one, tail)[: one.size] for tail in tails))
    assert not in_the_middle(measured(np.concatenate([np.zeros((2, RATE), np.float32), wide], axis=1)))


def test_events_of_widened_mono_have_no_direction(meter_model: Path) -> None:
    result = Detector.load(meter_model, vision=None).detect_array(widened(0.5, 0.6), RATE)
    assert len(result.table.frame)
    assert np.isnan(result.table.azimuth).all()
    assert any("directions cannot be known" in warning for warning in result.warnings)
    ahead = Detector.load(meter_model, vision=None).detect_array(room((0,)), RATE)
    assert np.abs(ahead.table.azimuth).max() < 20


def test_widened_mono_needs_reverberation() -> None:
    assert not checks(room((0,)))["effect"].undirected
    assert checks(widened(1.0, 0.6))["effect"].undirected
