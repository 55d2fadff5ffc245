from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.scenes import SceneRecipe, Synthesizer


def test_recipe_survives_json_and_renders_the_same_samples(synthesizer: Synthesizer) -> None:
    scene = synthesizer.scene(np.random.SeedSequence(7))
    again = synthesizer.render(SceneRecipe.from_json(scene.recipe.to_json()))
    assert np.array_equal(scene.audio, again.audio)
    assert scene.labels.same_as(again.labels)
    with pytest.raises(BankError, match="not a scene recipe"):
        SceneRecipe.from_json('{"events": 3}')
