from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.detect.smoothing import Smoothing


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("filter_fit")


def scene(rng: np.random.Generator, class_index: int, score: float, shake: float) -> EventTable:
    azimuth = 20 + shake * rng.choice([-1, 1], 20)
    return EventTable.from_columns(
        frame=range(20), class_index=class_index, azimuth=azimuth, distance=1, score=score, num_frames=50
    )


def reference(class_index: int) -> EventTable:
    return EventTable.from_columns(frame=range(20), class_index=class_index, azimuth=20, distance=1, num_frames=50)


def judged(script: ModuleType, count: int, right: float, scores: tuple[float, float], shake: float, seed: int):
    """Events of the classes 3 and 8; those that are not right are weaker."""
    rng, found = np.random.default_rng(seed), script.JudgedEvents()
    for number in range(count):
        is_right, class_index = rng.random() < right, (3, 8)[number % 2]
        table = scene(rng, class_index, float(np.clip(rng.normal(scores[not is_right], 0.12), 0.05, 0.95)), shake)
        found.add(table, [is_right])
        found.tables.append(table)
        found.references.append(reference(class_index) if is_right else EventTable.empty(50))
    return found


def test_weak_events_are_dropped_where_it_costs_nothing(script: ModuleType) -> None:
    ordinary = judged(script, 160, 0.8, (0.75, 0.35), 0.5, 0)
    unseen = judged(script, 80, 0.0, (0.75, 0.35), 4.0, 1)
    smoothing = Smoothing(min_event_score=0.4)
    found = script.fit_filter(ordinary, unseen, smoothing, 13)
    assert found.weights[0] > 0 > found.weights[1], "a high score speaks for an event, an unsteady direction against it"
    assert len(found.levels) == 13
    assert min(found.levels[3], found.levels[8]) <= found.levels[0] <= max(found.levels[3], found.levels[8]) + 1
    kept = smoothing.keeping_unlikely().model_copy(update={"event_filter": found})
    right = np.concatenate(ordinary.right)
    stays = np.array([len(kept.apply(table)) > 0 for table in ordinary.tables])
    assert stays[right].mean() > 0.85
    assert stays[~right].mean() < 0.5
    assert np.mean([len(kept.apply(table)) > 0 for table in unseen.tables]) < 0.2


def test_nothing_is_dropped_where_scores_say_nothing(script: ModuleType) -> None:
    """Any level would cost F20/1: right and wrong events are alike, and most are right."""
    alike = judged(script, 100, 0.9, (0.6, 0.6), 0.5, 2)
    assert script.fit_filter(alike, script.JudgedEvents(), Smoothing(), 13) is None


def test_without_right_or_wrong_events_there_is_no_filter(script: ModuleType) -> None:
    only_right = judged(script, 10, 1.1, (0.8, 0.8), 0.5, 3)
    only_wrong = judged(script, 10, 0.0, (0.8, 0.3), 0.5, 4)
    nothing = script.JudgedEvents()
    assert script.fit_filter(only_right, nothing, Smoothing(), 13) is None
    assert script.fit_filter(nothing, only_wrong, Smoothing(), 13) is None
    assert script.fit_filter(nothing, nothing, Smoothing(), 13) is None
