from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.errors import UsageError
from earwitness.scenes import SceneConfig
from earwitness.scenes.acoustics.microphones import (
    MICROPHONES,
    SpacedPair,
    draw_microphone,
    microphone_called,
    sphere_response,
)


def test_sphere_is_transparent_for_long_waves_and_a_wall_for_short_ones() -> None:
    facing, behind = sphere_response([1.0, -1.0], 1000.0, np.array([0.0, 0.01, 60.0]))
    assert facing[:2] == pytest.approx([1, 1], abs=0.02)
    assert abs(facing[2]) == pytest.approx(2, abs=0.05)
    assert abs(behind[2]) < abs(facing[2])
    # Lord Rayleigh's delay at low frequencies: 3 a / (2 c) on either side of the centre.
    ka = np.array([0.02])
    assert np.angle(sphere_response([1.0], 1000.0, ka)[0]) / ka == pytest.approx([1.5], abs=0.01)


def test_unknown_microphones_are_named() -> None:
    with pytest.raises(UsageError, match="ortf"):
        microphone_called("theremin")
    with pytest.raises(ValueError, match="theremin"):
        SceneConfig(microphone="theremin")


def test_pairs_of_any_spacing_have_names() -> None:
    assert microphone_called("omni-12cm") == SpacedPair("omni-12cm", 0.12, 1.0, 0.0)
    ortf, same = MICROPHONES["ortf"], microphone_called("cardioid-17cm-55deg")
    places, frequency = np.array([[1.0, 2.0, 0.3]]), np.linspace(0, 12_000, 9)
    np.testing.assert_allclose(same.pair(places, frequency), ortf.pair(places, frequency))


@pytest.mark.parametrize(
    "name",
    ["omni", "omni-0.1cm", "omni-300cm", "omni--3cm", "omni-12", "omni-12cm-95deg", "omni-1e1cm", "figure-8cm", "",
     "omni-12cm\n", "omni-\u0661cm"],
)  # fmt: skip
def test_names_of_impossible_pairs_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="or a pair such as omni-12cm"):
        microphone_called(name)


def test_microphones_are_drawn_by_their_shares_and_patterns_with_any_spacing() -> None:
    rng = np.random.default_rng(0)
    shares = {"dcase": 2.0, "omni": 1.0, "cardioid": 1.0, "head": 0.0}
    drawn = [draw_microphone(shares, rng) for _ in range(2000)]
    kinds = [name.partition("-")[0] for name in drawn]
    assert kinds.count("dcase") == pytest.approx(1000, abs=100)
    assert kinds.count("omni") == pytest.approx(500, abs=90)
    assert "head" not in kinds
    pairs = {microphone_called(name) for name in drawn} - {MICROPHONES["dcase"]}
    assert 2 <= min(pair.spacing for pair in pairs) * 100 < 3
    assert 23 < max(pair.spacing for pair in pairs) * 100 <= 25
    assert {pair.turn_deg for pair in pairs if pair.omni == 0.5} == set(range(0, 91, 10))
    assert {pair.turn_deg for pair in pairs if pair.omni == 1.0} == {0.0}
