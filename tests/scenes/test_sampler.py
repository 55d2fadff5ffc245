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


def test_microphones_are_drawn_for_each_scene_and_change_nothing_else(bank: SoundBank, pool: RirPool) -> None:
    shares = {"dcase": 0.5, "phone": 0.3, "omni": 0.2}
    common = {"flaw_probability": 0.9, "preset": "starss", "preset_share": 0.5}
    mixed, plain = (
        Synthesizer(bank, pool, SceneConfig(**common, **more)) for more in ({"microphones": shares}, {})
    )  # fmt: skip
    seeds = [np.random.SeedSequence(61, spawn_key=(0, k)) for k in range(200)]
    drafts = [mixed.draft(seed) for seed in seeds]
    names = [one.microphone.partition("-")[0] for one in drafts]
    assert {name: names.count(name) / 200 for name in shares} == pytest.approx(shares, abs=0.1)
    for drawn, seed in zip(drafts, seeds, strict=True):
        other = plain.draft(seed)
        assert (drawn.events, drawn.noise, drawn.view_deg) == (other.events, other.noise, other.view_deg)
        assert drawn.flaws == (other.flaws if drawn.microphone == "dcase" else None)
    scene = mixed.render(next(one for one in drafts if one.microphone.startswith("omni-") and one.events))
    assert np.isfinite(scene.audio).all()
    assert scene.audio.std() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"microphones": {"theremin": 1.0}}, "microphones: unknown microphone 'theremin'"),
        ({"microphone": "omni"}, "microphone: unknown microphone 'omni'"),
        ({"microphones": {"phone": -1.0, "dcase": 1.0}}, "none negative"),
        ({"microphones": {"phone": 0.0}}, "not all zero"),
        ({"microphones": {"phone": float("nan")}}, "finite number"),
        ({"microphones": {"phone": 1.0}, "flaw_probability": 0.5}, "which 'phone' is not"),
    ],
)
def test_microphones_that_cannot_be_drawn_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SceneConfig(**settings)
