from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import EncodingError
from earwitness.media.sound.audio import read_audio
from earwitness.media.sound.wav import write_wav


def test_samples_survive_and_bytes_repeat(tmp_path: Path) -> None:
    stereo = np.random.default_rng(0).uniform(-1, 1, (2, 4800)).astype(np.float32)
    write_wav(tmp_path / "a.wav", stereo, 24000)
    write_wav(tmp_path / "b.wav", stereo, 24000)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav"), stereo, atol=1e-4)


def test_left_comes_first_and_peaks_are_clipped(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.array([[1.5, 0.5], [-2.0, 0.0]]), 8000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 8000)
        np.testing.assert_array_equal(np.frombuffer(file.readframes(2), "<i2"), [32767, -32767, 16384, 0])


def test_bad_sound_is_refused(tmp_path: Path) -> None:
    for sound in (np.zeros(5), np.zeros((100, 2)), np.full((2, 3), np.nan)):
        with pytest.raises(EncodingError):
            write_wav(tmp_path / "x.wav", sound, 24000)
    assert list(tmp_path.iterdir()) == []
