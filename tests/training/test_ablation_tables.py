from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="ablations need torch (extra 'train')")

from earwitness.core.events import EventTable
from earwitness.metrics.intervals import Interval
from earwitness.training.ablation_tables import (
    Row,
    SetOutputs,
    as_json,
    bounds,
    predictions_of,
    score_run,
    tuned_thresholds,
)

NAMES = tuple(f"fold4_room1_mix{number:03d}" for number in range(4))
BELL, KNOCK = 11, 12


def truth(number: int) -> EventTable:
    """A second of a bell in every clip, in another direction."""
    return EventTable.from_columns(
        frame=np.arange(10), class_index=BELL, azimuth=20.0 * number - 30, distance=2.0, onscreen=False, num_frames=10
    )


def outputs(length: float, **more: object) -> SetOutputs:
    """Every bell, with vectors of this length, and a knock at 0.3 that is not there."""
    fields = np.zeros((len(NAMES), 10, 3, 13, 4), np.float32)
    fields[..., 2] = 2.0
    for number in range(len(NAMES)):
        angle = np.radians(20.0 * number - 30)
        fields[number, :, :, BELL, :2] = length * np.array([np.cos(angle), np.sin(angle)])
        fields[number, :, :, KNOCK, 0] = 0.3
    return SetOutputs(NAMES, fields, tuple(map(truth, range(len(NAMES)))), **more)  # type: ignore[arg-type]


def row(name: str, *lengths: float) -> Row:
    scored = [score_run(outputs(0.8), outputs(length)) for length in lengths]
    return Row(name, "variant", tuple(counts for counts, _ in scored), tuple(valid for _, valid in scored))


def test_thresholds_are_tuned_on_the_validation_set_unless_the_recipe_fixes_them() -> None:
    tuned = tuned_thresholds(outputs(0.8))
    assert 0 < tuned[BELL] < 0.8
    assert tuned[KNOCK] > 0.3
    assert tuned_thresholds(outputs(0.8, threshold=0.25)).tolist() == [0.25] * 13
    counts, reached = score_run(outputs(0.8), outputs(0.8))
    assert reached == 1.0
    assert counts.files == NAMES


def test_events_are_changed_by_what_comes_after() -> None:
    given = outputs(0.8)
    plain = predictions_of(given, np.full(13, 0.5))
    assert [len(table) for table in plain] == [10] * len(NAMES)
    asked: list[str] = []

    def silenced(name: str, table: EventTable) -> EventTable:
        asked.append(name)
        return EventTable.empty(table.num_frames)

    assert [len(table) for table in predictions_of(given, np.full(13, 0.5), silenced)] == [0] * len(NAMES)
    assert tuple(asked) == NAMES


def test_rows_are_compared_with_the_reference_on_the_same_clips() -> None:
    reference, deaf = row("plain", 0.8, 0.8), row("deaf", 0.1)
    assert reference.scores.macro.f_score == 1.0
    assert [scores.macro.f_score for scores in reference.each] == [1.0, 1.0]
    difference = deaf.minus(reference).of("macro", "f_score")
    assert (difference.low, difference.estimate, difference.high) == pytest.approx((-1.0, -1.0, -1.0))
    values = json.loads(json.dumps(as_json([reference, deaf], reference), allow_nan=False))
    assert values["reference"] == "plain"
    assert "difference" not in values["rows"]["plain"]
    assert values["rows"]["deaf"]["difference"]["f_score"]["estimate"] == -1.0
    assert values["rows"]["deaf"]["per_class"]["bell"]["estimate"] == 0.0
    assert (values["rows"]["plain"]["runs"], values["rows"]["plain"]["f_score_each"]) == (2, [1.0, 1.0])


def test_undefined_bounds_are_null() -> None:
    assert bounds(Interval(0.12346, 0.1, float("nan"), 1.0)) == {"estimate": 0.1235, "low": None, "high": 1.0}
