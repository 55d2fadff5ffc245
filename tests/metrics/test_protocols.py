"""Each quirk of the official scorer, present in `dcase2025` and absent from `strict`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics import Protocol, Scores, count
from earwitness.metrics.counts import COLUMNS
from earwitness.metrics.protocols import ClipRows, scored_rows

ROW = (0, 3, 0, 10, 200, 0)


def rows(*values):
    return LabelRows(np.array(values, dtype=np.float64).reshape(-1, 6))


def at(frame, **changes):
    names = ("frame", "class_index", "source", "azimuth", "distance", "onscreen")
    return tuple({**dict(zip(names, ROW, strict=True)), "frame": frame, **changes}.values())


def totals(references, predictions, protocol):
    table = count([str(i) for i in range(len(references))], references, predictions, protocol).by()
    return {name: table[i] for i, name in enumerate(COLUMNS)}


def scores(references, predictions, protocol):
    counts = count([str(i) for i in range(len(references))], references, predictions, protocol)
    return Scores.from_counts(counts, protocol)


def test_the_last_labelled_frame_is_lost():
    reference, prediction = rows(at(0), at(1), at(2)), rows(at(0), at(1), at(2), at(3))
    assert totals([reference], [prediction], Protocol.DCASE2025)["found"] == 2
    assert totals([reference], [prediction], Protocol.DCASE2025)["false_alarms"] == 0
    assert totals([reference], [prediction], Protocol.STRICT)["found"] == 3
    assert totals([reference], [prediction], Protocol.STRICT)["false_alarms"] == 1


def test_false_alarms_in_silent_clips():
    assert totals([rows()], [rows(at(0), at(9))], Protocol.DCASE2025)["false_alarms"] == 0
    assert totals([rows()], [rows(at(0), at(9))], Protocol.STRICT)["false_alarms"] == 2


def test_a_missing_file():
    reference = [rows(at(0), at(1)), rows(at(0), at(5))]
    assert totals(reference, [reference[0], None], Protocol.DCASE2025)["missed"] == 0
    assert totals(reference, [reference[0], None], Protocol.STRICT)["missed"] == 2


def test_perfect_predictions_of_few_classes():
    reference = [rows(at(0), at(1), at(1, class_index=7), at(9))]
    assert scores(reference, reference, Protocol.STRICT).macro.f_score == 1
    assert scores(reference, reference, Protocol.DCASE2025).macro.f_score == pytest.approx(2 / 13)


def test_a_class_never_detected():
    reference = [rows(at(0), at(0, class_index=7, distance=300), at(1))]
    prediction = [rows(at(0, azimuth=20, distance=100))]
    official = scores(reference, prediction, Protocol.DCASE2025).macro
    strict = scores(reference, prediction, Protocol.STRICT).macro
    assert official.doa_error_deg == pytest.approx(10)
    assert strict.doa_error_deg == pytest.approx((10 + 180) / 2)
    assert official.relative_distance_error == pytest.approx(0.5)
    assert strict.relative_distance_error == pytest.approx((0.5 + 1) / 2)
    assert strict.distance_error == pytest.approx((100 + 300) / 2)
    assert (official.onscreen_accuracy, strict.onscreen_accuracy) == (pytest.approx(1), pytest.approx(0.5))
    assert scores(reference, prediction, Protocol.STRICT).undetected == (7,)
    assert np.isnan(strict.per_class.doa_error_deg[7])


def test_a_reference_at_zero_distance():
    reference, prediction = [rows(at(0, distance=0), at(1))], [rows(at(0, distance=5))]
    assert scores(reference, prediction, Protocol.DCASE2025).macro.relative_distance_error > 1e15
    assert scores(reference, prediction, Protocol.STRICT).micro.relative_distance_error == pytest.approx(5)


def official_tracks(sources):
    """What the official `organize_labels` keeps of one cell, said in a dictionary: track -> row."""
    tracks = {}
    for row, source in enumerate(sources):
        track = source
        if source in tracks or source >= 10:
            free = [number for number in range(10) if number not in tracks]
            track = free[0] if free else 0
        tracks[track] = row
    return list(tracks.values())


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 14), max_size=16), st.integers(0, 3))
def test_ten_tracks(sources, other):
    flood = [at(2, source=source, distance=100 + i) for i, source in enumerate(sources)]
    extra = [at(2, class_index=5, distance=900 + i) for i in range(other)]
    prediction = rows(*flood, *extra)
    _, kept = scored_rows([rows(at(2), at(3))], [prediction], Protocol.DCASE2025)
    distances = [100 + row for row in official_tracks(sources)] + [900 + i for i in range(other)]
    assert kept.rows.distance_cm.tolist() == distances
    _, all_of_them = scored_rows([rows(at(2), at(3))], [prediction], Protocol.STRICT)
    assert len(all_of_them.rows) == len(prediction)


def test_joining_skips_missing_files():
    joined = ClipRows.join([rows(at(0)), None, rows(), rows(at(1), at(2))])
    assert joined.clip.tolist() == [0, 3, 3]


def test_thresholds_are_inclusive():
    reference = [rows(at(0, azimuth=0, distance=100), at(1))]
    for change, found in (({"azimuth": 20}, 1), ({"azimuth": 21}, 0), ({"distance": 200}, 1), ({"distance": 201}, 0)):
        prediction = [rows(at(0, **{"azimuth": 0, "distance": 100, **change}))]
        for protocol in Protocol:
            assert totals(reference, prediction, protocol)["found"] == found


def test_azimuths_are_folded_before_they_are_compared():
    reference, prediction = [rows(at(0, azimuth=80), at(1))], [rows(at(0, azimuth=100))]
    for protocol in Protocol:
        assert totals(reference, prediction, protocol)["angle"] == 0
