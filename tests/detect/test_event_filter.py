from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from earwitness.core.events import EventTable
from earwitness.detect.event_filter import EventFilter, event_measures
from earwitness.detect.smoothing import Smoothing

EVEN = EventFilter(weights=(1.0, -1.0), usual_change_deg=0.0, levels=(0.0,) * 13)


def event(first: int, scores: list[float], azimuth: list[float], class_index: int = 3, source: int = 0) -> EventTable:
    return EventTable.from_columns(
        frame=range(first, first + len(scores)), class_index=class_index, azimuth=azimuth, distance=1, score=scores,
        source=source, num_frames=100,
    )  # fmt: skip


def both(*tables: EventTable) -> EventTable:
    return EventTable.concatenate(tables, num_frames=100)


def test_the_measures_are_the_highest_score_and_the_mean_change_of_the_azimuth() -> None:
    table = both(event(0, [0.2, 0.8, 0.5], [10, 16, 12], 5), event(50, [0.5] * 4, [-80, -80, -80, -80], 2))
    measures = event_measures(table)
    assert measures[:, 0] == pytest.approx([0.0, np.log(4)], abs=1e-5)  # by class
    assert measures[:, 1] == pytest.approx([0.0, np.log(6)])
    assert event_measures(EventTable.empty(5)).shape == (0, 2)


def test_events_without_direction_and_of_one_frame_have_the_usual_change() -> None:
    nan = float("nan")
    table = both(event(0, [0.5, 0.5], [nan, nan], 1), event(20, [0.5], [30], 2), event(40, [0.5, 0.5], [0, 8], 4))
    assert np.expm1(event_measures(table, 3.0)[:, 1]) == pytest.approx([3, 3, 8])


def test_weak_and_unsteady_events_are_dropped() -> None:
    faint = event(0, [0.45] * 6, [5] * 6)
    strong = event(20, [0.3, 0.3, 0.9, 0.3], [5] * 4)
    unsteady = event(40, [0.9] * 4, [0, 20, 0, 20])
    kept = Smoothing(min_event_frames=4, event_filter=EVEN).apply(both(faint, strong, unsteady))
    assert set(kept.frame.tolist()) == {20, 21, 22, 23}
    assert (np.diff(kept.frame) > 0).all()
    assert len(Smoothing(event_filter=EVEN).apply(EventTable.empty(5))) == 0


def test_each_class_has_its_level() -> None:
    table = both(event(0, [0.6] * 4, [5] * 4, 3), event(0, [0.6] * 4, [5] * 4, 7))
    levels = tuple(1.0 if index == 3 else 0.0 for index in range(13))
    kept = Smoothing(event_filter=EVEN.model_copy(update={"levels": levels})).apply(table)
    assert set(kept.class_index.tolist()) == {7}


def test_the_azimuth_counts_as_it_is_before_the_median_filter() -> None:
    table = event(0, [0.7] * 9, [0, 0, 40, 0, 0, 0, 40, 0, 0])
    plain = Smoothing(fill_max_deg=60, median_azimuth_frames=5)
    assert len(plain.apply(table)) == 9
    assert len(plain.model_copy(update={"event_filter": EVEN}).apply(table)) == 0


def test_new_classes_keep_all_events() -> None:
    own = EVEN.model_copy(update={"levels": (1.0, 2.0, 3.0)})
    assert own.for_classes([None, 2, 0]).levels == (None, 3.0, 1.0)
    keeping = EVEN.model_copy(update={"levels": (None,) * 13})
    assert keeping.keeps(EventTable.from_columns(frame=[0, 1], class_index=0, azimuth=0, distance=1, score=0.01)).all()
    assert EventFilter.model_validate_json(keeping.model_dump_json()) == keeping
    assert Smoothing(event_filter=own).for_classes([1, None]).event_filter == own.for_classes([1, None])
    assert Smoothing().for_classes([1, None]) == Smoothing()


@pytest.mark.parametrize(
    "wrong",
    [{"weights": (1.0,)}, {"levels": ()}, {"levels": (float("nan"),)}, {"usual_change_deg": -1}, {"weights": (1e9, 0)}],
)
def test_wrong_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EventFilter.model_validate(EVEN.model_dump() | wrong)
