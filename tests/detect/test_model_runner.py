from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.model.card import ModelCard
from earwitness.detect.runner.model_runner import ModelRunner
from earwitness.features import FeatureConfig

CARD = ModelCard(name="fake", features=FeatureConfig(), model={}, thresholds=(0.5,) * 13)


class Fake:
    """Makes `frames` frames of a window, whatever it hears."""

    def __init__(self, channels: int = 5, frames: int = 50) -> None:
        self.channels, self.frames, self.modalities, self.classes = channels, frames, {}, None

    def run(self, features: NDArray[np.float32], _: object = None, *, any_sound: bool = False) -> NDArray[np.float32]:
        return np.ones((len(features), self.frames, 3, 13, 4), np.float32)


@pytest.mark.parametrize(("argument", "message"), [({"batch": 0}, "batch"), ({"overlap": 1.0}, "overlap")])
def test_wrong_settings_are_refused(argument: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ModelRunner(Fake(), CARD, **argument)


def test_a_model_of_other_channels_or_another_window_is_refused(make_burst: Callable[..., Any]) -> None:
    with pytest.raises(ModelError, match="takes 4 feature channels, but its card lists 5"):
        ModelRunner(Fake(channels=4), CARD)
    with pytest.raises(ModelError, match="3 frames for a window of 50"):
        list(ModelRunner(Fake(frames=3), CARD).outputs([make_burst(6)]))


@pytest.mark.parametrize(("seconds", "frames"), [(0.0, 0), (3.0, 50), (5.0, 50), (12.3, 123)])
def test_frames_of_a_stream(make_burst: Callable[..., Any], seconds: float, frames: int) -> None:
    outputs = list(ModelRunner(Fake(), CARD, batch=1).outputs([make_burst(seconds)]))
    assert sum(map(len, outputs)) == frames
    assert all((output == 1).all() for output in outputs)
