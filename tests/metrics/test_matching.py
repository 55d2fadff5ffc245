import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from earwitness.metrics.matching import match


def reference_matches(cell_r, azimuth_r, cell_p, azimuth_p):
    """SciPy on every cell, in row order."""
    pairs = set()
    for cell in set(cell_r.tolist()) & set(cell_p.tolist()):
        rows, columns = np.flatnonzero(cell_r == cell), np.flatnonzero(cell_p == cell)
        chosen = linear_sum_assignment(np.abs(azimuth_r[rows][:, None] - azimuth_p[columns][None, :]))
        pairs |= set(zip(rows[chosen[0]].tolist(), columns[chosen[1]].tolist(), strict=True))
    return pairs


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 180), st.sampled_from([1.0, 0.1]))
def test_ties_fall_as_scipy_lets_them_fall(data, cells, spread, step):
    """On a line ties are the rule; tenths of a degree cannot be summed exactly, whole degrees can."""
    sides = []
    for _ in range(2):
        rows = data.draw(st.lists(st.tuples(st.integers(0, cells), st.integers(0, spread)), max_size=14))
        array = np.array(rows, dtype=np.int64).reshape(-1, 2)
        sides += [array[:, 0], array[:, 1] * step]
    found = match(*sides)
    pairs = set(zip(found.reference.tolist(), found.prediction.tolist(), strict=True))
    assert pairs == reference_matches(*sides)
    assert sorted([*found.reference.tolist(), *found.missed.tolist()]) == list(range(sides[0].size))
    assert sorted([*found.prediction.tolist(), *found.false_alarms.tolist()]) == list(range(sides[2].size))


def test_nearest_wins_over_order():
    cell = np.zeros(2, dtype=np.int64)
    found = match(cell, np.array([0.0, 50.0]), cell, np.array([48.0, 1.0]))
    assert dict(zip(found.reference.tolist(), found.prediction.tolist(), strict=True)) == {0: 1, 1: 0}


def test_nothing_on_either_side():
    none, some = np.zeros(0, dtype=np.int64), np.array([3])
    assert match(none, np.zeros(0), none, np.zeros(0)).reference.size == 0
    assert match(some, np.zeros(1), none, np.zeros(0)).missed.tolist() == [0]
    assert match(none, np.zeros(0), some, np.zeros(1)).false_alarms.tolist() == [0]
