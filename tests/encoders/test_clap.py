from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError, MissingWeightsError
from earwitness.encoders.clap import RATE, Clap, ClapSettings, log_mel, step_times

SOUND_RATE = 24_000
transformers = pytest.importorskip("transformers", reason="CLAP needs the extra 'semantic'")


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.05, size=(2, round(seconds * SOUND_RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def encoder(clap_folder: Path) -> Clap:
    return Clap.load(None, clap_folder)


def test_spectrogram_is_that_of_transformers() -> None:
    extractor = transformers.ClapFeatureExtractor(frequency_min=50, frequency_max=14_000, truncation="rand_trunc")
    sound = np.random.default_rng(1).normal(scale=0.1, size=5 * RATE).astype(np.float32)
    theirs = extractor(sound, sampling_rate=RATE, return_tensors="np")["input_features"][0, 0]
    ours = log_mel(np.tile(sound, 2))
    assert ours.shape == theirs.shape == (1001, 64)
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_tokens_are_the_map_before_pooling(encoder: Clap, clap_folder: Path) -> None:
    import torch

    model = transformers.ClapModel.from_pretrained(clap_folder).eval()
    sound = noise(10)
    tokens = encoder.encode(np.repeat(sound, 2, axis=1)[:, : 10 * RATE], RATE)
    mono = np.repeat(sound, 2, axis=1).mean(axis=0)
    with torch.inference_mode():
        pooled = model.audio_model(torch.from_numpy(log_mel(mono))[None, None]).pooler_output[0].numpy()
    assert tokens.tokens.shape == (32, 1, 64)
    np.testing.assert_allclose(tokens.tokens[:, 0].mean(axis=0), pooled, atol=1e-4)


def test_projected_tokens_live_in_the_shared_space(clap_folder: Path, encoder: Clap) -> None:
    projected = Clap.load(ClapSettings(projected=True), clap_folder)
    assert (encoder.dim, projected.dim) == (64, 16)
    assert projected.encode(noise(1), SOUND_RATE).tokens.shape == (3, 1, 16)


@pytest.mark.parametrize(("seconds", "steps"), [(5.0, 16), (10.0, 32), (0.05, 1), (12.0, 38), (23.0, 73)])
def test_times_go_on_over_windows(encoder: Clap, seconds: float, steps: int) -> None:
    tokens = encoder.encode(noise(seconds), SOUND_RATE)
    assert abs(len(tokens) - steps) <= 1
    assert tokens.times[-1] < max(seconds, 0.2)
    assert (np.diff(tokens.times) > 0.29).all()
    assert (np.diff(tokens.times) < 0.33).all()


def test_steps_are_evenly_spread_over_a_window() -> None:
    times = step_times()
    np.testing.assert_allclose(times + times[::-1], 10)
    np.testing.assert_allclose(np.diff(times), 10 / 32, rtol=2e-3)


@pytest.mark.parametrize("time", [0.8, 3.1, 8.6, 13.3])
def test_a_token_hears_what_its_time_says(encoder: Clap, time: float) -> None:
    sound = 0.01 * noise(15)
    burst = sound.copy()
    start = round((time - 0.1) * SOUND_RATE)
    burst[:, start : start + SOUND_RATE // 5] += noise(0.2, seed=5)
    before, after = (encoder.encode(one, SOUND_RATE) for one in (sound, burst))
    change = np.abs(after.tokens - before.tokens).sum(axis=(1, 2))
    assert abs(before.times[change.argmax()] - time) < 0.32


def test_same_every_time_alone_and_in_any_batch(encoder: Clap) -> None:
    windows = [noise(5), noise(12, 1), noise(3, 2), noise(5, 3)]
    together = encoder.encode_batch(windows, SOUND_RATE)
    for window, tokens in zip(windows, together, strict=True):
        alone = encoder.encode(window, SOUND_RATE)
        np.testing.assert_allclose(alone.tokens, tokens.tokens, atol=1e-4)
        np.testing.assert_array_equal(alone.times, tokens.times)
    for first, second in zip(together, encoder.encode_batch(windows, SOUND_RATE), strict=True):
        np.testing.assert_array_equal(first.tokens, second.tokens)


def test_left_and_right_are_exchanged(clap_folder: Path) -> None:
    encoder = Clap.load(ClapSettings(channels=("L", "R")), clap_folder)
    sound = noise(3) * np.array([[1.0], [0.1]], dtype=np.float32)
    tokens, swapped = encoder.encode(sound, SOUND_RATE), encoder.encode(sound[::-1], SOUND_RATE)
    np.testing.assert_array_equal(tokens.azimuth, [90, -90])
    np.testing.assert_allclose(swapped.tokens, tokens.mirrored().tokens, atol=1e-4)
    assert np.abs(swapped.tokens - tokens.tokens).max() > 1e-3


def test_padding_is_a_choice_that_changes_tokens(clap_folder: Path, encoder: Clap) -> None:
    zero = Clap.load(ClapSettings(padding="zero"), clap_folder)
    assert zero.fingerprint != encoder.fingerprint
    assert not np.allclose(zero.encode(noise(5), SOUND_RATE).tokens, encoder.encode(noise(5), SOUND_RATE).tokens)
    full = noise(10)
    np.testing.assert_array_equal(zero.encode(full, SOUND_RATE).tokens, encoder.encode(full, SOUND_RATE).tokens)


def test_weights_that_do_not_fit(clap_folder: Path, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(MissingWeightsError, match="models pull clap"):
        Clap.load()
    with pytest.raises(EncoderError, match=r"config\.json is missing"):
        Clap.load(None, tmp_path)
    from safetensors.torch import load_file, save_file

    shutil.copy(clap_folder / "config.json", tmp_path)
    state = load_file(clap_folder / "model.safetensors")
    save_file({name: tensor for name, tensor in state.items() if "audio_projection" not in name},
              tmp_path / "model.safetensors", metadata={"format": "pt"})  # fmt: skip
    with pytest.raises(EncoderError, match="weights do not fit 'clap'"):
        Clap.load(None, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    with pytest.raises(EncoderError, match="no usable weights of 'clap'"):
        Clap.load(None, tmp_path)


def test_fused_models_are_refused(clap_folder: Path, tmp_path: Path) -> None:
    for path in clap_folder.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"truncation": "fusion"}))
    with pytest.raises(EncoderError, match="truncation is fusion"):
        Clap.load(None, tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"frequency_min": 50, "truncation": "rand_trunc"}))
    assert Clap.load(None, tmp_path).dim == 64


def test_everything_that_changes_tokens_is_in_the_fingerprint(clap_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clap"
    shutil.copytree(clap_folder, folder)
    seen = [Clap.load(None, folder).fingerprint]
    preprocessor = folder / "preprocessor_config.json"
    for highest in (14_000, 12_000):
        preprocessor.write_text(json.dumps({"frequency_min": 50, "frequency_max": highest}))
        seen.append(Clap.load(None, folder).fingerprint)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"initializer_factor": 0.5}))
    seen.append(Clap.load(None, folder).fingerprint)
    assert len(set(seen)) == len(seen)
    (folder / "README.md").write_text("changes nothing")
    assert Clap.load(None, folder).fingerprint == seen[-1]


def test_files_that_are_not_in_the_fingerprint_are_not_read(clap_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "clap"
    shutil.copytree(clap_folder, folder)
    expected = Clap.load(None, folder).encode(noise(1), SOUND_RATE).tokens
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "x"}')
    (folder / "model.safetensors.index.json").write_text("{}")
    assert np.array_equal(Clap.load(None, folder).encode(noise(1), SOUND_RATE).tokens, expected)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"transformers_weights": "/else/where.safetensors"}))
    with pytest.raises(EncoderError, match="names other files"):
        Clap.load(None, folder)


@pytest.mark.parametrize(
    "values", ['{"frequency_max": NaN}', '{"frequency_max": 1e9}', "[]", "{", '{"frequency_min": []}']
)
def test_a_preprocessor_that_cannot_be_is_named(clap_folder: Path, tmp_path: Path, values: str) -> None:
    folder = tmp_path / "clap"
    shutil.copytree(clap_folder, folder)
    (folder / "preprocessor_config.json").write_text(values)
    with pytest.raises(EncoderError, match=r"preprocessor_config\.json"):
        Clap.load(None, folder)
