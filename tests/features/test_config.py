import json

import pytest
from pydantic import ValidationError

from earwitness.features import CHANNELS, TAGGER_CHANNELS, FeatureConfig


def test_a_label_frame_is_a_whole_number_of_frames() -> None:
    assert FeatureConfig().frames_per_label == 5
    assert FeatureConfig(hop=150).frames_per_label == 16
    with pytest.raises(ValidationError, match="whole number of hops"):
        FeatureConfig(hop=500)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": ()}, "one or more different names"),
        ({"channels": ("stpacc", "stpacc")}, "one or more different names"),
        ({"channels": ("gccphat",)}, "logmel_m"),
        ({"mels": 32}, "must equal mels"),
        ({"fmax": 13_000}, "sample_rate / 2"),
        ({"fmin": 12_000}, "fmin"),
        ({"coherence_frames": 4}, "odd"),
        ({"stpacc_lags": 513}, "stpacc_lags"),
        ({"window": 1025}, "even"),
        ({"nfft": 1024}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FeatureConfig(**settings)


def test_without_stpacc_any_number_of_mels_will_do() -> None:
    assert FeatureConfig(mels=40, channels=("logmel_m",)).mels == 40


def test_it_survives_a_model_card() -> None:
    config = FeatureConfig(hop=240, channels=CHANNELS)
    again = FeatureConfig.model_validate_json(json.dumps(json.loads(config.model_dump_json())))
    assert again == config
    assert again.fingerprint() == config.fingerprint()


def test_the_fingerprint_tells_configurations_apart_and_never_changes() -> None:
    others = [FeatureConfig(hop=240), FeatureConfig(fmin=60), FeatureConfig(channels=("stpacc", "logmel_m"))]
    assert len({config.fingerprint() for config in [FeatureConfig(), *others]}) == 4
    # Model cards hold it: when this fails, cards made before are refused.
    assert FeatureConfig().fingerprint() == "bdc5f41433bd4eb3"


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        FeatureConfig().hop = 240  # type: ignore[misc]


TAGGED = ("logmel_m", *TAGGER_CHANNELS)


def test_a_tagger_hears_two_frames_of_10_ms_for_each_of_20() -> None:
    assert FeatureConfig(channels=TAGGED).has_tagger
    assert not FeatureConfig().has_tagger


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": ("tagger_first", "tagger_second", "logmel_m")}, "must end with both"),
        ({"channels": ("logmel_m", "tagger_first")}, "must end with both"),
        ({"channels": TAGGED, "hop": 240}, "hop of 20 ms"),
        ({"channels": TAGGED, "mels": 40}, "64 mels"),
        ({"channels": TAGGED, "sample_rate": 22_050, "hop": 441, "fmax": 11_000}, "whole kHz"),
    ],
)
def test_a_tagger_takes_no_other_features(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        FeatureConfig(**settings)
