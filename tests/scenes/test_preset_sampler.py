from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.scenes import PoolConfig, RirPool, SceneConfig, SoundBank, Synthesizer
from earwitness.scenes.bank.sound_bank import INTERFERENCE
from earwitness.scenes.sampling.presets import named_preset
from earwitness.scenes.scene import SceneRecipe

ROOMS = PoolConfig(rooms=4, positions=14, paths=2, path_points=6, seed=3, kind="varied")
SCENES = 150


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> RirPool:
    pytest.importorskip("pyroomacoustics")
    return RirPool.open(ROOMS, tmp_path_factory.mktemp("varied"))


@pytest.fixture(scope="module")
def synthesizer(bank: SoundBank, varied: RirPool) -> Synthesizer:
    return Synthesizer(bank, varied, SceneConfig(preset=named_preset("starss"), interference_probability=0.0))


@pytest.fixture(scope="module")
def scenes(synthesizer: Synthesizer) -> list[SceneRecipe]:
    return [synthesizer.draft(np.random.SeedSequence(9, spawn_key=(index,))) for index in range(SCENES)]


def seconds(synthesizer: Synthesizer, recipe: SceneRecipe, kind: str) -> list[float]:
    """How long each source of a kind sounds in a scene."""
    from earwitness.scenes.renderer import SceneRenderer

    tracks = SceneRenderer(synthesizer.bank, synthesizer.pool).tracks(recipe)
    return [float(track.active.sum()) / 10 for track in tracks if track.kind == kind]


def elevations(synthesizer: Synthesizer, scenes: list[SceneRecipe], kind: str) -> np.ndarray:
    places = synthesizer.pool.position[[one.rirs[0] for scene in scenes for one in scene.events if one.kind == kind]]
    return np.degrees(np.arctan2(places[:, 2], np.hypot(places[:, 0], places[:, 1])))


def test_music_outlasts_the_scene_and_speech_comes_in_turns(
    synthesizer: Synthesizer, scenes: list[SceneRecipe]
) -> None:
    music = [length for scene in scenes for length in seconds(synthesizer, scene, "music")]
    speech = [length for scene in scenes for length in seconds(synthesizer, scene, "male_speech")]
    knocks = [length for scene in scenes for length in seconds(synthesizer, scene, "knock")]
    assert np.median(music) >= 4.5
    assert np.median(speech) < 4
    assert np.median(knocks) < 2
    turns = [
        one
        for scene in scenes
        for one in scene.events
        if one.kind == "male_speech" and max(one.pauses, default=0) > 0.4
    ]
    assert turns


def test_steps_are_below_voices(synthesizer: Synthesizer, scenes: list[SceneRecipe]) -> None:
    steps = elevations(synthesizer, scenes, "footsteps")
    voices = np.concatenate([elevations(synthesizer, scenes, kind) for kind in ("female_speech", "male_speech")])
    assert steps.mean() < voices.mean() - 8
    assert voices.mean() == pytest.approx(-17, abs=8)


def test_one_source_is_alone_in_most_frames(synthesizer: Synthesizer, scenes: list[SceneRecipe]) -> None:
    from earwitness.scenes.renderer import SceneRenderer

    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    at_once = np.concatenate(
        [np.sum([track.active for track in renderer.tracks(scene)] or [np.zeros(50)], axis=0) for scene in scenes]
    )
    counts = np.bincount(at_once[at_once > 0].astype(int), minlength=4)[1:] / (at_once > 0).sum()
    assert counts[0] == pytest.approx(0.61, abs=0.09)
    assert counts[1] == pytest.approx(0.30, abs=0.08)
    assert len(counts) == 3  # max_overlap


def test_sources_keep_apart_and_scenes_come_again(synthesizer: Synthesizer, scenes: list[SceneRecipe]) -> None:
    for index, scene in enumerate(scenes[:20]):
        places = [one.rirs[0] for one in scene.events]
        assert len(places) == len(set(places))
        assert synthesizer.draft(np.random.SeedSequence(9, spawn_key=(index,))) == scene
        assert SceneRecipe.from_json(scene.to_json()) == scene


def test_scenes_of_a_preset_are_rendered_as_labelled(synthesizer: Synthesizer, scenes: list[SceneRecipe]) -> None:
    """Where nothing is labelled it is quiet, cut sounds included; the bed is left out."""
    from earwitness.scenes.renderer import SceneRenderer

    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    cut = [scene for scene in scenes if any(any(one.cuts) for one in scene.events)][:6]
    assert len(cut) == 6
    for scene in cut:
        rendered = renderer.render(scene, noise=False)
        assert np.isfinite(rendered.audio).all()
        active = np.any([track.active for track in rendered.tracks], axis=0)
        level = np.sqrt(np.mean(rendered.audio[:, :].astype(float).reshape(2, 50, 2400) ** 2, axis=(0, 2)))
        assert level[active].max() > 0.01


def test_a_cut_sound_ends_where_its_recipe_says(synthesizer: Synthesizer) -> None:
    from earwitness.scenes.renderer import SceneRenderer
    from earwitness.scenes.scene import EventRecipe

    renderer = SceneRenderer(synthesizer.bank, synthesizer.pool)
    name = next(one.name for one in synthesizer.bank.sounds if one.kind == "music")
    event = EventRecipe((name, name), "music", 0.0, 0.3, 1.0, (0.0,) * 6, -20.0, (0,), pauses=(0.7,), cuts=(0.5, 0.25))
    dry = renderer.dry(event)
    assert dry.size == round(1.45 * 24_000)
    assert not dry[12_000 : 12_000 + 16_800].any()
    assert np.abs(dry[11_990:12_000]).max() < 0.02 * np.abs(dry).max()
    np.testing.assert_allclose(renderer.dry(event, 6000)[:6000], dry[:6000])


def test_the_preset_takes_a_share_and_interference_stays(bank: SoundBank, varied: RirPool) -> None:
    config = SceneConfig(preset=named_preset("starss"), preset_share=0.5, interference_probability=1.0)
    synthesizer = Synthesizer(bank, varied, config)
    drawn = [synthesizer.draft(np.random.SeedSequence(1, spawn_key=(index,))) for index in range(60)]
    by_preset = [scene for scene in drawn if any(one.cuts for one in scene.events)]
    assert 15 <= len(by_preset) <= 45
    assert np.mean([any(one.kind == INTERFERENCE for one in scene.events) for scene in drawn]) > 0.8


def test_varied_pools_are_named_and_found_again() -> None:
    assert PoolConfig.named(ROOMS.name) == ROOMS
    plain = ROOMS.model_copy(update={"kind": "plain"})
    assert PoolConfig.named(plain.name) == plain
    assert ROOMS.name.removesuffix("-varied") == plain.name


def test_rooms_and_places_are_as_varied_as_real_ones(varied: RirPool, tmp_path: Path) -> None:
    from earwitness.scenes.acoustics.simulated_rooms import (
        DISTANCE,
        ROOM_KINDS,
        draw_place,
        draw_room_of_kind,
        draw_walk,
    )

    rng = np.random.default_rng(0)
    rooms = [draw_room_of_kind(rng) for _ in range(120)]
    assert {room.kind for room in rooms} == {kind.name for kind in ROOM_KINDS}
    assert min(room.rt60 for room in rooms) >= 0.15
    assert max(room.rt60 for room in rooms) == pytest.approx(1.2, abs=0.15)
    for room in rooms:
        margin = min(room.microphone[0], room.microphone[1], *(np.array(room.size[:2]) - room.microphone[:2]))
        assert margin >= 0.5
    offsets = np.stack([draw_place(room, rng) - np.array(room.microphone) for room in rooms for _ in range(4)])
    distance = np.linalg.norm(offsets, axis=1)
    assert distance.min() >= DISTANCE[0] - 1e-9
    assert distance.max() <= DISTANCE[1]
    assert (distance > 2).mean() > 0.35
    for room in rooms[:20]:
        walk = np.stack(draw_walk(room, 6, 0.3, rng, on_floor=True))
        assert walk[:, 2].max() <= 0.12
        assert np.all(walk[:, :2] <= np.array(room.size[:2]))
    assert {room.kind for room in varied.rooms} <= {kind.name for kind in ROOM_KINDS}
    assert varied.onset is not None


def test_measured_reverberation_of_each_kind_is_what_was_drawn() -> None:
    pytest.importorskip("pyroomacoustics")
    from earwitness.scenes.acoustics.rooms import calibrated, measure_rt60, simulate
    from earwitness.scenes.acoustics.simulated_rooms import ROOM_KINDS, draw_place, draw_room_of_kind

    rng, seen = np.random.default_rng(4), set()
    while len(seen) < len(ROOM_KINDS):
        room = draw_room_of_kind(rng)
        if room.kind in seen:
            continue
        seen.add(room.kind)
        places = np.stack([draw_place(room, rng) for _ in range(6)])
        rirs = simulate(calibrated(room, rng), places, rng)
        measured = np.mean([[measure_rt60(rir[0], hz) for hz in (500.0, 1000.0)] for rir in rirs])
        assert measured == pytest.approx(room.rt60, rel=0.15), room.kind
