from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.core.geometry import lateral
from earwitness.core.vocabulary import class_by_slug
from earwitness.scenes import RirPool, SceneConfig, SceneRecipe, SoundBank, Synthesizer
from earwitness.scenes.acoustics.microphone_flaws import draw_flaws
from earwitness.scenes.acoustics.rooms import Room
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.scene import EventRecipe, NoiseRecipe

SILENCE = NoiseRecipe(sound=None, start=0.0, level_db=-200.0, hiss_db=-200.0, slope_db=0.0, seed=0)


def dry_pool(*positions: tuple[float, float, float]) -> RirPool:
    """An anechoic pool: each position (ahead, left, up) gives one impulse a channel."""
    points = np.asarray(positions, dtype=np.float32)
    distance = np.linalg.norm(points, axis=1)
    samples = np.stack([1 / distance, points[:, 1] / distance**2, points[:, 0] / distance**2], axis=1) * 32
    count = len(points)
    return RirPool(
        samples.astype(np.float16),
        np.arange(count + 1, dtype=np.int64),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int32),
        points,
        (Room((9, 9, 9), 0.1, (1.0,) * 7, (4, 4, 4)),),
    )


def event(bank: SoundBank, kind: str = "female_speech", **changes: object) -> EventRecipe:
    name = next(sound.name for sound in bank.sounds if sound.kind == kind)
    values: dict[str, object] = {
        "sounds": (name,), "kind": kind, "onset": 0.5, "gap": 0.3, "speed": 1.0,
        "tone_db": (0.0,) * 6, "level_db": -20.0, "rirs": (0,),
    }  # fmt: skip
    return EventRecipe(**{**values, **changes})  # type: ignore[arg-type]


def recipe(*events: EventRecipe, view_deg: float = 0.0, seconds: float = 5.0) -> SceneRecipe:
    return SceneRecipe(seconds, 0, view_deg, tuple(events), SILENCE, -3.0)


@pytest.mark.parametrize("azimuth", [60, 30, 5, -45, 120, -150])
def test_level_difference_of_a_dry_source(bank: SoundBank, azimuth: float) -> None:
    place = (2 * np.cos(np.radians(azimuth)), 2 * np.sin(np.radians(azimuth)), 0.0)
    scene = SceneRenderer(bank, dry_pool(place)).render(recipe(event(bank)))
    left, right = np.sqrt(np.mean(scene.audio.astype(float) ** 2, axis=1))
    s = float(lateral(azimuth))
    assert 20 * np.log10(left / right) == pytest.approx(20 * np.log10((1 + s) / (1 - s)), abs=0.1)
    assert (left > right) == (azimuth > 0)


def test_view_turns_labels_and_sound_together(bank: SoundBank) -> None:
    scene = SceneRenderer(bank, dry_pool((2.0, 0.0, 0.0))).render(recipe(event(bank), view_deg=60.0))
    assert set(scene.labels.azimuth.tolist()) == {60.0}
    left, right = np.sqrt(np.mean(scene.audio.astype(float) ** 2, axis=1))
    assert left > 3 * right


def test_labels_say_where_the_source_is(bank: SoundBank) -> None:
    place = (-1.0, 1.0, 1.0)
    scene = SceneRenderer(bank, dry_pool(place)).render(recipe(event(bank, "knock")))
    assert set(scene.labels.class_index.tolist()) == {class_by_slug("knock").index}
    assert set(scene.labels.azimuth.tolist()) == {45.0}
    assert scene.labels.distance == pytest.approx(np.full(len(scene.labels), 1.73), abs=1e-6)
    assert not scene.labels.onscreen.any()


def test_active_frames_follow_the_energy(bank: SoundBank) -> None:
    """An independent check on the rendered sound: labelled frames are loud, frames away from labels are silent."""
    scene = SceneRenderer(bank, dry_pool((1.0, 0.2, 0.0))).render(recipe(event(bank, onset=1.0)))
    level = np.sqrt(np.mean(scene.audio[0].astype(float).reshape(50, 2400) ** 2, axis=1))
    labelled = np.zeros(50, bool)
    labelled[scene.labels.frame] = True
    assert labelled[10:13].any()
    near = np.convolve(labelled, np.ones(3), "same") > 0
    assert level[labelled].mean() > 30 * max(level[~near].max(), 1e-9)


def test_moving_source_is_labelled_along_its_path(bank: SoundBank) -> None:
    pool = dry_pool(*((2.0, left, 0.0) for left in np.linspace(2.0, -2.0, 9)))
    walking = event(bank, "male_speech", onset=0.0, rirs=tuple(range(9)), path_start=0.0, path_speed=2.0)
    scene = SceneRenderer(bank, pool).render(recipe(walking))
    azimuth = scene.tracks[0].azimuth
    assert azimuth[0] == pytest.approx(np.degrees(np.arctan2(2.0 - 0.05, 2.0)), abs=1.0)
    assert np.all(np.diff(azimuth[:39]) < 0)
    first, last = scene.labels.azimuth[0], scene.labels.azimuth[-1]
    assert first > last
    times = scene.labels.frame[[0, -1]]
    for frame, expected in zip(times, (first, last), strict=True):
        part = scene.audio[:, frame * 2400 : (frame + 1) * 2400].astype(float)
        mid, side = part.sum(0) / 2, (part[0] - part[1]) / 2
        assert np.degrees(np.arcsin(np.sum(mid * side) / np.sum(mid**2))) == pytest.approx(expected, abs=6)


def test_mirrored_scene_is_the_scene_with_channels_swapped(bank: SoundBank) -> None:
    left = SceneRenderer(bank, dry_pool((2.0, 1.0, 0.3))).render(recipe(event(bank)))
    right = SceneRenderer(bank, dry_pool((2.0, -1.0, 0.3))).render(recipe(event(bank)))
    assert np.abs(left.audio - right.audio[::-1]).max() < 1e-5
    assert left.labels.mirrored().with_columns(onscreen=right.labels.onscreen).same_as(right.labels)


def test_same_class_sources_are_told_apart_and_interference_is_not_labelled(bank: SoundBank) -> None:
    pool = dry_pool((2.0, 1.0, 0.0), (2.0, -1.0, 0.0), (1.0, 0.0, 0.0))
    noise = event(bank, "interference", rirs=(2,))
    scene = SceneRenderer(bank, pool).render(recipe(event(bank, rirs=(0,)), event(bank, rirs=(1,)), noise))
    assert set(scene.labels.source.tolist()) == {0, 1}
    assert set(scene.labels.class_index.tolist()) == {0}


def test_stems_add_up_to_the_scene(synthesizer: Synthesizer) -> None:
    scene = synthesizer.scene(np.random.SeedSequence(7))
    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    events, noise = renderer.stems(scene.recipe)
    assert len(events) == len(scene.recipe.events)
    assert np.abs(np.sum([*events, noise], axis=0) - scene.audio).max() < 1e-4
    quiet = renderer.render(scene.recipe, noise=False)
    dry = np.sum(events, axis=0)
    assert np.abs(quiet.audio / np.abs(quiet.audio).max() - dry / np.abs(dry).max()).max() < 1e-3
    assert quiet.labels.same_as(scene.labels)


def test_direct_sound_is_rendered_on_request_and_changes_nothing_else(synthesizer: Synthesizer) -> None:
    config = SceneConfig(flaw_probability=0.5)
    asked = Synthesizer(synthesizer.bank, synthesizer.pool, config)
    for number in range(4):
        seed = np.random.SeedSequence(number)
        plain, both = asked.scene(seed), asked.scene(seed, direct=True)
        assert plain.recipe == both.recipe
        assert plain.audio.tobytes() == both.audio.tobytes()
        assert plain.labels.same_as(both.labels)
        assert plain.direct is None
        assert both.direct is not None
        assert both.direct.shape == plain.audio.shape
        assert 0 < np.square(both.direct).sum() < np.square(plain.audio).sum()


def test_direct_sound_of_a_dry_scene_is_the_scene(bank: SoundBank, free_field: Callable[..., RirPool]) -> None:
    renderer = SceneRenderer(bank, free_field((2.0, 1.0, 0.0), (1.0, -2.0, 0.5)))
    walk = event(bank, rirs=(0, 1), path_speed=0.5)
    flawed = replace(recipe(walk, event(bank, "bell", rirs=(1,))), flaws=draw_flaws(np.random.default_rng(0)))
    for one in (recipe(walk), flawed):
        scene = renderer.render(one, direct=True)
        assert scene.direct is not None
        np.testing.assert_allclose(scene.direct, scene.audio, atol=1e-5)
    disturbed = renderer.render(recipe(walk, event(bank, "interference", rirs=(1,))), direct=True)
    assert disturbed.direct is not None
    other = np.sum(disturbed.audio - disturbed.direct, axis=0)
    assert np.abs(other).max() > 1e-3
    empty = renderer.render(recipe(event(bank, "interference", rirs=(1,))), direct=True)
    assert not np.any(empty.direct)


def test_recipe_of_other_rooms_is_named(bank: SoundBank) -> None:
    with pytest.raises(BankError, match="other rooms"):
        SceneRenderer(bank, dry_pool((1.0, 0.0, 0.0))).render(recipe(event(bank, rirs=(7,))))


def test_a_band_limited_source_keeps_its_band_and_its_start(bank: SoundBank) -> None:
    renderer = SceneRenderer(bank, dry_pool((1.0, 0.5, 0.0)))
    plain = renderer.render(recipe(event(bank, onset=1.0))).audio[0].astype(float)
    limited = renderer.render(recipe(event(bank, onset=1.0, band_hz=(300.0, 3000.0)))).audio[0].astype(float)
    frequency = np.fft.rfftfreq(plain.size, 1 / 24_000)
    ratio = np.abs(np.fft.rfft(limited)) ** 2, np.abs(np.fft.rfft(plain)) ** 2

    def change_db(low: float, high: float) -> float:
        inside = (frequency >= low) & (frequency < high)
        return float(10 * np.log10(ratio[0][inside].sum() / ratio[1][inside].sum()))

    middle = change_db(800, 1600)
    assert change_db(4200, 6000) < middle - 15
    assert change_db(60, 120) < middle - 12
    quiet = limited[:23_900]
    assert np.abs(quiet).max() < 1e-3 * np.abs(limited).max()  # nothing rings before the sound begins
