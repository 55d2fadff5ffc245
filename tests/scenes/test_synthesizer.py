from __future__ import annotations

import numpy as np

from earwitness.core.geometry import fold
from earwitness.scenes import Synthesizer


def test_scenes_keep_to_their_distributions(synthesizer: Synthesizer) -> None:
    seeds = np.random.SeedSequence(1).spawn(60)
    scenes = [synthesizer.scene(seed) for seed in seeds]
    for scene in scenes:
        assert scene.audio.shape == (2, 120_000)
        assert scene.audio.dtype == np.float32
        assert 0.05 < np.abs(scene.audio).max() <= 0.9999
        assert np.bincount(scene.labels.frame, minlength=50).max() <= 3
        assert np.array_equal(scene.labels.azimuth, fold(scene.labels.azimuth))
        assert np.array_equal(scene.labels.azimuth, np.rint(scene.labels.azimuth))
    assert {int(c) for scene in scenes for c in scene.labels.class_index} == set(range(13))
    assert any(len(event.rirs) > 1 for scene in scenes for event in scene.recipe.events)
    assert any(scene.labels.source.max(initial=0) > 0 for scene in scenes)


def test_a_seed_gives_the_same_scene_again_and_another_seed_another_one(synthesizer: Synthesizer) -> None:
    one, again, other = (synthesizer.scene(np.random.SeedSequence(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.audio, again.audio)
    assert one.recipe.to_json() == again.recipe.to_json()
    assert not np.array_equal(one.audio, other.audio)


def test_a_draft_is_the_recipe_of_the_scene(synthesizer: Synthesizer) -> None:
    seed = np.random.SeedSequence(5)
    assert synthesizer.draft(seed) == synthesizer.scene(seed).recipe
