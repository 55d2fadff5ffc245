from __future__ import annotations

import warnings
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.io import wavfile

from earwitness.core.errors import BankError
from earwitness.media.sound.wav import write_wav
from earwitness.scenes import SoundBank
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.recording import (
    BLOCK_SAMPLES,
    THRESHOLD_DB,
    loud_level,
    read_recording,
    sounding_blocks,
    sounds_at_once,
)

RATE = 24_000


def bursts(seconds: float = 2.0) -> np.ndarray:
    """A tone in the first and the last quarter, silence in the middle."""
    time = np.arange(int(seconds * RATE)) / RATE
    on = (time < seconds / 4) | (time > seconds * 3 / 4)
    return (0.3 * np.sin(2 * np.pi * 700 * time) * on).astype(np.float32)


def floats(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, samples.astype(np.float32).T)
    return path


@pytest.mark.parametrize("factor", [50.0, 1.5, 1e-3, 900.0])
def test_float_files_of_any_level_keep_their_waveform(tmp_path: Path, factor: float) -> None:
    path = floats(tmp_path / "bell" / "a.wav", bursts() * factor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = read_recording(path).astype(float)
    assert np.abs(samples).max() <= 32767
    assert np.mean(np.abs(samples) > 32760) < 0.05  # a sine's crests, not flat tops
    ideal = bursts()
    assert np.dot(samples, ideal) / np.linalg.norm(samples) / np.linalg.norm(ideal) > 0.999
    assert unusable_sounds(tmp_path, tmp_path / "cache") == {}


@pytest.mark.parametrize("level", [0.5, -0.5, 0.05, 0.01])
@pytest.mark.parametrize("part", [1.0, 0.6])
def test_an_offset_is_removed_and_does_not_count_as_sound(tmp_path: Path, level: float, part: float) -> None:
    sound = bursts()
    sound[: int(part * sound.size)] += level
    path = floats(tmp_path / "bell" / "a.wav", sound)
    sounding = SoundBank.open(tmp_path).sounding("bell/a.wav")
    assert sounding[5:45].all()
    assert sounding[155:195].all()
    assert not sounding[60:110].any()
    assert not sounding[135:145].any()
    assert abs(read_recording(path).mean()) < 40


@pytest.mark.parametrize("rumble", [0.5, 5.0])
def test_rumble_below_hearing_is_removed_where_it_would_cover_all(tmp_path: Path, rumble: float) -> None:
    time = np.arange(2 * RATE) / RATE
    floats(tmp_path / "bell" / "a.wav", bursts() + 0.6 * np.sin(2 * np.pi * rumble * time))
    sounding = SoundBank.open(tmp_path).sounding("bell/a.wav")
    assert sounding[5:45].all()
    assert not sounding[70:130].any()


def test_offsets_of_integers_are_removed_too(tmp_path: Path) -> None:
    write_wav(tmp_path / "bell" / "a.wav", (bursts() + 0.5)[None], RATE)
    assert not SoundBank.open(tmp_path).sounding("bell/a.wav")[60:140].any()


def test_nothing_but_an_offset_is_silent(tmp_path: Path) -> None:
    path = floats(tmp_path / "a.wav", np.full(RATE, 0.5))
    assert not sounds_at_once(path)
    with pytest.raises(BankError, match="silent"):
        read_recording(path)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e20])
def test_samples_that_are_no_numbers_are_refused(tmp_path: Path, bad: float) -> None:
    sound = bursts()
    sound[30_000] = bad
    path = floats(tmp_path / "bell" / "a.wav", sound)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BankError, match=r"a\.wav' has samples that are not finite"):
            read_recording(path)
    assert "bell/a.wav" in unusable_sounds(tmp_path, tmp_path / "cache")


def test_left_and_right_that_cancel_each_other_are_silent(tmp_path: Path) -> None:
    path = floats(tmp_path / "bell" / "a.wav", np.stack([bursts(), -bursts()]))
    assert not sounds_at_once(path)
    assert "silent" in unusable_sounds(tmp_path, tmp_path / "cache")["bell/a.wav"]
    assert path.is_file()


def test_sparse_files_are_not_taken_at_their_first_sound(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.mka", "flac")
    assert sounds_at_once(path)
    with av.open(str(tmp_path / "gap.mka"), "w") as container:
        stream = container.add_stream("flac", rate=24_000)
        stream.layout = "mono"
        for start in (0, 24_000 * 3000):
            tone = (9000 * np.sin(np.arange(4096) * 0.2)).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 24_000, start, Fraction(1, 24_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert not sounds_at_once(tmp_path / "gap.mka")


def test_clean_recordings_stay_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pcm = np.round(rng.normal(0, 3000, RATE)).astype(np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    assert np.array_equal(read_recording(tmp_path / "a.wav"), np.rint(pcm / 32768 * 32767).astype(np.int16))


def encoded(path: Path, codec: str, form: str | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.layout = "mono"
        stream.bit_rate = 96_000
        samples = np.repeat(bursts(1.0), 2)
        for start in range(0, samples.size, 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [
        ("a.WAVE", "pcm_s16le", "wav"), ("a.caf", "pcm_s16le", None), ("a.aac", "aac", None), ("a.wma", "wmav2", "asf"),
        ("a.w64", "pcm_s16le", None), ("a.AC3", "ac3", "ac3"), ("a.mka", "flac", None), ("a.mp4", "aac", None),
        ("a.au", "pcm_s16be", None), ("a.aifc", "pcm_s16be", "aiff"),
    ],
)  # fmt: skip
def test_formats_of_many_kinds_are_taken(tmp_path: Path, name: str, codec: str, form: str | None) -> None:
    encoded(tmp_path / "bell" / name, codec, form)
    bank = SoundBank.open(tmp_path)
    assert [sound.name for sound in bank.sounds] == [f"bell/{name}"]
    assert unusable_sounds(bank, tmp_path / "cache") == {}
    assert bank.size(f"bell/{name}") == pytest.approx(RATE, rel=0.2)


def blocks_of(*levels_db: float) -> np.ndarray:
    """100 blocks of a square wave at each level."""
    wave = np.tile([1.0, -1.0], 50 * BLOCK_SAMPLES).astype(np.float32)
    return np.concatenate([wave * np.float32(10 ** (level / 20)) for level in levels_db])


@pytest.mark.parametrize(("below_db", "active"), [(THRESHOLD_DB + 1, True), (THRESHOLD_DB - 1, False)])
def test_blocks_are_active_relative_to_the_loud_parts(below_db: float, active: bool) -> None:
    for gain_db in (0.0, -40.0):
        found = sounding_blocks(blocks_of(gain_db, gain_db + below_db))
        assert found[:99].all()
        assert (found[102:198] == active).all()


def test_loud_level_is_the_rms_and_silence_is_inactive() -> None:
    assert loud_level(blocks_of(-6.0)) == pytest.approx(10 ** (-6 / 20), rel=1e-3)
    assert not sounding_blocks(np.zeros(5 * BLOCK_SAMPLES + 1, np.float32)).any()
    assert sounding_blocks(np.zeros(5 * BLOCK_SAMPLES + 1, np.float32)).size == 6
