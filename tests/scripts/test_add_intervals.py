"""Intervals for a model that was exported without."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import LabelRows
from earwitness.detect.model.card import card_path, read_card

from .conftest import SCRIPTS

pytest.importorskip("pyroomacoustics", reason="score_model reads scenes (extra 'train')")


@dataclass(frozen=True)
class Clip:
    """What the script takes of a clip."""

    rows: LabelRows


def clips(count: int) -> tuple[list[Clip], list[EventTable]]:
    """Clips with one event each, detected up to 9 degrees off."""
    rng, made, events = np.random.default_rng(0), [], []
    for _ in range(count):
        columns = {"frame": np.arange(20), "class_index": int(rng.integers(13)), "distance": 2.0, "num_frames": 50}
        azimuth = round(rng.uniform(-60, 60))
        made.append(Clip(LabelRows.from_table(EventTable.from_columns(azimuth=azimuth, **columns))))
        events.append(EventTable.from_columns(azimuth=azimuth + rng.uniform(-9, 9), **columns))
    return made, events


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import add_intervals

    yield add_intervals
    for name in ("add_intervals", "score_model"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("count", [60, 900])
def test_the_card_gets_them_or_the_script_says_why_not(
    script: Any, count: int, meter_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, events = clips(count)
    monkeypatch.setattr(script, "read_set", lambda folder: (made, [Path("a.wav")] * count))
    monkeypatch.setattr(script, "listen", lambda model, sounds: SimpleNamespace(events=events))
    out = tmp_path / "with.onnx"
    monkeypatch.setattr(sys, "argv", ["add_intervals.py", str(meter_model), str(out), "set"])
    if count < 400:
        with pytest.raises(SystemExit, match="too few events"):
            script.main()
        assert not out.exists()
        return
    script.main()
    before, card = read_card(card_path(meter_model)), read_card(card_path(out))
    assert out.read_bytes() == meter_model.read_bytes()
    assert card.intervals is not None
    assert 15 < card.scores["interval/azimuth_width_deg"] < 21
    assert card.model_copy(update={"intervals": None, "scores": before.scores}) == before


def test_the_distance_factor_makes_distances_right(
    script: Any, meter_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, events = clips(900)
    far = [table.with_columns(distance=table.distance * 1.25) for table in events]
    monkeypatch.setattr(script, "read_set", lambda folder: (made, [Path("a.wav")] * 900))
    monkeypatch.setattr(script, "listen", lambda model, sounds: SimpleNamespace(events=far))
    out = tmp_path / "with.onnx"
    before = read_card(card_path(meter_model)).calibration.distance
    monkeypatch.setattr(sys, "argv", ["add_intervals.py", str(meter_model), str(out), "set", "--distance"])
    script.main()
    assert read_card(card_path(out)).calibration.distance == pytest.approx(before * 0.8, rel=0.01)
