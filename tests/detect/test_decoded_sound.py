from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.detect.decoded_sound import decode_sound
from earwitness.detect.incremental import IncrementalEvents
from earwitness.detect.model.loading import load
from earwitness.media.timeline import Stretch

Burst = Callable[..., Any]


@pytest.mark.parametrize("size", [24_000, 7_001])
def test_the_table_covers_the_sound_whatever_the_blocks(meter_model: Path, make_burst: Burst, size: int) -> None:
    runner, _ = load(meter_model)
    sound = make_burst(7.3, (1, 2, 40), (5, 6, -25))
    blocks = [sound[:, at : at + size] for at in range(0, sound.shape[1], size)]
    decoded = decode_sound(blocks, runner, runner.card.thresholds)
    assert decoded.table.num_frames == 73
    assert decoded.figures.seconds == pytest.approx(7.3)
    loud = decoded.table.frame[decoded.table.class_index == decoded.table.class_index[0]]
    assert set(range(11, 19)) <= set(loud.tolist())
    assert set(range(51, 59)) <= set(loud.tolist())
    assert not set(range(25, 45)) & set(loud.tolist())


def test_incremental_events_have_no_direction_in_undirected_stretches(
    meter_model: Path, make_burst: Burst, tmp_path: Path
) -> None:
    runner, _ = load(meter_model)
    sound = make_burst(7, (1, 2, 40), (5, 6, -25))
    with IncrementalEvents(tmp_path / "events.jsonl", runner.card.smoothing) as lines:
        decoded = decode_sound([sound], runner, runner.card.thresholds, lines, [Stretch(0.0, 3.0, "mono")])
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["azimuth_deg"] is None for event in events] == [True, False]
    assert np.isfinite(decoded.table.azimuth).all()
