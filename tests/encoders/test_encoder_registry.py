from __future__ import annotations

import pickle

import pytest

from earwitness.core.errors import UsageError
from earwitness.encoders.encoder_registry import ENCODERS, EncoderSpec, check_device
from earwitness.encoders.protocol import SoundSettings, fingerprint
from earwitness.encoders.weights.pretrained_models import MODELS


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
