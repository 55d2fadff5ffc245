from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.sampling.labelled_runs import at_once, pauses_of, runs_of, windows

ROWS = [
    *(("a", frame, 1, 0, 30.0, -10.0) for frame in range(10)),
    *(("a", frame, 1, 0, 30.0 + frame - 20, -10.0) for frame in range(20, 40)),
    *(("a", frame, 1, 1, -30.0, 0.0) for frame in range(5, 8)),
    *(("b", frame, 8, 0, 170.0, -20.0) for frame in range(5)),
    *(("b", frame, 8, 0, -170.0, -20.0) for frame in range(5, 10)),
    ("b", 5, 8, 0, 0.0, 0.0),  # a second place in one frame
]


def test_runs_end_with_pauses_and_turn_across_the_back() -> None:
    runs = runs_of(ROWS)
    assert [(run.recording, run.class_index, run.source, run.first, run.end) for run in runs] == [
        ("a", 1, 0, 0, 10), ("a", 1, 0, 20, 40), ("a", 1, 1, 5, 8), ("b", 8, 0, 0, 10)
    ]  # fmt: skip
    assert runs[0].turn_deg == pytest.approx(0, abs=1e-3)
    assert runs[1].turn_deg == pytest.approx(19 * np.cos(np.radians(10)), abs=0.3)
    assert runs[3].turn_deg == pytest.approx(20 * np.cos(np.radians(20)), abs=0.3)


def test_pauses_and_how_many_sound_at_once() -> None:
    runs = runs_of(ROWS)
    assert pauses_of(runs) == {1: [1.0, np.inf, np.inf], 8: [np.inf]}
    shares, pairs = at_once(runs)
    assert shares == pytest.approx([37 / 40, 3 / 40, 0, 0])
    assert pairs == pytest.approx(3 / 40)


def test_windows_hold_the_sources_that_sound_in_them() -> None:
    assert list(windows(runs_of(ROWS), 10, 10)) == [[(1, 0), (1, 1)], [], [(1, 0)], [(1, 0)], [(8, 0)]]
