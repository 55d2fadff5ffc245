from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import EncodingError, UnreadableMediaError
from earwitness.media.sound.audio import read_audio
from earwitness.media.sound.wav import read_pcm, wav_info, write_wav


def test_reads_what_was_written_in_part(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-1, 1, (4, 1000)).astype(np.float32)
    path = tmp_path / "a.wav"
    write_wav(path, sound, 24_000)
    assert wav_info(path).seconds == pytest.approx(1000 / 24_000)
    assert np.abs(read_pcm(path) - sound).max() < 2 / 32768
    assert np.array_equal(read_pcm(path, 300, 50), read_pcm(path)[:, 300:350])
    with pytest.raises(UnreadableMediaError, match="has 1000 samples"):
        read_pcm(path, 990, 20)


def _extensible(pcm: np.ndarray, extra: bytes = b"") -> bytes:
    channels = pcm.shape[1]
    guid = b"\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    form = struct.pack("<HHIIHHHHI", 0xFFFE, channels, 24_000, 48_000 * channels, 2 * channels, 16, 22, 16, 0) + guid
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + extra
    chunks += b"data" + struct.pack("<I", pcm.nbytes) + pcm.tobytes()
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def test_extensible_headers_and_unknown_chunks(tmp_path: Path) -> None:
    pcm = np.arange(40, dtype="<i2").reshape(10, 4)
    path = tmp_path / "a.wav"
    path.write_bytes(_extensible(pcm, b"LIST" + struct.pack("<I", 3) + b"odd\x00"))
    assert np.array_equal(read_pcm(path) * 32768, pcm.T)


@pytest.mark.parametrize("keep", [0, 3, 20, 30, 50])
def test_damage_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros((2, 100)), 24_000)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UnreadableMediaError, match=r"a\.wav: (the file )?is"):
        wav_info(path)


def test_other_sample_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros((2, 100)), 24_000)
    data = bytearray(path.read_bytes())
    data[34] = 24
    path.write_bytes(bytes(data))
    with pytest.raises(UnreadableMediaError, match="24-bit"):
        wav_info(path)


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
