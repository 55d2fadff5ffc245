from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY
from earwitness.core.errors import ModelError
from earwitness.detect.detector import Detector
from earwitness.detect.event_filter import EventFilter
from earwitness.detect.model.card import ModelCard, card_path, parse_card, read_card
from earwitness.detect.model.ensemble import Ensemble
from earwitness.detect.model.loading import ensemble_card
from earwitness.detect.smoothing import Smoothing
from earwitness.features import FeatureConfig

BIRDS: dict[str, Any] = {"name": "birds", "classes": [{"name": "Wren", "slug": "wren"}, {"name": "Owl", "slug": "owl"}]}
FILTER: dict[str, Any] = {"weights": (0.7, -0.7), "usual_change_deg": 1.0, "levels": (-1.0,) * 13}


class SilentRunner:
    """A member that is never run."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card


def card(**changes: Any) -> ModelCard:
    values = {"name": "m", "features": FeatureConfig(), "model": {}, "thresholds": (0.5,) * len(DEFAULT_VOCABULARY)}
    return ModelCard.model_validate(values | changes)


def test_a_card_carries_its_vocabulary_and_old_cards_have_the_default_one(tmp_path: Path) -> None:
    card().write(tmp_path / "m.json")
    values = json.loads((tmp_path / "m.json").read_text())
    assert values["vocabulary"]["classes"][0] == {"name": "Female speech", "slug": "female_speech"}
    del values["vocabulary"]
    assert parse_card(json.dumps(values).encode(), "m.json") == read_card(tmp_path / "m.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"thresholds": (0.5,) * 12},
        {"vocabulary": BIRDS},
        {"vocabulary": BIRDS, "thresholds": (0.5, 0.5), "calibration": {"slope": (2.0,) * 3, "offset": (0.0,) * 3}},
        {"calibration": {"slope": (2.0,) * 13, "offset": (0.0,) * 2}},
        {"smoothing": {"event_filter": FILTER | {"levels": (0.0,) * 12}}},
    ],
)
def test_a_card_has_one_value_per_class(changes: dict[str, Any]) -> None:
    values = card().model_dump(mode="json") | changes
    with pytest.raises(ModelError, match="not a usable model card"):
        parse_card(json.dumps(values).encode(), "m.json")
    assert len(card(vocabulary=BIRDS, thresholds=(0.5, 0.5)).vocabulary) == 2


def test_a_model_with_other_classes_is_refused_by_name(meter_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "birds.onnx"
    path.write_bytes(meter_model.read_bytes())
    read_card(card_path(meter_model)).model_copy(
        update={"vocabulary": card(vocabulary=BIRDS, thresholds=(0.5, 0.5)).vocabulary}
    ).write(card_path(path))
    values = json.loads(card_path(path).read_text())
    values["thresholds"] = [0.5, 0.5]
    card_path(path).write_text(json.dumps(values))
    with pytest.raises(ModelError, match="has outputs for 13 classes, but its card lists 2"):
        Detector.load(path, vision=None)


def test_members_with_different_classes_are_refused_by_name() -> None:
    birds = card(name="b", vocabulary=BIRDS, thresholds=(0.5, 0.5))
    with pytest.raises(ModelError, match="'b' does not fit 'm': the classes are those of 'birds'"):
        ensemble_card([card(), birds], ["m", "b"])
    with pytest.raises(ModelError, match="'b' does not fit the ensemble: the classes are those of 'birds'"):
        Ensemble((SilentRunner(birds),), card())  # type: ignore[arg-type]
    assert ensemble_card([birds, birds], ["b", "b"]).vocabulary == birds.vocabulary


def test_cards_with_and_without_a_filter_of_events_are_read(tmp_path: Path) -> None:
    card(smoothing={"event_filter": FILTER}).write(tmp_path / "m.json")
    assert read_card(tmp_path / "m.json").smoothing.event_filter == EventFilter(**FILTER)
    values = json.loads((tmp_path / "m.json").read_text())
    values["smoothing"] = {"min_event_score": 0.4}  # as cards had it before
    assert parse_card(json.dumps(values).encode(), "m.json").smoothing == Smoothing(min_event_score=0.4)
