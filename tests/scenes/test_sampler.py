from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.scenes import RirPool, SceneConfig, SoundBank, Synthesizer


def test_bad_config_is_refused() -> None:
    with pytest.raises(ValueError, match="snr_db"):
        SceneConfig(snr_db=(30, 10))
    with pytest.raises(ValueError, match="class_weights"):
        SceneConfig(class_weights=(1.0, -2.0))


def test_sources_are_limited_and_sped_up_as_the_configuration_says(bank: SoundBank, pool: RirPool) -> None:
    config = SceneConfig(wide_speed=(1.2, 1.3), speed=(1.0, 1.0), band_probability=0.5, highest_hz=(3000.0, 4000.0))
    synthesizer = Synthesizer(bank, pool, config)
    events = [one for k in range(60) for one in synthesizer.draft(np.random.SeedSequence(k)).events]
    assert {one.speed for one in events if one.kind.endswith("speech")} == {1.0}
    assert all(1.2 <= one.speed <= 1.3 for one in events if not one.kind.endswith("speech"))
    limits = np.array([one.band_hz for one in events])
    assert 0.3 < np.mean(limits[:, 0] > 0) < 0.7
    assert 0.3 < np.mean(limits[:, 1] > 0) < 0.7
    assert np.all((limits[:, 1] == 0) | ((limits[:, 1] >= 3000) & (limits[:, 1] <= 4000)))
    with pytest.raises(ValueError, match="highest_hz"):
        SceneConfig(highest_hz=(3000.0, 13_000.0))


def test_sources_are_no_higher_or_lower_than_the_configuration_says(bank: SoundBank, pool: RirPool) -> None:
    def places(limits: tuple[float, float]) -> list[int]:
        synthesizer = Synthesizer(bank, pool, SceneConfig(elevation_deg=limits))
        recipes = [synthesizer.draft(np.random.SeedSequence(k)) for k in range(60)]
        return [index for one in recipes for event in one.events for index in event.rirs]

    level = np.degrees(np.arcsin(pool.position[:, 2] / np.linalg.norm(pool.position, axis=1)))
    lowest = max(level[pool.static(room)].min() for room in range(len(pool.rooms))) + 0.1
    inside = places((-90.0, lowest))
    assert len(inside) > 30
    assert level[inside].max() <= lowest < level[places((-90.0, 90.0))].max()
    with pytest.raises(BankError, match="widen elevation_deg"):
        places((89.0, 90.0))
    with pytest.raises(ValueError, match="elevation_deg"):
        SceneConfig(elevation_deg=(20.0, -20.0))
