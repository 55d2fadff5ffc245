"""Level differences and diffuseness of scenes whose physics is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import TrainingError
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.scenes import RirPool, SceneRecipe, SoundBank
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.scene import EventRecipe, NoiseRecipe, Scene
from earwitness.training.data.dense_targets import AUDIBLE, DIFFUSE, LEVEL, dense_targets, mirrored
from fakes import open_tones

Pools = Callable[..., RirPool]
CONFIG = FeatureConfig(channels=("logmel_m", "logmel_s", "intensity"))
EXTRACTOR = FeatureExtractor(CONFIG)
SILENCE = NoiseRecipe(None, 0.0, -200.0, -200.0, 0.0, 0)
HISS = replace(SILENCE, level_db=-40.0, hiss_db=-60.0)


@pytest.fixture(scope="module")
def bank() -> SoundBank:
    return SoundBank.open(Path(__file__).parents[1] / "data" / "bank")


def at(azimuth: float, elevation: float = 0.0, distance: float = 2.0) -> tuple[float, float, float]:
    turn, up = np.radians(azimuth), np.radians(elevation)
    ahead, left, above = np.cos(turn) * np.cos(up), np.sin(turn) * np.cos(up), np.sin(up)
    return float(distance * ahead), float(distance * left), float(distance * above)


def event(bank: SoundBank, kind: str, rir: int, level_db: float = -20.0) -> EventRecipe:
    name = next(sound.name for sound in bank.sounds if sound.kind == kind)
    return EventRecipe((name,), kind, -0.1, 0.3, 1.0, (0.0,) * 6, level_db, (rir,))


def rendered(bank: SoundBank, pool: RirPool, *events: EventRecipe, noise: NoiseRecipe = SILENCE) -> Scene:
    recipe = SceneRecipe(2.0, 0, 0.0, events, noise, -3.0)
    return SceneRenderer(bank, pool).render(recipe, direct=True)


def targets(scene: Scene) -> np.ndarray:
    return dense_targets(scene, EXTRACTOR(scene.audio), EXTRACTOR).astype(float)


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (30, 0), (-70, 0), (90, 0), (150, 0), (-60, 40)])
def test_a_lone_dry_source_has_the_level_difference_of_its_direction_and_is_not_diffuse(
    bank: SoundBank,
    free_field: Pools,
    azimuth: float,
    elevation: float,
) -> None:
    level, diffuse, audible = targets(
        rendered(bank, free_field(at(azimuth, elevation)), event(bank, "female_speech", 0))
    )
    s = np.sin(np.radians(azimuth)) * np.cos(np.radians(elevation))
    here = audible > 0
    assert here.mean() > 0.3
    np.testing.assert_allclose(level[here], 2 * s / (1 + s * s), atol=0.01)
    assert diffuse[here].mean() < 0.003
    assert diffuse[here].max() < 0.1  # cells near digital silence, where the floor of the log-mels counts


def test_noise_alone_is_diffuse_and_silence_has_no_targets(bank: SoundBank, free_field: Pools) -> None:
    scene = rendered(bank, free_field(at(0)), noise=HISS)
    level, diffuse, audible = targets(scene)
    assert audible.all()
    assert (diffuse == 1).all()
    assert (level == 0).all()
    silence = np.zeros_like(scene.audio)
    assert not targets(replace(scene, audio=silence, direct=silence))[AUDIBLE].any()


def test_interference_is_diffuse(bank: SoundBank, free_field: Pools) -> None:
    pool = free_field(at(60), at(-60))
    alone = targets(rendered(bank, pool, event(bank, "interference", 1)))
    assert (alone[DIFFUSE][alone[AUDIBLE] > 0] == 1).all()
    both = targets(rendered(bank, pool, event(bank, "female_speech", 0), event(bank, "interference", 1)))
    direct = (both[AUDIBLE] > 0) & (both[DIFFUSE] < 0.9)
    s = np.sin(np.radians(60))
    np.testing.assert_allclose(both[LEVEL][direct], 2 * s / (1 + s * s), atol=0.01)
    assert 0.05 < both[DIFFUSE][direct].mean() < 0.6


def test_two_sources_weigh_by_their_power(bank: SoundBank, free_field: Pools) -> None:
    pool = free_field(at(90), at(-90))
    scene = rendered(bank, pool, event(bank, "female_speech", 0), event(bank, "bell", 1))
    level, diffuse, audible = targets(scene)
    assert level[audible > 0].max() > 0.95
    assert level[audible > 0].min() < -0.95
    assert diffuse[audible > 0].mean() < 0.003
    # A source at 90 degrees sounds in one channel of two cardioids alone, so the powers of both are known.
    sides = FeatureExtractor(FeatureConfig(channels=("logmel_l", "logmel_r")))(scene.audio).astype(float)
    left, right = (10.0**sides).reshape(2, -1, 5, 64).sum(axis=2)
    np.testing.assert_allclose(level[audible > 0], ((left - right) / (left + right))[audible > 0], atol=0.03)


def test_late_reflections_are_diffuse_and_early_ones_are_not(bank: SoundBank, free_field: Pools) -> None:
    pool = free_field(at(30))
    samples, arrival = np.array(pool.samples), pool.arrival(0)
    for lag, gain in ((24, 0.3), (300, 0.5)):  # 1 ms and 12.5 ms
        samples[arrival + lag] = gain * samples[arrival]
    level, diffuse, audible = targets(rendered(bank, replace(pool, samples=samples), event(bank, "female_speech", 0)))
    weight = (audible > 0) & (diffuse < 1)
    np.testing.assert_allclose(level[weight], 0.8, atol=0.01)
    assert 0.05 < diffuse[audible > 0].mean() < 0.5


def test_swapping_left_and_right_changes_the_sign_alone(bank: SoundBank, free_field: Pools) -> None:
    scene = rendered(bank, free_field(at(40)), event(bank, "bell", 0), noise=HISS)
    plain = targets(scene)
    swapped = mirrored(plain)
    np.testing.assert_array_equal(swapped[LEVEL], -plain[LEVEL])
    np.testing.assert_array_equal(swapped[DIFFUSE:], plain[DIFFUSE:])
    turned = replace(scene, audio=scene.audio[::-1].copy(), direct=scene.direct[::-1].copy())  # type: ignore[index]
    np.testing.assert_allclose(targets(turned), swapped, atol=2e-3)


def test_scenes_without_direct_sound_are_refused(bank: SoundBank, free_field: Pools) -> None:
    scene = replace(rendered(bank, free_field(at(0)), event(bank, "bell", 0)), direct=None)
    for one in (scene, open_tones().scene(np.random.SeedSequence(0))):
        with pytest.raises(TrainingError, match="dense is trained on scenes"):
            dense_targets(one, EXTRACTOR(one.audio), EXTRACTOR)
