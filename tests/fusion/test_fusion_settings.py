from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.errors import ModelError
from earwitness.core.vocabulary import CLASSES
from earwitness.fusion.fusion_settings import (
    FusionSettings,
    KindWeights,
    default_settings,
    read_settings,
)

PERSON_WEIGHTS = KindWeights(bias=(-1.0,) * 13, motion=(1.0,) * 13, contrast=(2.0,) * 13, score=0.3, sigma_deg=2.0)
SETTINGS = FusionSettings(
    sigma_deg=(8.0,) * 13,
    kinds={"person": PERSON_WEIGHTS, "motion": PERSON_WEIGHTS, "thing": PERSON_WEIGHTS},
    unseen_on=(0.3,) * 13,
    unseen_off=(0.1,) * 13,
)


def test_the_settings_that_ship_are_whole() -> None:
    shipped = default_settings()
    assert "clips" in shipped.fitted_on
    assert min(shipped.unseen_on) > 0.5  # what other models say of a screen is not thrown away
    for sound_class in CLASSES:
        if not sound_class.human:
            assert shipped.kinds["person"].bias[sound_class.index] <= -10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sigma_deg": (8.0,) * 12}, "sigma_deg"),
        ({"caution": 0.5}, "caution"),
        ({"sigma_deg": (0.0,) * 13}, "above 0"),
        ({"extra": 1}, "extra"),
    ],
)
def test_settings_that_will_not_do(tmp_path: Path, change: dict[str, object], says: str) -> None:
    import json

    values = json.loads(SETTINGS.model_dump_json()) | change
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"settings\.json"):
        read_settings(path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_settings(tmp_path / "missing.json")
