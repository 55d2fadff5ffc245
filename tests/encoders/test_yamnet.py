from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError, MissingWeightsError, UsageError
from earwitness.encoders.protocol import EncoderSettings, SoundSettings
from earwitness.encoders.yamnet import RATE, Yamnet, YamnetSettings, log_mel
from earwitness.media.sound.audio import read_audio

BANK = Path(__file__).parents[1] / "data" / "bank"
SOUND_RATE = 24_000


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.05, size=(2, round(seconds * SOUND_RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def real() -> Yamnet:
    try:
        return Yamnet.load()
    except MissingWeightsError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("hop", "steps"), [(48, 10), (24, 21), (96, 5)])
def test_tokens_are_spread_evenly(yamnet_folder: Path, hop: int, steps: int) -> None:
    tokens = Yamnet.load(YamnetSettings(hop_frames=hop), yamnet_folder).encode(noise(5), SOUND_RATE)
    assert tokens.tokens.shape == (steps, 1, 1024)
    np.testing.assert_allclose(np.diff(tokens.times), hop / 100)
    assert tokens.times[0] == hop / 200
    assert abs(tokens.times[-1] + hop / 200 - 5) <= hop / 200
    assert np.isnan(tokens.azimuth).all()


def test_a_token_hears_what_its_time_says(yamnet_folder: Path) -> None:
    """A burst is loudest in the token whose middle is nearest to it."""
    encoder = Yamnet.load(YamnetSettings(hop_frames=96), yamnet_folder)
    sound = np.zeros((2, 5 * SOUND_RATE), dtype=np.float32)
    silent = encoder.encode(sound, SOUND_RATE)
    for time in (0.4, 2.3, 4.4):
        burst = sound.copy()
        start = round((time - 0.05) * SOUND_RATE)
        burst[:, start : start + SOUND_RATE // 10] = noise(0.1)
        change = np.abs(encoder.encode(burst, SOUND_RATE).tokens - silent.tokens).sum(axis=(1, 2))
        assert change.argmax() == np.abs(silent.times - time).argmin()


@pytest.mark.parametrize("seconds", [0.01, 0.3, 0.97, 2.0, 7.3])
def test_any_length_will_do(yamnet_folder: Path, seconds: float) -> None:
    tokens = Yamnet.load(None, yamnet_folder).encode(noise(seconds), SOUND_RATE)
    assert len(tokens) == max(1, round(round(seconds * RATE) / 3840))
    assert np.isfinite(tokens.tokens).all()


def test_left_and_right_are_exchanged_exactly(yamnet_folder: Path) -> None:
    encoder = Yamnet.load(YamnetSettings(channels=("M", "L", "R")), yamnet_folder)
    sound = noise(2) * np.array([[1.0], [0.1]], dtype=np.float32)
    tokens = encoder.encode(sound, SOUND_RATE)
    np.testing.assert_array_equal(tokens.azimuth, [np.nan, 90, -90])
    assert not np.allclose(tokens.tokens[:, 1], tokens.tokens[:, 2])
    swapped = encoder.encode(sound[::-1], SOUND_RATE)
    np.testing.assert_array_equal(swapped.tokens, tokens.mirrored().tokens)
    np.testing.assert_array_equal(swapped.azimuth, tokens.azimuth)


def test_same_alone_and_in_a_batch(yamnet_folder: Path) -> None:
    encoder = Yamnet.load(None, yamnet_folder)
    windows = [noise(1, seed) for seed in range(3)]
    for alone, together in zip(
        (encoder.encode(window, SOUND_RATE) for window in windows),
        encoder.encode_batch(windows, SOUND_RATE), strict=True,
    ):  # fmt: skip
        np.testing.assert_array_equal(alone.tokens, together.tokens)


def test_fingerprints_tell_settings_and_weights_apart(yamnet_folder: Path, tmp_path: Path) -> None:
    first = Yamnet.load(None, yamnet_folder).fingerprint
    assert first == Yamnet.load(YamnetSettings(), yamnet_folder).fingerprint
    assert first != Yamnet.load(YamnetSettings(hop_frames=48), yamnet_folder).fingerprint
    for path in yamnet_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.data").write_bytes(b"other")
    assert first != Yamnet.load(None, tmp_path).fingerprint


@pytest.mark.parametrize(
    "sound", [np.zeros((1, 100)), np.zeros((2, 0)), np.zeros(100), np.full((2, 100), np.nan)], ids=str
)
def test_bad_sound(yamnet_folder: Path, sound: NDArray[np.float64]) -> None:
    with pytest.raises(EncoderError):
        Yamnet.load(None, yamnet_folder).encode(sound.astype(np.float32), SOUND_RATE)


def test_weights_that_are_missing_or_something_else(cache: Path, tmp_path: Path, yamnet_folder: Path) -> None:
    with pytest.raises(MissingWeightsError, match="models pull yamnet"):
        Yamnet.load()
    for path in yamnet_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(EncoderError, match="not a usable ONNX model"):
        Yamnet.load(None, tmp_path)


@pytest.mark.parametrize(
    "values", [{"channels": ["L"]}, {"channels": []}, {"channels": ["M", "M"]}, {"hop_frames": 0}, {"hop": 1}]
)
def test_bad_settings(values: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="encoder setting"):
        YamnetSettings.of(values)
    with pytest.raises(UsageError, match="'foo': there is no such setting; choose one of: channels"):
        SoundSettings.of({"foo": 4})
    assert EncoderSettings.of({}) == EncoderSettings()


def test_log_mel_of_a_tone_peaks_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE).astype(np.float32)
    bands = log_mel(tone)
    assert bands.shape == (98, 64)
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    nearest = np.abs(edges[1:-1] - 1127 * np.log1p(1000 / 700)).argmin()
    assert (np.abs(bands.argmax(axis=1) - nearest) <= 1).all()
    np.testing.assert_allclose(log_mel(np.zeros(RATE, np.float32)), np.log(0.001), rtol=1e-6)


@pytest.mark.parametrize(
    ("folder", "wanted"), [("female_speech", "Speech"), ("male_speech", "Speech"), ("music", "Music")]
)
def test_real_weights_know_what_they_hear(real: Yamnet, folder: str, wanted: str) -> None:
    for path in sorted((BANK / folder).glob("*.ogg")):
        sound = read_audio(path, SOUND_RATE, mono="allow")
        logits = real.tag(sound * (0.3 / np.abs(sound).max()), SOUND_RATE).tokens
        assert real.classes[int(logits.max(axis=(0, 1)).argmax())] == wanted, path.name


def test_real_tokens_tell_sounds_apart(real: Yamnet) -> None:
    """Two talkers are nearer to each other than either is to music."""
    means = []
    for name in ("female_speech/librispeech_142", "female_speech/librispeech_216", "music/gcompris_007"):
        sound = read_audio(BANK / f"{name}.ogg", SOUND_RATE, mono="allow")
        mean = real.encode(sound * (0.3 / np.abs(sound).max()), SOUND_RATE).tokens.mean(axis=(0, 1))
        means.append(mean / np.linalg.norm(mean))
    assert means[0] @ means[1] > max(means[0] @ means[2], means[1] @ means[2])
