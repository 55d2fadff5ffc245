from __future__ import annotations

import wave
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import MediaError
from earwitness.media.containers.chunks import CAF, chunks
from earwitness.media.containers.container import open_media
from earwitness.media.containers.probe import probe
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.wave_header import declared_seconds, is_plain_wave, read_wave_header

RATE = 24_000


def sound(seconds: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).integers(-9000, 9000, (round(seconds * RATE), 2)).astype("<i2")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(data: bytes, tail: bytes = b"") -> Path:
        path = tmp_path / "sound.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, RATE, 0, "NONE", ""))
            file.writeframes(data)
        path.write_bytes(path.read_bytes() + tail)
        return path

    return written


def encoded(path: Path, codec: str, **options: str) -> Path:
    with av.open(str(path), "w", options=options) as output:
        stream = output.add_stream(codec, rate=RATE, layout="stereo")
        kind = {"pcm_f32le": "flt", "pcm_s24le": "s32", "adpcm_ima_wav": "s16p", "pcm_u8": "u8"}[codec]
        resampler = av.AudioResampler(kind, "stereo", RATE)
        frame = AudioFrame.from_ndarray(sound().reshape(1, -1), format="s16", layout="stereo")
        frame.sample_rate = RATE
        for part in resampler.resample(frame):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def test_samples_and_lengths_are_those_of_the_file(write: Callable[..., Path]) -> None:
    samples = sound(1.7)
    path = write(samples.tobytes())
    assert is_plain_wave(path)
    assert probe(path).duration == pytest.approx(1.7)
    heard = np.concatenate(list(AudioReader(path, RATE)), axis=1)
    np.testing.assert_array_equal(heard, samples.T / np.float32(32768))
    with open_media(path) as container, av.open(str(path)) as searched:
        ours, theirs = container.streams.audio[0], searched.streams.audio[0]
        for name in ("rate", "duration", "time_base", "start_time", "bit_rate", "channels"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert container.duration == searched.duration


@pytest.mark.parametrize("codec", ["pcm_f32le", "pcm_s24le", "pcm_u8"])
@pytest.mark.parametrize("rf64", ["never", "always"])
def test_other_samples_are_plain_too(tmp_path: Path, codec: str, rf64: str) -> None:
    path = encoded(tmp_path / "sound.wav", codec, rf64=rf64)
    assert is_plain_wave(path)
    heard = np.concatenate(list(AudioReader(path, RATE)), axis=1)
    np.testing.assert_allclose(heard, sound().T / 32768, atol=1e-4 if codec != "pcm_u8" else 0.01)


def test_other_codecs_are_searched_for(tmp_path: Path, write: Callable[..., Path]) -> None:
    assert not is_plain_wave(encoded(tmp_path / "adpcm.wav", "adpcm_ima_wav"))
    assert not is_plain_wave(write(sound().tobytes()[:4000] + bytes.fromhex("fe7f0180") + bytes(4000)))
    flac = tmp_path / "sound.flac"
    flac.write_bytes(b"fLaC" + bytes(100))
    assert not is_plain_wave(flac)


def test_a_chunk_before_the_format_is_passed_over(write: Callable[..., Path]) -> None:
    path = write(sound().tobytes())
    data = path.read_bytes()
    path.write_bytes(data[:12] + b"JUNK" + (5).to_bytes(4, "little") + bytes(6) + data[12:])
    assert is_plain_wave(path)
    assert probe(path).duration == pytest.approx(1.0)


@given(st.binary(max_size=80))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + data)
    is_plain_wave(path)


def test_a_file_that_was_cut_short_is_told_from_a_short_one(write: Callable[..., Path]) -> None:
    path = write(sound(3).tobytes())
    assert declared_seconds(path) == 3
    reader = AudioReader(path, RATE)
    assert sum(block.shape[1] for block in reader) == 3 * RATE
    assert reader.warnings == []
    path.write_bytes(path.read_bytes()[: 44 + RATE * 4])
    assert sum(block.shape[1] for block in reader) == RATE
    assert reader.warnings == ["the file is truncated: sound ends at 1.0 s of 3.0 s"]


@pytest.mark.parametrize("size", [0, 2**32 - 1])
def test_the_length_after_a_pipe_is_not_known(write: Callable[..., Path], size: int) -> None:
    path = write(sound(1).tobytes())
    header = bytearray(path.read_bytes())
    header[40:44] = size.to_bytes(4, "little")
    path.write_bytes(header)
    assert declared_seconds(path) is None
    reader = AudioReader(path, RATE)
    list(reader)
    assert reader.warnings == []


def test_the_true_size_of_rf64(tmp_path: Path) -> None:
    samples, unknown = sound(2).tobytes(), (2**32 - 1).to_bytes(4, "little")
    sizes = (
        b"ds64"
        + (28).to_bytes(4, "little")
        + b"".join(n.to_bytes(8, "little") for n in (0, len(samples), 0))
        + bytes(4)
    )
    plain = (1).to_bytes(2, "little") + (2).to_bytes(2, "little") + RATE.to_bytes(4, "little")
    plain += (4 * RATE).to_bytes(4, "little") + (4).to_bytes(2, "little") + (16).to_bytes(2, "little")
    path = tmp_path / "long.wav"
    path.write_bytes(
        b"RF64" + unknown + b"WAVE" + sizes + b"fmt " + (16).to_bytes(4, "little") + plain + b"data" + unknown + samples
    )
    assert declared_seconds(path) == 2


def test_what_is_no_wave_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    for content in (b"", b"RIFF", b"RIFF" + bytes(4) + b"WAVE", b"RIFF" + bytes(4) + b"WAVE" + bytes(20_000)):
        path.write_bytes(content)
        assert declared_seconds(path) is None


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_sizes_of_64_bits_lead_nowhere(tmp_path: Path, toolbox: Any, size: int) -> None:
    """Behind the chunk of such a size nothing is looked for; what FFmpeg can read of the file is read."""
    sound = toolbox.tone_burst(48_000, 1.0, 0.2, 0.8)
    caf = toolbox.write_media(tmp_path / "a.caf", sound=sound, codec="pcm_s16le", sample_format="s16")
    content = bytearray(caf.read_bytes())
    at = content.find(b"chan") + 4
    content[at : at + 8] = size.to_bytes(8, "big")
    caf.write_bytes(content)
    mp4 = toolbox.write_media(tmp_path / "a.mp4", sound=sound)
    mp4.write_bytes(mp4.read_bytes() + b"\0\0\0\1free" + size.to_bytes(8, "big") + bytes(64))
    assert sum(block.shape[1] for block in AudioReader(mp4)) == pytest.approx(24_000, abs=1024)
    with suppress(MediaError):
        list(AudioReader(caf))
    with caf.open("rb") as file:
        file.seek(8)
        assert [name for name, _, _ in chunks(file, CAF)][-1] == b"chan"
    (tmp_path / "a.w64").write_bytes(
        bytes.fromhex("726966662e91cf11a5d628db04c10000") + bytes(8) + b"wave" + bytes(12)
        + b"junk" + bytes(12) + size.to_bytes(8, "little") + bytes(64)
    )  # fmt: skip
    assert read_wave_header(tmp_path / "a.w64") is None
