from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import encode, ideal_output
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.detect.model.interval_model import GROUPS, IntervalModel
from earwitness.training.export import calibrate
from earwitness.training.export.calibrate import FEW_EVENTS_LIMIT, tune_and_score_outputs
from earwitness.training.export.fit_intervals import EventErrors, IntervalCheck, conformal_quantile, fit_intervals

SPREAD_DEG = 5.0


def scenes(seed: int, clips: int) -> tuple[list[EventTable], list[EventTable]]:
    """True and predicted events: errors grow with the number of events at once, and half of them with the score."""
    rng = np.random.default_rng(seed)
    references, predictions = [], []
    for _ in range(clips):
        count = int(rng.integers(1, 4))
        classes = rng.choice(13, count, replace=False)
        azimuth, distance = rng.uniform(-60, 60, count), rng.uniform(0.7, 5, count)
        score = rng.uniform(0.3, 1.0, count)
        spread = SPREAD_DEG * count * (1.5 - score)
        said = np.clip(azimuth + spread * rng.standard_t(4, count), -90, 90)
        far = distance * np.exp(rng.normal(-0.3, 0.15 * count, count))
        frame = np.tile(np.arange(20), count)
        rows = np.repeat(np.arange(count), 20)
        references.append(
            EventTable.from_columns(
                frame=frame, class_index=classes[rows], azimuth=azimuth[rows], distance=distance[rows], num_frames=50
            )
        )
        predictions.append(
            EventTable.from_columns(
                frame=frame, class_index=classes[rows], azimuth=said[rows], distance=far[rows], score=score[rows],
                num_frames=50,
            )
        )  # fmt: skip
    return references, predictions


@pytest.fixture(scope="module")
def fitted() -> tuple[IntervalModel, dict[str, float]]:
    intervals, figures = fit_intervals(*scenes(1, 1200))
    assert intervals is not None
    return intervals, figures


def test_the_promised_share_of_other_events_lies_within_in_each_group(fitted) -> None:
    check = IntervalCheck.of(fitted[0], EventErrors.of(*scenes(2, 1200)))
    for group in range(len(GROUPS)):
        part = check.summary(check.group == group)
        assert part["azimuth_coverage"] == pytest.approx(0.9, abs=0.045)
        assert part["distance_coverage"] == pytest.approx(0.9, abs=0.045)
    widths = [check.summary(check.group == group)["azimuth_width_deg"] for group in range(len(GROUPS))]
    assert widths[0] < 0.5 * widths[2]


def test_a_low_score_makes_an_interval_wider(fitted) -> None:
    _, predictions = scenes(3, 200)
    errors = EventErrors.of(*scenes(3, 200))
    check = IntervalCheck.of(fitted[0], errors)
    lone = errors.properties.group == 0
    sure = errors.properties.terms[:, 2] > 0.65
    assert np.median(check.azimuth_width[lone & sure]) < 0.8 * np.median(check.azimuth_width[lone & ~sure])
    assert len(predictions) == 200


def test_the_figures_of_the_card_are_those_of_scenes_that_were_left_out(fitted) -> None:
    figures = fitted[1]
    assert figures["interval/azimuth_coverage"] == pytest.approx(0.9, abs=0.03)
    assert figures["interval/distance_coverage/1 event"] == pytest.approx(0.9, abs=0.05)
    assert figures["interval/azimuth_width_deg/1 event"] < figures["interval/azimuth_width_deg/3 events and more"]
    assert sum(figures[f"interval/events/{group}"] for group in GROUPS) == figures["interval/events"]
    assert figures["interval/events"] == sum(fitted[0].events)


def test_too_few_events_give_no_intervals_and_the_card_says_so() -> None:
    references, predictions = scenes(4, 40)
    assert fit_intervals(references, predictions) == (None, {})
    outputs = np.stack([ideal_output(encode(table)) for table in references])
    tuning = tune_and_score_outputs(outputs, references)
    assert tuning.intervals is None
    assert FEW_EVENTS_LIMIT in tuning.limits


def test_tuning_gives_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrate, "GRID", (0.5,))
    monkeypatch.setattr(calibrate, "SMOOTHINGS", calibrate.SMOOTHINGS[:1])
    references, _ = scenes(5, 300)
    rng = np.random.default_rng(5)
    turned = [table.with_columns(azimuth=table.azimuth + rng.uniform(-9, 9)) for table in references]
    tuning = tune_and_score_outputs(np.stack([ideal_output(encode(table)) for table in turned]), references)
    assert tuning.intervals is not None
    assert tuning.limits == ()
    assert 15 < tuning.scores["interval/azimuth_width_deg"] < 20  # 90 % of -9..9 degrees


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**16), size=st.integers(9, 60), coverage=st.sampled_from([0.5, 0.8, 0.9]))
def test_a_further_score_exceeds_the_quantile_as_rarely_as_promised(seed: int, size: int, coverage: float) -> None:
    """Exact for exchangeable scores: among n + 1 of them, every one is as likely to be the further one."""
    scores = np.random.default_rng(seed).standard_normal(size + 1)
    within = [scores[k] <= conformal_quantile(np.delete(scores, k), coverage) for k in range(size + 1)]
    assert coverage <= np.mean(within) <= coverage + 1 / (size + 1) + 1e-9


def test_too_few_scores_have_no_quantile() -> None:
    assert conformal_quantile(np.zeros(8), 0.9) == np.inf
    assert conformal_quantile(np.arange(9.0), 0.9) == 8


def test_classes_are_those_of_the_vocabulary() -> None:
    cough = replace(DCASE2025.classes[0], index=13, name="Cough", slug="cough")
    longer = Vocabulary("with cough", (*DCASE2025.classes, cough))
    references, predictions = ([replace(table, vocabulary=longer) for table in part] for part in scenes(6, 400))
    intervals, _ = fit_intervals(references, predictions)
    assert intervals is not None
    assert intervals.num_classes == 14
