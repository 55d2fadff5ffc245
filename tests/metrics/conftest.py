"""Random small clips, and a brute-force scorer to compare with."""

from itertools import permutations

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from earwitness.data.dcase.labels import LabelRows


def make_rows(random, rows, *, frames=4, classes=3, whole=False):
    """Random rows, crowded on purpose."""
    azimuth = random.integers(-180, 181, rows) if whole else random.uniform(-180, 180, rows)
    columns = (
        random.integers(0, frames, rows), random.integers(0, classes, rows), random.integers(0, 4, rows), azimuth,
        random.integers(1, 800, rows), random.integers(0, 2, rows),
    )  # fmt: skip
    return LabelRows(np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1))


@pytest.fixture(scope="session")
def random_clips():
    """(seed, clips, rows) -> names, references, predictions."""

    def make(seed, clips=3, rows=12, **options):
        random = np.random.default_rng(seed)
        names = [f"fold4_room{1 + i % 2}_mix{i // 4:03d}_deg000_start{i:04d}" for i in range(clips)]
        pairs = [[make_rows(random, int(random.integers(0, rows)), **options) for _ in range(2)] for _ in names]
        return names, [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    return make


def fold_one(azimuth):
    azimuth = (azimuth + 180) % 360 - 180
    return 180 - azimuth if azimuth > 90 else -180 - azimuth if azimuth < -90 else azimuth


def match_cell(refs, preds, official):
    """Pairs of one cell by SciPy; its cost is checked against every possible assignment."""
    if not official:
        refs, preds = (sorted(rows, key=lambda row: (fold_one(row[3]), row[4], row[5])) for rows in (refs, preds))
    cost = np.array([[abs(fold_one(ref[3]) - fold_one(pred[3])) for pred in preds] for ref in refs])
    cost = cost.reshape(len(refs), len(preds))
    chosen = linear_sum_assignment(cost)
    square = cost if len(refs) <= len(preds) else cost.T
    orders = permutations(range(square.shape[1]), square.shape[0])
    best = min(sum(square[row, column] for row, column in enumerate(order)) for order in orders)
    assert cost[chosen].sum() == pytest.approx(best)
    return [(refs[row], preds[column]) for row, column in zip(*chosen, strict=True)]


def brute_force(references, predictions, official):
    """Counts of each class, cell by cell: a dict of lists of 13."""
    total = {name: [0.0] * 13 for name in ("tp", "tp_on", "pairs", "fn", "fp", "angle", "distance", "relative", "on")}
    for reference, prediction in zip(references, predictions, strict=True):
        if prediction is None and official:
            continue
        rows_r, rows_p = reference.values.tolist(), [] if prediction is None else prediction.values.tolist()
        end = max([row[0] for row in rows_r], default=0) if official else 10**6
        for frame in {int(row[0]) for row in rows_r + rows_p if row[0] < end}:
            for c in range(13):
                refs = [row for row in rows_r if row[:2] == [frame, c]]
                preds = [row for row in rows_p if row[:2] == [frame, c]]
                total["fn"][c] += max(0, len(refs) - len(preds))
                total["fp"][c] += max(0, len(preds) - len(refs))
                for ref, pred in match_cell(refs, preds, official):
                    angle, distance = abs(fold_one(ref[3]) - fold_one(pred[3])), abs(ref[4] - pred[4])
                    good, same = angle <= 20 and distance / ref[4] <= 1, ref[5] == pred[5]
                    values = (good, good and same, 1, angle, distance, distance / ref[4], same)
                    names = ("tp", "tp_on", "pairs", "angle", "distance", "relative", "on")
                    for name, value in zip(names, values, strict=True):
                        total[name][c] += value
    return total


@pytest.fixture(scope="session")
def brute_force_counts():
    return brute_force
