import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics import Protocol, Scores, count, score_tables
from earwitness.metrics.scores import QUANTITIES

AVERAGES = ("macro", "macro_onscreen", "micro", "micro_onscreen")


def score(clips, protocol=Protocol.STRICT):
    return Scores.from_counts(count(*clips, protocol), protocol)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), protocol=st.sampled_from(Protocol))
def test_scores_stay_in_their_ranges(random_clips, seed, protocol):
    scores = score(random_clips(seed), protocol)
    for average in AVERAGES:
        result = getattr(scores, average)
        for name in ("f_score", "onscreen_accuracy", "onscreen_accuracy_always_off"):
            value = getattr(result, name)
            assert np.isnan(value) or 0 <= value <= 1
        assert np.isnan(result.doa_error_deg) or 0 <= result.doa_error_deg <= 180
    assert not scores.macro_onscreen.f_score > scores.macro.f_score
    assert not scores.micro_onscreen.f_score > scores.micro.f_score


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_perfect_predictions_score_one(random_clips, seed):
    names, references, _ = random_clips(seed)
    scores = score((names, references, references))
    if not sum(map(len, references)):
        assert np.isnan(scores.macro.f_score)
        return
    for average in AVERAGES:
        result = getattr(scores, average)
        assert (result.f_score, result.onscreen_accuracy) == (pytest.approx(1), pytest.approx(1))
        assert (result.doa_error_deg, result.relative_distance_error, result.distance_error) == (0, 0, 0)
        assert result.seld_error == pytest.approx(0)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), whole=st.booleans())
def test_strict_permuting_same_class_sources_changes_nothing(random_clips, seed, whole):
    names, references, predictions = random_clips(seed, whole=whole)
    random = np.random.default_rng(seed)
    shuffled = [[LabelRows(random.permutation(rows.values)) for rows in side] for side in (references, predictions)]
    for side in shuffled:
        for rows in side:
            rows.values[:, 2] = random.integers(0, 9, len(rows))
    one, other = count(names, references, predictions), count(names, *shuffled)
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_left_and_right_are_alike(random_clips, seed):
    """Mirroring both sides leaves all scores; ties aside, which whole degrees would make common."""
    names, references, predictions = random_clips(seed, classes=12, rows=5)
    mirrored = [[LabelRows(rows.values * [1, 1, 1, -1, 1, 1]) for rows in side] for side in (references, predictions)]
    one, other = score((names, references, predictions)), score((names, *mirrored))
    assert one.micro.doa_error_deg == pytest.approx(other.micro.doa_error_deg, nan_ok=True)


def test_always_off_is_the_share_of_references_off_screen():
    reference = [LabelRows(np.array([[f, 0, 0, 0, 100, f < 3] for f in range(10)], dtype=float))]
    prediction = [LabelRows(np.array([[f, 0, 0, 0, 100, f < 5] for f in range(10)], dtype=float))]
    scores = score((["a"], reference, prediction))
    assert scores.macro.onscreen_accuracy == pytest.approx(0.8)
    assert scores.macro.onscreen_accuracy_always_off == pytest.approx(0.7)
    silent = [LabelRows(prediction[0].values * [1, 1, 1, 1, 1, 0])]
    always_off = score((["a"], reference, silent))
    assert always_off.macro.onscreen_accuracy == always_off.macro.onscreen_accuracy_always_off


def test_macro_averages_classes_and_micro_pools_them():
    reference = [LabelRows(np.array([[0, 0, 0, 0, 100, 0], [1, 0, 0, 0, 100, 0], [0, 1, 0, 0, 100, 0]], dtype=float))]
    prediction = [LabelRows(np.array([[0, 0, 0, 30, 100, 0], [0, 1, 0, 0, 150, 0]], dtype=float))]
    scores = score((["a"], reference, prediction))
    assert scores.macro.per_class.f_score[:2].tolist() == [0, 1]
    assert np.isnan(scores.macro.per_class.f_score[2:]).all()
    assert scores.macro.f_score == pytest.approx(0.5)
    assert scores.micro.f_score == pytest.approx(1 / 2.5)
    assert scores.macro.doa_error_deg == pytest.approx(15)
    assert scores.macro.distance_error == pytest.approx(25)
    assert scores.macro.relative_distance_error == pytest.approx(0.25)
    assert scores.macro.seld_error == pytest.approx((0.5 + 15 / 180 + 0.25) / 3)
    assert scores.micro.per_class is None


def test_a_class_only_in_predictions_counts_as_zero_in_strict():
    reference = [LabelRows(np.array([[0, 0, 0, 0, 100, 0]], dtype=float))]
    prediction = [LabelRows(np.array([[0, 0, 0, 0, 100, 0], [0, 4, 0, 0, 100, 0]], dtype=float))]
    assert score((["a"], reference, prediction)).macro.f_score == pytest.approx(0.5)


def test_json_has_the_contracted_keys_and_no_nan(random_clips):
    result = score(random_clips(0), Protocol.DCASE2025).as_dict()
    for average in AVERAGES:
        assert set(QUANTITIES) <= set(result[average])
        assert ("per_class" in result[average]) == average.startswith("macro")
    assert all(len(values) == 13 for values in result["macro"]["per_class"].values())
    assert result["macro"]["per_class"]["doa_error_deg"][12] is None
    assert result["protocol"] == "dcase2025"


def table(**columns):
    return EventTable.from_columns(**{"frame": [0, 1], "class_index": 2, "azimuth": 0, "distance": 2.0, **columns})


def test_tables_score_as_their_csv_files_would():
    """19.6 degrees of error are 20 in a CSV file; 2.004 m are 200 cm."""
    scores = score_tables([table(azimuth=[0, 0.4])], [table(azimuth=[20.4, 20], distance=2.004)])
    assert scores.macro.doa_error_deg == 20
    assert scores.macro.distance_error == 0
    assert scores.macro.f_score == 1


def test_tables_refuse_rows_without_direction():
    with pytest.raises(LabelError, match="row 1 has no azimuth"):
        score_tables([table()], [table(azimuth=[0, np.nan])])


def test_tables_must_pair_up():
    with pytest.raises(LabelError, match="2 references, 1 predictions"):
        score_tables([table(), table()], [table()])
    with pytest.raises(ValueError, match="dcase1999"):
        score_tables([table()], [table()], "dcase1999")


def test_names_of_tables_serve_grouping():
    scores = score_tables(
        [table(), table()], [table(), table()], names=["fold4_room1_mix001_x", "fold4_room2_mix001_x"]
    )
    assert scores.counts.grouped("room").files == ("room1", "room2")
