from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile

from earwitness.doctor.diagnosis import diagnose
from earwitness.doctor.flat_tops import FlatTops, flat_samples
from recordings import RATE, honest


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
