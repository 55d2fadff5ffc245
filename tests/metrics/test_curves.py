from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.curves import (
    FIGURES,
    Reliability,
    answers,
    azimuth_curve,
    curve_figures,
    curve_intervals,
    curve_sums,
    distance_curve,
    expected_calibration_error,
    recall_by_bin,
    second_sources,
)


def rows(*entries: tuple[int, int, int, float, float]) -> LabelRows:
    """Frame, class, source, azimuth, metres."""
    columns = zip(*entries, strict=True) if entries else ((),) * 5
    frame, sound, source, azimuth, metres = (list(column) for column in columns)
    table = EventTable.from_columns(
        frame=frame, class_index=sound, source=source, azimuth=azimuth, distance=metres, num_frames=50
    )
    return LabelRows.from_table(table)


def test_a_model_that_pulls_outwards_shows_it_on_both_sides() -> None:
    places = [-75, -45, -15, 15, 45, 75]
    true = rows(*((frame, 1, 0, float(azimuth), 2.0) for frame, azimuth in enumerate(places)))
    said = rows(*((frame, 1, 0, azimuth * 1.1, 2.0) for frame, azimuth in enumerate(places)))
    curve = azimuth_curve(answers([true], [said]))
    assert [one["true_deg"] for one in curve["1 event"]] == [15, 45, 75]
    assert [one["outwards_deg"] for one in curve["1 event"]] == pytest.approx([1.5, 4.5, 7.5], abs=0.51)
    assert [one["pairs"] for one in curve["1 event"]] == [2, 2, 2]
    assert curve["2 events"] == []


def test_overlap_counts_events_of_all_classes() -> None:
    true = rows((0, 1, 0, 30.0, 1.0), (0, 5, 0, -30.0, 1.0), (1, 1, 0, 30.0, 1.0))
    said = rows((0, 1, 0, 40.0, 1.0), (1, 1, 0, 30.0, 1.0))
    curve = azimuth_curve(answers([true], [said]))
    assert [one["outwards_deg"] for one in curve["2 events"]] == [10.0]
    assert [one["outwards_deg"] for one in curve["1 event"]] == [0.0]


def test_a_constant_distance_has_no_slope_and_a_true_one_has_one() -> None:
    metres = np.geomspace(0.6, 5.0, 20)
    true = rows(*((frame, 1, 0, 10.0, round(float(m), 2)) for frame, m in enumerate(metres)))
    constant = rows(*((frame, 1, 0, 10.0, 1.0) for frame in range(20)))
    half = rows(*((frame, 1, 0, 10.0, round(float(m**0.5), 2)) for frame, m in enumerate(metres)))
    assert distance_curve(answers([true], [true]))["slope"] == pytest.approx(1.0)
    flat = distance_curve(answers([true], [constant]))
    assert flat["slope"] == pytest.approx(0.0)
    assert np.isnan(flat["correlation"])
    halved = distance_curve(answers([true], [half]))
    assert halved["slope"] == pytest.approx(0.5, abs=0.02)
    assert halved["correlation"] == pytest.approx(1.0, abs=0.01)
    assert halved["bins"][0]["said_m"] > halved["bins"][0]["true_m"]


def test_second_sources_are_found_where_both_places_are_answered() -> None:
    true = rows(
        (0, 1, 0, 40.0, 1.0), (0, 1, 1, -40.0, 1.0), (1, 1, 0, 40.0, 1.0), (1, 1, 1, -40.0, 1.0), (2, 1, 0, 0.0, 1.0)
    )
    said = rows((0, 1, 0, 38.0, 1.0), (0, 1, 1, -38.0, 1.0), (1, 1, 0, 40.0, 1.0), (2, 1, 0, 0.0, 1.0))
    assert second_sources([true], [said]) == {"further": 2, "found": 0.5}
    far = rows((0, 1, 0, 38.0, 1.0), (0, 1, 1, 10.0, 1.0))
    assert second_sources([true], [far])["found"] == 0.0
    none = second_sources([rows((2, 1, 0, 0.0, 1.0))], [rows()])
    assert none["further"] == 0
    assert np.isnan(none["found"])


def test_nothing_said_is_no_curve() -> None:
    empty = answers([rows((0, 1, 0, 30.0, 1.0))], [rows()])
    assert azimuth_curve(empty)["1 event"] == []
    assert distance_curve(empty)["bins"] == []
    assert answers([], []).azimuth.size == 0


def table(azimuth: float, distance: float, frames: int = 10) -> EventTable:
    return EventTable.from_columns(
        frame=np.arange(frames), class_index=2, azimuth=azimuth, distance=distance, num_frames=50
    )


def test_shares_and_errors_of_each_bin() -> None:
    labels = [LabelRows.from_table(table(10.0, 2.0)) for _ in range(4)]
    events = [table(20.0, 2.0), table(10.0, 3.0), table(60.0, 2.0), EventTable.empty(50)]
    bins = [np.full(10, number // 2) for number in range(4)]
    result = recall_by_bin(labels, events, bins, 3)
    assert result["labels"] == [20, 20, 0]
    assert [row[0] for row in result["found"][:2]] == [1.0, 0.0]
    assert result["doa_error_deg"][0][0] == pytest.approx(5.0)
    assert result["doa_error_deg"][1][0] == pytest.approx(50.0)
    assert result["relative_distance_error"][0][0] == pytest.approx(0.25)
    for name in ("found", "doa_error_deg", "relative_distance_error"):
        value, low, high = result[name][0]
        assert low <= value <= high
        assert np.isnan(result[name][2][0])


def test_bins_say_what_was_said_and_what_was_true():
    probability = np.array([0.0, 0.05, 0.31, 0.39, 0.35, 1.0])
    truth = np.array([False, False, True, False, True, True])
    table = Reliability.of(probability, truth)
    np.testing.assert_array_equal(table.count, [2, 0, 0, 3, 0, 0, 0, 0, 0, 1])
    assert table.predicted[3] == pytest.approx(0.35)
    assert table.observed[3] == pytest.approx(2 / 3)
    assert np.isnan(table.observed[1])
    assert table.error == pytest.approx((2 * 0.025 + 3 * (2 / 3 - 0.35)) / 6)


def test_true_probabilities_have_next_to_no_error():
    rng = np.random.default_rng(0)
    probability = rng.random((40_000, 3))
    truth = rng.random(probability.shape) < probability
    assert expected_calibration_error(probability, truth) < 0.01
    assert expected_calibration_error(probability**2, truth) == pytest.approx(1 / 6, abs=0.03)


def test_silence_alone_has_no_error_to_speak_of():
    assert np.isnan(expected_calibration_error(np.full(10, 0.01), np.zeros(10, bool)))
    assert np.isnan(Reliability.of(np.zeros(0), np.zeros(0, bool)).error)


def clips(outwards: float, number: int = 12) -> tuple[list[LabelRows], list[LabelRows]]:
    """Clips with two classes at once, and two sources of one class in their last frame, of which one is found."""
    rng = np.random.default_rng(0)
    true, said = [], []
    for _ in range(number):
        azimuth = rng.uniform(-80, 80, 40)
        metres = np.exp(rng.uniform(-0.5, 1.5, 40))
        places = [
            (frame, frame % 2, 0, float(a), float(m)) for frame, (a, m) in enumerate(zip(azimuth, metres, strict=True))
        ]
        noise = rng.normal(0, 2, 40)
        moved = np.clip(azimuth + np.sign(azimuth) * outwards + noise, -90, 90)
        predicted = [(f, c, s, float(a), float(np.sqrt(m))) for (f, c, s, _, m), a in zip(places, moved, strict=True)]
        true.append(rows(*places, (45, 7, 0, 60.0, 1.0), (45, 7, 1, -60.0, 1.0)))
        said.append(rows(*predicted, (45, 7, 0, 60.0, 1.0)))
    return true, said


def test_figures_of_sums_are_those_of_the_curves() -> None:
    true, said = clips(5.0)
    sums = curve_sums(true, said)
    assert sums.shape == (12, 26)
    figures = dict(zip(FIGURES, curve_figures(sums.sum(axis=0)).tolist(), strict=True))
    far = distance_curve(answers(true, said))
    assert figures["log_distance_slope"] == pytest.approx(far["slope"])
    assert figures["log_distance_correlation"] == pytest.approx(far["correlation"])
    assert figures["second_sources_found"] == second_sources(true, said)["found"] == 0
    curve = azimuth_curve(answers(true, said))["1 event"]
    for one in curve:  # the two sources of one class are no lone events in both
        name = f"bias_{one['true_deg'] // 10 * 10:.0f}_{one['true_deg'] // 10 * 10 + 10:.0f}_deg"
        assert figures[name] == pytest.approx(one["outwards_deg"])
    assert figures["largest_bias_below_70_deg"] == pytest.approx(5, abs=1.5)
    assert np.isfinite(figures["largest_bias_from_70_deg"])
    assert np.isnan(curve_figures(np.zeros(26))).all()


def test_paired_differences_are_more_exact_than_each_figure() -> None:
    true, said = clips(5.0)
    _, better = clips(1.0)
    own = curve_intervals(curve_sums(true, said))
    paired = curve_intervals(curve_sums(true, better), curve_sums(true, said))
    value, low, high = paired["bias_30_40_deg"]
    assert value == pytest.approx(-4, abs=0.5)
    assert low < value < high < 0
    assert high - low < own["bias_30_40_deg"][2] - own["bias_30_40_deg"][1]
    assert paired["log_distance_slope"] == pytest.approx([0, 0, 0], abs=1e-12)
