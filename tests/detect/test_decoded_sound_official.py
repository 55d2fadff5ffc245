"""A stream's outputs become events by the rule that the model's card names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earwitness.detect.decoded_sound import decode_sound
from earwitness.detect.live_stream import LiveStream
from earwitness.detect.model.card import ModelCard
from earwitness.features import FeatureConfig


class Runner:
    """Returns two tracks 60 degrees apart, mirror images of each other about the left."""

    def __init__(self, decoding: str) -> None:
        self.card = ModelCard.model_validate(
            {"name": "fake", "features": FeatureConfig(), "model": {}, "thresholds": (0.5,) * 13, "decoding": decoding}
        )

    def outputs(self, blocks: Any, *, any_sound: bool = False) -> Any:
        samples = sum(block.shape[1] for block in blocks)
        output = np.zeros((samples // 2400, 3, 13, 4), np.float32)
        for track, azimuth in enumerate((60, 120)):
            output[:, track, 0, :2] = np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))
        yield output


@pytest.mark.parametrize(("decoding", "events"), [("weighted", 1), ("official", 2)])
def test_the_card_decides_how_tracks_are_merged(decoding: str, events: int) -> None:
    sound = np.random.default_rng(0).normal(scale=0.1, size=(2, 12_000)).astype(np.float32)
    runner: Any = Runner(decoding)
    table = decode_sound([sound], runner, [0.5] * 13).table
    assert len(table) == 5 * events
    stream = LiveStream(runner, [0.5] * 13, 24_000)
    heard = [stream.push(np.tile(sound, 5)), stream.close()]
    assert sum(len(part) for part in heard) == 25 * events


def test_cards_of_before_decode_by_weights() -> None:
    plain = Runner("weighted").card.model_dump(mode="json", exclude={"decoding"})
    assert ModelCard.model_validate(plain).decoding == "weighted"
