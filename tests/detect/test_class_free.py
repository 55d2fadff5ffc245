from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.detect.any_sound.class_free import CLASS_FREE, supported, unexplained, with_free_scores

FRAMES = 60


def table(*events: tuple[int, int, int, float, float], free: bool = False) -> EventTable:
    """Events (class, first frame, end, azimuth, score)."""
    rows = [(one[0], frame, one[3], one[4]) for one in events for frame in range(one[1], one[2])]
    columns = {"class_index": [row[0] for row in rows], "frame": [row[1] for row in rows], "distance": 1.0,
               "azimuth": [row[2] for row in rows], "score": [row[3] for row in rows], "onscreen": False,
               "source": 0}  # fmt: skip
    made = EventTable.from_mapping({k: np.resize(v, len(rows)) for k, v in columns.items()}, FRAMES)
    return EventTable.from_mapping(
        {name: getattr(made, name) for name in columns}, FRAMES, CLASS_FREE
    ) if free else made  # fmt: skip


def test_what_a_class_explains_is_no_other_sound() -> None:
    classes = table((3, 10, 30, 20.0, 0.9))
    left = unexplained(table((0, 8, 32, 25.0, 0.9), (0, 40, 50, 25.0, 0.9), free=True), classes, 0.5)
    assert (left.frame.min(), left.frame.max()) == (40, 49)
    elsewhere = unexplained(table((0, 10, 30, -20.0, 0.9), free=True), classes, 0.5)
    assert len(elsewhere) == 20


def test_short_and_faint_sounds_are_left_out() -> None:
    assert len(unexplained(table((0, 10, 13, 0.0, 0.9), (0, 20, 40, 0.0, 0.4), free=True), table(), 0.5)) == 0


def test_one_track_between_two_events_stands_for_both() -> None:
    classes = table((3, 10, 30, 40.0, 0.9), (5, 10, 30, -40.0, 0.9))
    assert len(unexplained(table((0, 10, 30, 0.0, 0.9), free=True), classes, 0.5)) == 0
    assert len(unexplained(table((0, 10, 30, 80.0, 0.9), free=True), classes, 0.5)) == 20


def test_sounds_without_direction_explain_each_other() -> None:
    assert len(unexplained(table((0, 10, 30, np.nan, 0.9), free=True), table((3, 10, 30, np.nan, 0.9)), 0.5)) == 0


def test_events_that_nothing_confirms_are_told_apart() -> None:
    classes = table((3, 10, 20, 20.0, 0.9), (4, 30, 40, 20.0, 0.6), (5, 45, 55, 0.0, 0.6), (6, 45, 55, 60.0, 0.6))
    kept, gone = supported(classes, table((0, 10, 20, 30.0, 0.2), free=True))
    assert set(kept.class_index.tolist()) == {3, 5, 6}  # several at once are beyond doubt
    assert set(gone.class_index.tolist()) == {4}
    kept, gone = supported(table(), table(free=True))
    assert len(kept) == len(gone) == 0


def test_a_class_that_became_another_sound_scores_as_the_track_does() -> None:
    free = table((0, 10, 20, 25.0, 0.8), (0, 20, 30, -60.0, 0.9), free=True)
    scored = with_free_scores(table((0, 10, 30, 20.0, 0.5), free=True), free)
    assert scored.score.tolist() == pytest.approx([0.8] * 10 + [0.5] * 10)
