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
    at_once,
    draw,
    named_preset,
    pauses_of,
    preset_names,
    preset_values,
    runs_of,
    share_between,
    windows,
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


ROWS = [
    *(("a", frame, 1, 0, 30.0, -10.0) for frame in range(10)),
    *(("a", frame, 1, 0, 30.0 + frame - 20, -10.0) for frame in range(20, 40)),
    *(("a", frame, 1, 1, -30.0, 0.0) for frame in range(5, 8)),
    *(("b", frame, 8, 0, 170.0, -20.0) for frame in range(5)),
    *(("b", frame, 8, 0, -170.0, -20.0) for frame in range(5, 10)),
    ("b", 5, 8, 0, 0.0, 0.0),  # a second place in one frame
]


def test_runs_end_with_pauses_and_turn_across_the_back() -> None:
    runs = runs_of(ROWS)
    assert [(run.recording, run.class_index, run.source, run.first, run.end) for run in runs] == [
        ("a", 1, 0, 0, 10), ("a", 1, 0, 20, 40), ("a", 1, 1, 5, 8), ("b", 8, 0, 0, 10)
    ]  # fmt: skip
    assert runs[0].turn_deg == pytest.approx(0, abs=1e-3)
    assert runs[1].turn_deg == pytest.approx(19 * np.cos(np.radians(10)), abs=0.3)
    assert runs[3].turn_deg == pytest.approx(20 * np.cos(np.radians(20)), abs=0.3)


def test_pauses_and_how_many_sound_at_once() -> None:
    runs = runs_of(ROWS)
    assert pauses_of(runs) == {1: [1.0, np.inf, np.inf], 8: [np.inf]}
    shares, pairs = at_once(runs)
    assert shares == pytest.approx([37 / 40, 3 / 40, 0, 0])
    assert pairs == pytest.approx(3 / 40)


def test_windows_hold_the_sources_that_sound_in_them() -> None:
    assert list(windows(runs_of(ROWS), 10, 10)) == [[(1, 0), (1, 1)], [], [(1, 0)], [(1, 0)], [(8, 0)]]
