from __future__ import annotations

import pickle

import numpy as np
import pytest

from earwitness.core.errors import EncoderError, UsageError
from earwitness.encoders.protocol import ENCODERS, EncoderSpec, SoundSettings, TokenMap, check_device, fingerprint
from earwitness.encoders.weights.pretrained_models import MODELS


def make_map(azimuth: list[float], elevation: list[float] | None = None, steps: int = 4) -> TokenMap:
    rng = np.random.default_rng(3)
    where = np.array(azimuth, dtype=np.float32)
    up = np.zeros_like(where) if elevation is None else np.array(elevation, dtype=np.float32)
    tokens = rng.normal(size=(steps, where.size, 5)).astype(np.float32)
    return TokenMap(tokens, np.arange(steps) + 0.5, where, up, "picture")


def test_says_its_sizes() -> None:
    tokens = make_map([10, -10])
    assert (len(tokens), tokens.positions, tokens.dim) == (4, 2, 5)


def test_mirroring_moves_tokens_and_keeps_places() -> None:
    tokens = make_map([30, 0, -30, 30, 0, -30], [10, 12, 10, -10, -12, -10])
    mirrored = tokens.mirrored()
    np.testing.assert_array_equal(mirrored.azimuth, tokens.azimuth)
    np.testing.assert_array_equal(mirrored.tokens, tokens.tokens[:, [2, 1, 0, 5, 4, 3]])
    np.testing.assert_array_equal(mirrored.mirrored().tokens, tokens.tokens)


def test_mirroring_lopsided_places_moves_the_places() -> None:
    tokens = make_map([30, 0, -20])
    mirrored = tokens.mirrored()
    np.testing.assert_array_equal(mirrored.azimuth, [-30, 0, 20])
    np.testing.assert_array_equal(mirrored.tokens, tokens.tokens)


def test_mirroring_leaves_what_has_no_direction() -> None:
    tokens = make_map([np.nan, 90, -90], [np.nan, 0, 0])
    np.testing.assert_array_equal(tokens.mirrored().tokens, tokens.tokens[:, [0, 2, 1]])


def test_cuts_a_window_out() -> None:
    part = make_map([0], steps=10).between(2.5, 6.5)
    np.testing.assert_allclose(part.times, [0, 1, 2, 3])
    assert len(make_map([0]).between(9, 9)) == 0


@pytest.mark.parametrize("shape", [(4, 3, 5), (5, 2, 5), (4, 10)])
def test_shapes_must_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(EncoderError, match="token map holds"):
        TokenMap(np.zeros(shape), np.arange(4.0), np.zeros(2, np.float32), np.zeros(2, np.float32), "sound")


def test_every_encoder_has_weights_in_the_registry_and_a_modality() -> None:
    assert set(ENCODERS) <= set(MODELS)
    assert {EncoderSpec(name=name).modality for name in ENCODERS} == {"sound", "picture"}


def test_unknown_names_and_devices_list_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown encoder 'vggish'; choose one of: yamnet"):
        _ = EncoderSpec(name="vggish").modality
    with pytest.raises(UsageError, match="choose one of: cpu, cuda"):
        check_device("tpu")
    assert check_device("cpu") == "cpu"


def test_invalid_settings_are_named_before_weights_are_loaded() -> None:
    spec = EncoderSpec(name="yamnet", settings={"hop_frames": 0})
    assert pickle.loads(pickle.dumps(spec)) == spec
    with pytest.raises(UsageError, match="encoder setting 'hop_frames'"):
        spec.load()


def test_channels_can_be_given_as_text() -> None:
    assert SoundSettings.of({"channels": "M,L,R"}).channels == ("M", "L", "R")
    with pytest.raises(UsageError, match="used together"):
        SoundSettings.of({"channels": "M,L"})


def test_fingerprints_depend_on_everything_but_the_order_of_settings() -> None:
    base = fingerprint("a", "w", {"x": 1, "y": 2}, 1)
    assert fingerprint("a", "w", {"y": 2, "x": 1}, 1) == base
    others = [
        fingerprint("b", "w", {"x": 1, "y": 2}, 1), fingerprint("a", "v", {"x": 1, "y": 2}, 1),
        fingerprint("a", "w", {"x": 1, "y": 3}, 1), fingerprint("a", "w", {"x": 1, "y": 2}, 2),
    ]  # fmt: skip
    assert len({base, *others}) == 5
