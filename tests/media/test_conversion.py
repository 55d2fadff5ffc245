"""Downmix, ambisonics in four channels and resampling: converted or named; never a wrong side."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import NotStereoError
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import (
    LOUDEST,
    AmbisonicEvidence,
    StreamResampler,
    resample,
    silence_damage,
    stereo_matrix,
    to_stereo,
)

SIX = ("FL", "FR", "FC", "LFE", "SL", "SR")


def test_gains_of_5_1_are_those_of_bs775() -> None:
    matrix = stereo_matrix(SIX)
    assert matrix is not None
    half = np.sqrt(0.5)
    np.testing.assert_allclose(matrix, [[1, 0, half, 0, half, 0], [0, 1, half, 0, 0, half]], rtol=1e-6)


@pytest.mark.parametrize("names", [("AMBI0", "AMBI1", "AMBI2", "AMBI3"), ("FL", "FR", "UNK")])
def test_unknown_layouts_have_no_matrix(names: tuple[str, ...]) -> None:
    assert stereo_matrix(names) is None
    samples = np.arange(len(names) * 2, dtype=np.float32).reshape(-1, 2)
    stereo, known = to_stereo(samples, names)
    assert not known
    np.testing.assert_array_equal(stereo, samples[:2])


def test_mono_is_on_both_channels_and_stereo_is_unchanged() -> None:
    mono = np.array([[1.0, -2.0]], np.float32)
    np.testing.assert_array_equal(to_stereo(mono, ())[0], [[1, -2], [1, -2]])
    stereo = np.array([[1.0], [2.0]], np.float32)
    np.testing.assert_array_equal(to_stereo(stereo, ())[0], stereo)


def test_damaged_samples_are_set_to_zero_and_counted() -> None:
    samples = np.array([[1.0, np.nan, -np.inf], [2 * LOUDEST, LOUDEST, -0.5]], np.float32)
    assert silence_damage(samples) == 3
    np.testing.assert_array_equal(samples, [[1, 0, 0], [0, LOUDEST, -0.5]])
    assert silence_damage(samples) == 0


RATE = 24_000
SECONDS = 4


def talk(seed: int = 0) -> Any:
    """Bursts of low-passed noise with pauses, at different levels."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.standard_normal(SECONDS * RATE), np.hanning(9) / 4, "same") * 0.1
    levels = np.repeat(rng.choice([0.0, 0.3, 1.0], SECONDS * 10), RATE // 10)
    return noise * np.convolve(levels, np.hanning(480) / 240, "same")


def field(sound: Any, azimuth: float, elevation: float = 0.0) -> Any:
    """A plane wave as W, Y, Z, X."""
    a, e = np.radians(azimuth), np.radians(elevation)
    gains = [1.0, np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]
    return np.outer(gains, sound)


def diffuse(level: float) -> Any:
    rng = np.random.default_rng(9)
    directions = rng.standard_normal((24, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    waves = rng.standard_normal((24, SECONDS * RATE)) * level
    return np.stack([waves.sum(0), directions[:, 1] @ waves, directions[:, 2] @ waves, directions[:, 0] @ waves])


def verdict(samples: Any) -> str:
    evidence = AmbisonicEvidence(RATE)
    for begin in range(0, samples.shape[1], 1000):
        evidence.add(samples[:, begin : begin + 1000].astype(np.float32))
    return evidence.verdict()


def fuma(samples: Any) -> Any:
    w, y, z, x = samples
    return np.stack([w / np.sqrt(2), x, y, z])


def four_cardioids(azimuth: float) -> Any:
    """A quad recording with coincident cardioids: front left, front right, back left, back right."""
    gains = [0.5 + 0.5 * np.cos(np.radians(azimuth - facing)) for facing in (45, -45, 135, -135)]
    return np.outer(gains, talk())


def write(path: Path, samples: Any, codec: str, layout: str, options: dict[str, str] | None = None) -> Path:
    rate = 48_000
    doubled = np.ascontiguousarray(np.repeat(samples, 2, axis=1), dtype=np.float32)
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=rate, layout=layout, options=options or {})
        frame = av.AudioFrame.from_ndarray(doubled, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(
            stream.format.name, layout, rate, frame_size=stream.codec_context.frame_size or 960
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def right_over_left(reader: AudioReader) -> float:
    power = (np.concatenate(list(reader), axis=1).astype(np.float64) ** 2).sum(axis=1)
    return float(10 * np.log10(power[1] / power[0]))


@pytest.mark.parametrize("azimuth", [-30, -60, -90, 120, 180, -150])
@pytest.mark.parametrize("elevation", [0, 20])
def test_what_comes_from_the_right_or_behind_is_certain(azimuth: float, elevation: float) -> None:
    assert verdict(field(talk(), azimuth, elevation)) == "foa"
    assert verdict(field(talk(), azimuth, elevation) + diffuse(2e-4)) == "foa"


@pytest.mark.parametrize("azimuth", [0, 10, 30, 60, 80])
def test_what_comes_from_the_front_left_is_possible(azimuth: float) -> None:
    assert verdict(field(talk(), azimuth)) == "possible"


def test_a_moving_source_and_two_sources_are_certain() -> None:
    azimuth = np.radians(np.linspace(-80, 80, SECONDS * RATE))
    sound = talk()
    moving = np.stack([sound, sound * np.sin(azimuth), 0 * sound, sound * np.cos(azimuth)])
    assert verdict(moving) == "foa"
    assert verdict(field(sound, 50) + field(talk(1), -40)) == "foa"


def test_other_orders_and_gains_are_possible() -> None:
    assert verdict(fuma(field(talk(), -60))) == "possible"
    assert verdict(field(talk(), -60) * np.array([[1], [1.732], [1.732], [1.732]])) == "possible"


@pytest.mark.parametrize("azimuth", [30, -30, 60, -60, -90, 120, 150, 180])
def test_quad_microphones_are_not(azimuth: float) -> None:
    assert verdict(four_cardioids(azimuth)) == "no"


def test_other_recordings_with_four_channels_are_not() -> None:
    left, right = talk(1), 0.6 * talk(1) + 0.4 * talk(2)
    noise = np.random.default_rng(3).standard_normal((4, SECONDS * RATE)) * 0.1
    delayed = np.stack([np.roll(talk(), lag) * gain for lag, gain in ((0, 1), (70, 0.8), (110, 0.9), (150, 0.7))])
    for samples in (
        np.stack([left, right, 0 * left, 0 * right]),
        np.stack([left, right, 0.5 * left, 0.5 * right]),
        np.stack([left, left, left, left]),
        np.stack([talk(seed) for seed in range(4)]),
        np.stack([0.3 * left, 0.3 * right, talk(5), 0 * left]),
        noise,
        delayed,
        np.zeros((4, RATE)),
    ):
        assert verdict(samples) == "no"


@pytest.mark.parametrize(
    ("suffix", "codec", "layout"),
    [("wav", "pcm_s16le", "quad"), ("wav", "pcm_f32le", "4 channels"), ("flac", "flac", "4.0"), ("mkv", "aac", "quad"),
     ("mp4", "aac", "4.0"), ("mov", "pcm_s16le", "quad"), ("webm", "libopus", "quad")],
)  # fmt: skip
def test_sixty_degrees_right_is_right_whatever_the_label(tmp_path: Path, suffix: str, codec: str, layout: str) -> None:
    reader = AudioReader(write(tmp_path / f"a.{suffix}", field(talk(), -60), codec, layout))
    assert reader.channels == "foa"
    assert right_over_left(reader) > 15
    assert any("ambisonics (W, Y, Z, X)" in warning for warning in reader.warnings)


def test_what_is_not_certain_has_no_direction_until_the_user_says_what_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", field(talk(), 60), "pcm_s16le", "quad")
    reader = AudioReader(path)
    list(reader)
    assert (reader.channels, len(reader.undirected)) == ("surround", 1)
    assert reader.undirected[0].end == float("inf")
    assert any("--layout foa" in warning for warning in reader.warnings)
    told = AudioReader(path, layout="foa")
    assert right_over_left(told) < -15
    assert (told.warnings, told.undirected) == ([], [])
    assert AudioReader(path, layout="surround").warnings == []


def test_opus_says_that_it_is_ambisonic(tmp_path: Path) -> None:
    path = write(tmp_path / "a.opus", field(talk(), 60), "libopus", "ambisonic 1", {"mapping_family": "2"})
    reader = AudioReader(path)
    assert reader.channels == "foa"
    assert right_over_left(reader) < -15


def test_fuma_by_its_subformat_and_by_name(tmp_path: Path) -> None:
    pcm = (fuma(field(talk(), -60)).T * 32767).astype("<i2").tobytes()
    guid = bytes.fromhex("01000000" + "2107d3118644c8c1ca000000")
    form = struct.pack("<HHIIHH", 0xFFFE, 4, RATE, RATE * 8, 8, 16) + struct.pack("<HHI", 22, 16, 0) + guid
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(pcm)) + pcm
    (tmp_path / "a.amb").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert AudioReader(tmp_path / "a.amb").channels == "fuma"
    assert right_over_left(AudioReader(tmp_path / "a.amb")) > 15
    plain = write(tmp_path / "b.wav", fuma(field(talk(), -60)), "pcm_s16le", "quad")
    assert right_over_left(AudioReader(plain, layout="fuma")) > 15


def test_googles_box_in_an_mp4(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", field(talk(), 60), "aac", "quad")
    assert AudioReader(path).channels == "surround"
    content = path.read_bytes()
    at = content.index(b"moov") - 4
    size = int.from_bytes(content[at : at + 4], "big")
    box = struct.pack(">I4sBBIBBI4I", 36, b"SA3D", 0, 0, 1, 0, 0, 4, 0, 1, 2, 3)
    grown = (size + len(box)).to_bytes(4, "big") + content[at + 4 : at + size] + box
    path.write_bytes(content[:at] + grown + content[at + size :])
    assert AudioReader(path).channels == "foa"


def test_stereo_is_no_ambisonics(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(NotStereoError, match="2 channels"):
        AudioReader(clip, layout="foa")


@given(
    rate_in=st.sampled_from([8000, 11025, 22050, 44100, 48000, 96000, 24000]),
    rate_out=st.sampled_from([16000, 24000, 48000]),
    cuts=st.lists(st.integers(0, 3000), min_size=1, max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_cutting_the_input_changes_nothing(rate_in: int, rate_out: int, cuts: list[int]) -> None:
    stereo = np.random.default_rng(0).standard_normal((2, sum(cuts))).astype(np.float32)
    resampler = StreamResampler(rate_in, rate_out)
    bounds = np.cumsum([0, *cuts])
    parts = [resampler.push(stereo[:, a:b]) for a, b in pairwise(bounds)]
    streamed = np.concatenate([*parts, resampler.finish()], axis=1)
    assert streamed.shape == (2, round(stereo.shape[1] * rate_out / rate_in))
    np.testing.assert_allclose(streamed, resample(stereo, rate_in, rate_out), atol=1e-5)


@pytest.mark.parametrize(("rate_in", "rate_out"), [(48000, 24000), (44100, 24000), (8000, 24000), (96000, 24000)])
def test_a_tone_keeps_frequency_level_and_phase(rate_in: int, rate_out: int) -> None:
    def tone(rate: int) -> np.ndarray:
        wave = np.sin(2 * np.pi * 700 * np.arange(rate) / rate)
        return np.stack([wave, 0.5 * wave]).astype(np.float32)

    got = resample(tone(rate_in), rate_in, rate_out)
    np.testing.assert_allclose(got[:, 2000:-2000], tone(rate_out)[:, 2000:-2000], atol=2e-3)
