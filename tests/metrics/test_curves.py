from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics.curves import (
    Reliability,
    answers,
    azimuth_curve,
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
