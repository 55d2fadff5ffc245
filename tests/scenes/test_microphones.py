from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.errors import UsageError
from earwitness.scenes import SceneConfig
from earwitness.scenes.acoustics.microphones import microphone_called, sphere_response


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
