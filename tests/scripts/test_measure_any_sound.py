from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.audioset_sounds import audioset_sounds, with_sounds
from earwitness.detect.smoothing import Smoothing


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("measure_any_sound")


def events(vocabulary, *rows):
    return EventTable.from_mapping(
        {
            "frame": [frame for _, first, end, _ in rows for frame in range(first, end)],
            "class_index": [vocabulary.by_slug(slug).index for slug, first, end, _ in rows for _ in range(first, end)],
            "azimuth": [azimuth for _, first, end, azimuth in rows for _ in range(first, end)],
            "source": 0, "distance": 1.0, "onscreen": False, "score": 1.0,
        },
        600,
        vocabulary,
    )  # fmt: skip


def test_events_are_counted(script: ModuleType) -> None:
    kinds = vocabulary_of(["dogs", "keys"], "unseen")
    sounds = {sound.slug: sound for sound in audioset_sounds()}
    both = with_sounds(DCASE2025, [sounds["dog"], sounds["rain"]])
    references = events(kinds, ("dogs", 10, 30, 20), ("keys", 100, 120, -20), ("dogs", 200, 220, 0)).events()
    before = events(DCASE2025, ("bell", 100, 120, -20), ("door", 300, 310, 0))
    after = events(both, ("dog", 12, 30, 25), ("rain", 100, 120, -30), ("dog", 200, 220, 40), ("door", 300, 310, 0))
    counts = script.Counts()
    script.count(counts, references, before, after)
    assert (counts.minutes, counts.references, counts.found, counts.named) == (1.0, 3, 2, 1)
    assert (counts.false, counts.misnamed, counts.before, counts.after) == (1, 1, 2, 1)


def test_every_kind_has_right_names_that_exist(script: ModuleType) -> None:
    known = {sound.slug for sound in audioset_sounds()}
    assert set(script.NAMES) == set(script.unseen_kinds())
    assert {name for names in script.NAMES.values() for name in names} <= known


def test_the_time_of_two_events(script: ModuleType) -> None:
    kinds = vocabulary_of(["dogs"], "unseen")
    one, other = events(kinds, ("dogs", 0, 10, 0), ("dogs", 20, 30, 0)).events()
    assert script.shared(one, one)
    assert not script.shared(one, other)
    turned = replace(one, table=one.table.with_columns(azimuth=30.0))
    assert script.shared(one, turned)
    assert not script.located(one, turned)


def test_the_tables_of_the_manual_are_printed(script: ModuleType) -> None:
    result = {
        "false_class_events_a_minute": {"every": 14.62, "classes": 9.04, "any": 6.8},
        "class_recall": {"every": 0.546, "classes": 0.523, "any": 0.5},
        "class_scores": {
            "scenes": 600,
            "macro": {"every": 0.53, "classes": 0.531},
            "worst_class": {"every": 0.236, "classes": 0.238},
            "change_by_class": {"bell": 0.004, "knock": -0.015},
        },
        "located_recall": 0.416, "false_other_sounds_a_minute": 3.4,
        "located_and_named_recall": 0.112, "false_or_misnamed_a_minute": 10.8,
    }  # fmt: skip
    lines = script.table_lines(result)
    assert "| events of the classes a minute, all false | 14.6 | 9.0 | 6.8 |" in lines
    assert "| F20/1 on 600 scenes of the preset | 0.530 | 0.531 | |" in lines
    assert "(the class that loses most: knock, -0.015)" in lines
    assert "| unseen events found in their place, as other sounds | 41.6 % | 3.4 false |" in lines
    assert not any("YAMNet" in line for line in lines)
    with_mix = script.table_lines(result | {"yamnet_on_the_mix": {"recall": 0.176, "false_a_minute": 10.8}})
    assert with_mix[-1].endswith("| 17.6 % | 10.8 wrong |")


def test_scores_with_and_without_dropped_events(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A faint wrong event that the card drops costs F20/1 only as long as it is there."""
    right = EventTable.from_columns(frame=range(20), class_index=11, azimuth=0, distance=1, score=0.9, num_frames=50)
    wrong = EventTable.from_columns(frame=range(20), class_index=11, azimuth=50, distance=1, score=0.3, num_frames=50)
    decoded = EventTable.concatenate([right, wrong], num_frames=50)
    monkeypatch.setattr(script, "decode_sound", lambda *given: SimpleNamespace(table=decoded))
    card = SimpleNamespace(
        smoothing=Smoothing(min_event_score=0.4), thresholds=(0.5,) * 13, vocabulary=DEFAULT_VOCABULARY
    )
    runner = SimpleNamespace(card=card, at=lambda pictures: None)
    scene = SimpleNamespace(audio=None, labels=EventTable.concatenate([right.with_columns(score=1.0)], num_frames=50))
    scores = script.class_scores(runner, [scene])
    assert scores["scenes"] == 1
    assert scores["macro"]["classes"] == 1.0, "the other classes do not occur"
    assert scores["macro"]["every"] < scores["macro"]["classes"]
    assert scores["change_by_class"]["bell"] == pytest.approx(1 / 3, abs=1e-3)
