from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from earwitness.core.errors import BankError
from earwitness.scenes import RirPool, SceneConfig, SoundBank, Synthesizer
from earwitness.scenes.acoustics.microphone_flaws import ALIASING_FROM_HZ, SIDE_KNOTS_HZ, MicrophoneFlaws, draw_flaws
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.scene import SAMPLE_RATE, EventRecipe, NoiseRecipe, SceneRecipe

RIGHT_LEFT = 45.0
"""Azimuth of the source, degrees to the left."""


@pytest.fixture
def renderer(bank: SoundBank, free_field: Callable[..., RirPool]) -> SceneRenderer:
    return SceneRenderer(bank, free_field((1.0, 1.0, 0.0)))


def recipe(
    bank: SoundBank, flaws: MicrophoneFlaws | None, bed_db: float = -120.0, hiss_db: float = -140.0
) -> SceneRecipe:
    sound = next(one.name for one in bank.sounds if one.kind == "water_tap")
    event = EventRecipe((sound,), "water_tap", 0.1, 0.3, 1.0, (0.0,) * 6, -20.0, (0,))
    noise = NoiseRecipe(None, 0.0, bed_db, hiss_db, 0.0, 7)
    return SceneRecipe(2.0, 0, 0.0, (event,), noise, -3.0, flaws=flaws)


def levels(audio: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Levels in dB of mid and side between two frequencies."""
    spectrum = np.abs(np.fft.rfft(np.stack([audio[0] + audio[1], audio[0] - audio[1]]))) ** 2
    frequency = np.fft.rfftfreq(audio.shape[1], 1 / SAMPLE_RATE)
    power = spectrum[:, (frequency >= low) & (frequency < high)].sum(axis=1)
    mid, side = 10 * np.log10(power)
    return float(mid), float(side)


def test_patterns_narrow_and_widen_with_frequency(bank: SoundBank, renderer: SceneRenderer) -> None:
    flaws = MicrophoneFlaws(side_db=(-4.0, -4.0, 0.0, 3.0, 3.0))
    ideal, flawed = (renderer.render(recipe(bank, each)).audio for each in (None, flaws))
    for low, high, expected in ((150, 350, -4.0), (5500, 9000, 3.0)):
        (mid, side), (mid_now, side_now) = levels(ideal, low, high), levels(flawed, low, high)
        assert (side_now - mid_now) - (side - mid) == pytest.approx(expected, abs=0.3)


def test_aliasing_depends_on_the_direction_and_begins_above_six_kilohertz(bank: SoundBank) -> None:
    flaws = MicrophoneFlaws(leaks=((0.0,) * 4, (0.4, 0.0, 0.0, 0.0)))
    below, above = np.array([500.0, ALIASING_FROM_HZ - 1]), np.array([9500.0, 11000.0])
    assert flaws.towards(RIGHT_LEFT, below) == pytest.approx(1.0)
    assert flaws.towards(RIGHT_LEFT, above)[1] == pytest.approx(1.4)
    assert flaws.towards(-RIGHT_LEFT, above)[1] == pytest.approx(0.6)
    assert flaws.towards(RIGHT_LEFT, above)[0] == pytest.approx(1.0)


def test_rendered_aliasing_is_heard_above_six_kilohertz_alone(bank: SoundBank, renderer: SceneRenderer) -> None:
    flaws = MicrophoneFlaws(leaks=((0.0,) * 4, (0.4, 0.0, 0.0, 0.0)))
    ideal, flawed = (renderer.render(recipe(bank, each)).audio for each in (None, flaws))
    for low, high, expected in ((500, 5500, 0.0), (9300, 11500, 20 * np.log10(1.4))):
        (mid, side), (mid_now, side_now) = levels(ideal, low, high), levels(flawed, low, high)
        assert (side_now - mid_now) - (side - mid) == pytest.approx(expected, abs=0.2)


def test_channels_and_their_noise_are_unequal(bank: SoundBank, renderer: SceneRenderer) -> None:
    flaws = MicrophoneFlaws(gain_db=2.0, noise_db=4.0)
    silent = replace(recipe(bank, flaws, hiss_db=-40.0), events=())
    left, right = np.sqrt(np.mean(renderer.render(silent).audio ** 2, axis=1))
    assert 20 * np.log10(left / right) == pytest.approx(6.0, abs=0.3)
    ideal, flawed = (renderer.render(recipe(bank, each)).audio for each in (None, flaws))
    difference = [20 * np.log10(np.linalg.norm(each[0]) / np.linalg.norm(each[1])) for each in (ideal, flawed)]
    assert difference[1] - difference[0] == pytest.approx(2.0, abs=0.05)


def test_the_bed_has_the_pattern_too(bank: SoundBank, renderer: SceneRenderer) -> None:
    flaws = MicrophoneFlaws(side_db=(-3.0,) * len(SIDE_KNOTS_HZ))
    sides = [levels(renderer.render(replace(recipe(bank, each, bed_db=-20.0), events=())).audio, 200, 9000)
             for each in (None, flaws)]  # fmt: skip
    assert (sides[1][1] - sides[1][0]) - (sides[0][1] - sides[0][0]) == pytest.approx(-3.0, abs=0.1)


def test_stems_of_a_flawed_scene_add_up(bank: SoundBank, renderer: SceneRenderer) -> None:
    scene = recipe(bank, draw_flaws(np.random.default_rng(3)), bed_db=-30.0, hiss_db=-40.0)
    events, noise = renderer.stems(scene)
    np.testing.assert_allclose(np.sum([*events, noise], axis=0), renderer.render(scene).audio, atol=2e-5)


def test_recipes_keep_flaws_and_do_without(bank: SoundBank) -> None:
    flaws = draw_flaws(np.random.default_rng(1))
    flawed = recipe(bank, flaws)
    assert SceneRecipe.from_json(flawed.to_json()) == flawed
    assert "flaws" not in recipe(bank, None).to_json()


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        {"gain_db": 1.0},
        {"louder": 1.0},
        {"gain_db": "loud"},
        {"noise_db": 1e9},
        {"side_db": [0.0, 0.0]},
        {"side_db": 1.0},
        {"leaks": [[0.0] * 4]},
        {"leaks": [[0.0] * 4, [0.0] * 5]},
    ],
)
def test_recipes_with_what_are_no_flaws_are_refused(bank: SoundBank, wrong: object) -> None:
    plain = json.loads(recipe(bank, MicrophoneFlaws()).to_json())
    if isinstance(wrong, dict):
        wrong = wrong if wrong == {"gain_db": 1.0} else plain["flaws"] | wrong
    with pytest.raises(BankError, match="not a scene recipe"):
        SceneRecipe.from_json(json.dumps(plain | {"flaws": wrong}))


@pytest.mark.parametrize("wrong", [{"pauses": [0.1]}, {"cuts": [0.1, 0.2]}])
def test_recipes_with_pauses_or_cuts_of_other_sounds_are_refused(bank: SoundBank, wrong: dict) -> None:
    plain = json.loads(recipe(bank, None).to_json())
    plain["events"][0] |= wrong
    with pytest.raises(BankError, match="not a scene recipe"):
        SceneRecipe.from_json(json.dumps(plain))


def test_flaws_come_as_often_as_asked_and_with_coincident_microphones_alone(bank: SoundBank, pool: RirPool) -> None:
    synthesizer = Synthesizer(bank, pool, SceneConfig(flaw_probability=0.5))
    scenes = [synthesizer.draft(np.random.SeedSequence(5, spawn_key=(index,))) for index in range(60)]
    assert 18 <= sum(scene.flaws is not None for scene in scenes) <= 42
    with pytest.raises(ValidationError, match="coincident microphones, which 'phone' is not"):
        SceneConfig(flaw_probability=0.5, microphone="phone")


def test_flaws_are_drawn_within_reason() -> None:
    rng = np.random.default_rng(2)
    drawn = [draw_flaws(rng) for _ in range(300)]
    assert max(max(map(abs, one.side_db)) for one in drawn) <= 6
    assert np.std([one.gain_db for one in drawn]) == pytest.approx(0.5, rel=0.2)
    assert len({one.leaks for one in drawn}) == 300
