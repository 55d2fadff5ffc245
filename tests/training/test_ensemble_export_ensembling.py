from __future__ import annotations

import numpy as np

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode, ideal_output
from earwitness.training.export.ensemble_export import combine_clips, tune_weights


def table(seed: int) -> EventTable:
    rng = np.random.default_rng(seed)
    frames = np.arange(2, 9)
    return EventTable.from_columns(
        frame=frames, class_index=np.full(7, seed % 13), azimuth=np.full(7, rng.uniform(-80, 80)),
        distance=np.full(7, 2.0), onscreen=np.zeros(7, bool), num_frames=10,
    )  # fmt: skip


REFERENCES = tuple(table(seed) for seed in range(26))
TRUTH = np.stack([ideal_output(encode(reference)) for reference in REFERENCES])


def test_a_member_that_only_disturbs_loses_its_weight() -> None:
    noise = np.random.default_rng(1).normal(size=TRUTH.shape).astype(np.float32)
    noise[..., 2:] = 1
    tuned = tune_weights([TRUTH, noise], REFERENCES)
    assert tuned.f_score > tuned.equal_f_score
    assert tuned.weights[0] > 2 * tuned.weights[1]
    assert sum(tuned.weights) == 1


def test_equal_weights_stay_where_nothing_is_gained() -> None:
    tuned = tune_weights([TRUTH, TRUTH[:, :, [2, 0, 1]]], REFERENCES)
    assert tuned.weights == (0.5, 0.5)
    assert tuned.f_score == tuned.equal_f_score == 1.0
    assert tune_weights([TRUTH], REFERENCES).weights == (1.0,)


def test_clips_are_combined_one_by_one() -> None:
    whole = combine_clips([TRUTH, np.zeros_like(TRUTH)], (3, 1))
    assert whole.shape == TRUTH.shape
    np.testing.assert_allclose(np.hypot(whole[..., 0], whole[..., 1]).max(axis=(1, 2, 3)), 0.75, atol=1e-6)
