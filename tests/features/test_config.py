import json

import pytest
from pydantic import ValidationError

from earwitness.features import CHANNELS, FeatureConfig


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
        ({"channels": ("gcc",)}, "logmel_m"),
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
