from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.io import wavfile

from earwitness.detect.detector import Detector
from earwitness.doctor.channel_stats import ChannelStats
from earwitness.doctor.diagnosis import diagnose, judge
from earwitness.doctor.waveform_faults import FlatTops, OffsetRemover, flat_samples
from recordings import RATE, Stereo, honest


def loud(peak: float, seconds: float = 6.0) -> NDArray[np.float32]:
    sound = honest(seconds)
    return (sound * (peak / np.abs(sound).max())).astype(np.float32)


def verdict(path: Path) -> str:
    return {check.name: check.verdict for check in diagnose(path).checks}["clipping"]


@pytest.mark.parametrize("peak", [0.5, 1.0, 5.5, 300.0])
def test_floats_have_no_ceiling(tmp_path: Path, peak: float) -> None:
    wavfile.write(tmp_path / "loud.wav", RATE, loud(peak).T)
    assert verdict(tmp_path / "loud.wav") == "ok"


@pytest.mark.parametrize("kind", ["int16", "float32", "softer", "uint8"])
def test_flat_tops_are_found_wherever_they_are(tmp_path: Path, kind: str) -> None:
    cut = np.clip(loud(4.0), -1, 1)
    samples = {
        "int16": np.clip(np.round(cut * 32768), -32768, 32767).astype(np.int16),
        "float32": cut,
        "softer": (cut * np.float32(0.2)).astype(np.float32),
        "uint8": np.clip(np.round(cut * 128 + 128), 0, 255).astype(np.uint8),
    }[kind]
    wavfile.write(tmp_path / "cut.wav", RATE, samples.T)
    assert verdict(tmp_path / "cut.wav") != "ok"


def test_a_sum_of_channels_is_not_clipped(tmp_path: Path) -> None:
    front = loud(0.9)
    six = np.stack([front[0], front[1], 0.9 * front[0], 0 * front[0], 0.9 * front[0], 0.9 * front[1]])
    wavfile.write(tmp_path / "surround.wav", RATE, np.round(six.T * 32767).astype(np.int16))
    assert verdict(tmp_path / "surround.wav") == "ok"
    six[2] = np.clip(4 * six[2], -1, 1)
    wavfile.write(tmp_path / "surround.wav", RATE, np.round(six.T * 32767).astype(np.int16))
    assert verdict(tmp_path / "surround.wav") != "ok"


@pytest.mark.parametrize("steps", [2**7, 2**15])
@pytest.mark.parametrize("hertz", [20, 50, 440])
def test_low_tones_in_coarse_steps_only_turn(steps: int, hertz: float) -> None:
    tone = 0.9 * np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    assert flat_samples((np.round(tone * steps) / steps).astype(np.float32)) == 0


@pytest.mark.parametrize(("steps", "hertz"), [(2**7, 440), (2**15, 50), (2**15, 440)])
def test_tones_cut_flat(steps: int, hertz: float) -> None:
    tone = 0.9 * np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    cut = (np.round(np.clip(tone, -0.6, 0.6) * steps) / steps).astype(np.float32)
    assert flat_samples(cut) > 0.1 * cut.size


def test_square_waves_are_made_so() -> None:
    square = np.sign(np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)).astype(np.float32)
    assert flat_samples(square) == 0
    assert flat_samples(np.zeros(RATE, np.float32)) == 0
    assert flat_samples(np.zeros(0, np.float32)) == 0


def test_the_count_does_not_depend_on_the_blocks() -> None:
    cut = np.clip(loud(3.0), -1, 1)
    whole, parts = FlatTops(), FlatTops()
    whole.add(cut)
    for part in np.array_split(cut, 37, axis=1):
        parts.add(part)
    assert whole.share == parts.share > 0
    parts.add(np.zeros((6, 100), np.float32))  # the layout changes
    assert 0 < parts.share < whole.share


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
