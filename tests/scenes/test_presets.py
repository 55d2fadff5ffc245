from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from earwitness.core.errors import UsageError
from earwitness.core.vocabulary import CLASSES
from earwitness.scenes import SceneConfig
from earwitness.scenes.sampling.presets import (
    LEVELS,
    ScenePreset,
    draw,
    named_preset,
    preset_names,
    preset_values,
    share_between,
)


def test_the_shipped_preset_says_how_every_class_occurs() -> None:
    preset = named_preset("starss")
    assert "starss" in preset_names()
    assert set(preset.classes) == {sound.slug for sound in CLASSES}
    middle = {slug: scenes.elevation_deg[3] for slug, scenes in preset.classes.items()}
    assert min(middle, key=middle.__getitem__) == "footsteps"
    assert all(-45 < value < 0 for value in middle.values())
    assert preset.classes["music"].run_seconds[3] > 5 * preset.classes["female_speech"].run_seconds[3]
    assert preset.classes["footsteps"].moves > 0.5 > preset.classes["door"].moves


def test_a_recipe_names_a_preset_or_holds_its_values() -> None:
    named = SceneConfig.model_validate({"preset": "starss"})
    held = SceneConfig.model_validate({"preset": json.loads(json.dumps(preset_values("starss")))})
    assert named.preset == held.preset
    with pytest.raises(ValidationError, match=r"unknown scene preset 'mars'; choose one of: .*starss"):
        SceneConfig.model_validate({"preset": "mars"})
    with pytest.raises(UsageError, match=r"unknown scene preset '\.\./x'"):
        named_preset("../x")


def _without_bell(values: dict) -> None:
    del values["classes"]["bell"]


def _with_dog(values: dict) -> None:
    values["classes"]["dog"] = values["classes"]["bell"]


def _falling(values: dict) -> None:
    values["classes"]["bell"]["elevation_deg"] = [0.0, 1, 2, 1, 3, 4, 5]


def _negative(values: dict) -> None:
    values["classes"]["bell"]["run_seconds"] = [-1.0, 1, 2, 3, 4, 5, 6]


def _timeless(values: dict) -> None:
    values["classes"]["bell"]["run_seconds"] = [0.0] * 7


def _endless(values: dict) -> None:
    values["classes"]["bell"]["run_seconds"] = [1.0] * 6 + [float("inf")]


def _overhead(values: dict) -> None:
    values["classes"]["bell"]["elevation_deg"] = [0.0] * 6 + [91.0]


def _for_hours(values: dict) -> None:
    values["classes"]["bell"]["run_seconds"] = [1.0] * 6 + [3601.0]


def _windowless(values: dict) -> None:
    values["window_seconds"] = 1e9


def _unknown(values: dict) -> None:
    values["classes"]["bell"]["colour"] = 1


def _sourceless(values: dict) -> None:
    values["source_weights"] = [1.0, 0.0]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_bell, "lacks bell"),
        (_with_dog, "unknown classes: dog"),
        (_falling, "elevation_deg: quantiles must not fall"),
        (_negative, "run_seconds: must not be negative"),
        (_timeless, "lasts no time"),
        (_endless, "finite"),
        (_sourceless, "source_weights"),
        (_overhead, "less than or equal to 90"),
        (_for_hours, "less than or equal to 3600"),
        (_windowless, "window_seconds"),
        (_unknown, "colour"),
    ],
)
def test_presets_that_make_no_scenes_are_refused(spoil, message: str) -> None:
    values = preset_values("starss")
    spoil(values)
    with pytest.raises(ValidationError, match=message):
        ScenePreset.model_validate(values)


def test_draws_have_the_quantiles_that_they_are_drawn_from() -> None:
    quantiles = (-50.0, -40.0, -20.0, -10.0, 0.0, 30.0, 60.0)
    values = draw(quantiles, np.random.default_rng(0), 40_000)
    np.testing.assert_allclose(np.quantile(values, LEVELS[1:-1]), quantiles[1:-1], atol=1.5)
    assert values.min() >= -50
    assert values.max() <= 60


def test_shares_between_edges_add_up_and_steps_count() -> None:
    edges = np.arange(-90.0, 91.0, 10.0)
    shares = share_between((-50.0, -40.0, -20.0, -10.0, 0.0, 30.0, 60.0), edges)
    assert shares.sum() == pytest.approx(1.0, abs=1e-6)
    assert shares[np.searchsorted(edges, -20.0)] == pytest.approx(0.25 / 0.98, abs=1e-3)
    assert share_between((-6.0,) * 7, edges)[np.searchsorted(edges, -6.0) - 1] == pytest.approx(1.0, abs=1e-6)
