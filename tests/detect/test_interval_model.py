from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from earwitness import Detector
from earwitness.core.errors import LabelError, ModelError
from earwitness.core.events import EventTable
from earwitness.detect.detector import INTERVALS_VOID
from earwitness.detect.model.card import card_path, parse_card, read_card
from earwitness.detect.model.interval_model import TERMS, EventProperties, IntervalModel
from earwitness.export.tables import jsonl_pieces
from earwitness.results.document import read_document, to_json
from earwitness.results.saved import read_result
from earwitness.results.visual import EventKey

TERM = dict.fromkeys(TERMS, 0.0)


def error_model(value: float, **terms: float) -> dict[str, Any]:
    return {"classes": (value,) * 13, "terms": tuple((TERM | terms).values())}


def values(**changes: Any) -> dict[str, Any]:
    return {
        "azimuth": error_model(np.log(11.0), two_at_once=np.log(2.0)),
        "nearest": error_model(-np.log(2.0)),
        "farthest": error_model(np.log(3.0)),
        "azimuth_margin": (0.0, 0.0, 0.0),
        "distance_margin": (0.0, 0.0, np.log(2.0)),
        "events": (500, 300, 100),
    } | changes


def model(**changes: Any) -> IntervalModel:
    return IntervalModel.model_validate(values(**changes))


def events(*azimuths: float, frames: int = 20) -> EventTable:
    """Simultaneous events of different classes, at 2 m."""
    count = len(azimuths)
    return EventTable.from_columns(
        frame=np.tile(np.arange(5, 5 + frames), count),
        class_index=np.repeat(np.arange(count), frames),
        azimuth=np.repeat(azimuths, frames),
        distance=2.0,
        score=0.8,
        num_frames=50,
    )


def test_properties_of_events() -> None:
    found = EventProperties.of(events(30.0, -75.0))
    assert found.class_index.tolist() == [0, 1]
    assert found.group.tolist() == [1, 1]
    assert dict(zip(TERMS, found.terms[1].tolist(), strict=True)) == pytest.approx(
        {
            "two_at_once": 1, "three_at_once": 0, "score": 0.8, "side": 75 / 90, "far_side": 0.5,
            "duration": np.log(2), "unsteady": 0,
        }
    )  # fmt: skip
    steps = events(30.0).with_columns(azimuth=[30.0, 40.0] * 10)
    assert EventProperties.of(steps).terms[0, -1] == pytest.approx(np.log(11))
    assert len(EventProperties.of(EventTable.empty(50))) == 0


def test_lone_events_get_narrower_intervals_and_ends_stay_in_front() -> None:
    one = model().of(events(30.0))[EventKey(0, 0, 5)]
    assert one.azimuth == pytest.approx((20, 40))
    assert one.distance == pytest.approx((1, 6))
    two = model().of(events(30.0, -80.0))
    assert two[EventKey(0, 0, 5)].azimuth == pytest.approx((9, 51))
    assert two[EventKey(1, 0, 5)].azimuth == pytest.approx((-90, -59))
    three = model().of(events(30.0, -80.0, 0.0))
    assert three[EventKey(2, 0, 5)].distance == pytest.approx((0.5, 12))


def test_quantiles_that_cross_leave_an_interval_without_width() -> None:
    crossed = model(nearest=error_model(0.4), farthest=error_model(0.2)).of(events(0.0))[EventKey(0, 0, 5)]
    assert crossed.distance is not None
    assert crossed.distance[0] == pytest.approx(crossed.distance[1])


def test_sounds_without_direction_have_no_azimuth_interval() -> None:
    found = model().of(events(30.0).with_columns(azimuth=np.nan))[EventKey(0, 0, 5)]
    assert found.azimuth is None
    assert found.distance is not None
    nothing = events(30.0).with_columns(azimuth=np.nan, distance=np.nan)
    assert model().of(nothing) == {}
    assert model().of(EventTable.empty(9)) == {}


def test_extreme_weights_stay_finite() -> None:
    huge = error_model(1000.0)
    found = model(azimuth=huge, farthest=huge, nearest=error_model(-1000.0)).of(events(30.0))[EventKey(0, 0, 5)]
    assert found.azimuth == (-90, 90)
    assert found.distance is not None
    assert np.isfinite(found.distance).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"coverage": 1.0},
        {"coverage": 0.2},
        {"azimuth": {"classes": (0.0,) * 12, "terms": (0.0,) * len(TERMS)}},
        {"azimuth": {"classes": (0.0,) * 13, "terms": (0.0,)}},
        {"azimuth": error_model(float("nan"))},
        {"nearest": error_model(1e9)},
        {"azimuth_margin": (0.0, 0.0)},
        {"events": (1, 2, -3)},
        {"surprise": 1},
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any], meter_model: Path) -> None:
    with pytest.raises(ValidationError):
        model(**wrong)
    card = json.loads(card_path(meter_model).read_text()) | {"intervals": values(**wrong)}
    with pytest.raises(ModelError, match="not a usable model card: intervals"):
        parse_card(json.dumps(card).encode(), "m.json")


def with_intervals(meter_model: Path, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(meter_model.read_bytes())
    read_card(card_path(meter_model)).model_copy(update={"intervals": model()}).write(card_path(path))
    return path


def test_a_card_keeps_them_and_needs_one_value_per_class(meter_model: Path, tmp_path: Path) -> None:
    path = with_intervals(meter_model, tmp_path)
    assert read_card(card_path(path)).intervals == model()
    card = json.loads(card_path(path).read_text())
    for part in ("azimuth", "nearest", "farthest"):
        card["intervals"][part]["classes"] = [0.0] * 4
    with pytest.raises(ModelError, match=r"intervals\.azimuth\.classes has 4 values for 13 classes"):
        parse_card(json.dumps(card).encode(), "m.json")


def test_detection_gives_each_event_its_intervals(make_burst, meter_model: Path, tmp_path: Path) -> None:
    stereo = make_burst(10, (2, 3, 50), (6, 8, -50))
    result = Detector.load(with_intervals(meter_model, tmp_path), vision=None).detect_array(stereo, 24_000)
    assert result.settings["interval_coverage"] == 0.9
    assert result.events
    for event in result.events:
        assert event.azimuth_interval is not None
        assert event.azimuth_interval[0] <= event.azimuth <= event.azimuth_interval[1]
        assert event.distance_interval is not None


def test_older_cards_give_none(make_burst, meter_model: Path) -> None:
    result = Detector.load(meter_model, vision=None).detect_array(make_burst(10, (2, 3, 50)), 24_000)
    assert [event.azimuth_interval for event in result.events] == [None] * len(result.events)
    assert "interval_coverage" not in result.settings


def test_the_document_keeps_them(make_burst, meter_model: Path, tmp_path: Path) -> None:
    stereo = make_burst(10, (2, 3, 50))
    result = Detector.load(with_intervals(meter_model, tmp_path), vision=None).detect_array(stereo, 24_000)
    document = tmp_path / "clip.json"
    document.write_text(to_json(result))
    event = read_document(document).events[0]
    assert event.azimuth_interval_deg is not None
    read = read_result(document)
    assert read.events[0].azimuth_interval == event.azimuth_interval_deg
    assert read.events[0].distance_interval == event.distance_interval_m
    assert to_json(read).splitlines()[-3:] == to_json(result).splitlines()[-3:]  # the events
    line = json.loads(next(jsonl_pieces(result)))
    assert line["azimuth_interval_deg"] == list(event.azimuth_interval_deg)
    values = json.loads(document.read_text())
    values["events"][0]["azimuth_interval_deg"] = [50, 10]
    document.write_text(json.dumps(values))
    with pytest.raises(LabelError, match=r"azimuth_interval_deg: .*ends \(10\) before it begins \(50\)"):
        read_document(document)


def test_spaced_microphones_void_them(make_burst, meter_model: Path, tmp_path: Path) -> None:
    stereo = make_burst(10, (1, 9, 50))
    delayed = np.stack([stereo[0, 12:], stereo[1, :-12]])  # 0.5 ms
    detector = Detector.load(with_intervals(meter_model, tmp_path), vision=None)
    result = detector.detect_array(delayed, 24_000)
    assert result.events
    assert INTERVALS_VOID in result.warnings
    assert INTERVALS_VOID not in detector.detect_array(stereo, 24_000).warnings
