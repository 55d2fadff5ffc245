from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.audioset_sounds import audioset_sounds, with_sounds

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield import_module("measure_any_sound")
    for name in ("measure_any_sound", "measure_learn"):
        sys.modules.pop(name, None)


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
