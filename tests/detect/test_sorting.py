from __future__ import annotations

import numpy as np

from any_sound import FakeTagger
from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.events import COLUMNS, EventTable
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.audioset_sounds import UNNAMED, audioset_sounds
from earwitness.detect.any_sound.class_free import CLASS_FREE
from earwitness.detect.any_sound.sorting import SortedSounds, SortingRules, sort_sounds
from earwitness.detect.any_sound.tagging import SoundNames
from earwitness.detect.event_filter import EventFilter
from earwitness.detect.smoothing import Smoothing

FRAMES, RATE = 60, 24_000


def rows(first: int, stop: int, azimuth: float, score: float, class_index: int = 0, free: bool = False) -> EventTable:
    columns = {
        "frame": np.arange(first, stop), "class_index": 0 if free else class_index, "azimuth": azimuth,
        "distance": 2.0, "onscreen": False, "score": score, "source": 0,
    }  # fmt: skip
    return EventTable.from_mapping(columns, FRAMES, CLASS_FREE if free else DCASE2025)


def silence(start: int, stop: int) -> np.ndarray:
    return np.zeros((2, stop - start), np.float32)


def sorted_without_names(classes: EventTable, free: EventTable, smoothing: Smoothing | None = None) -> SortedSounds:
    return sort_sounds(classes, free, None, silence, RATE, SortingRules(smoothing=smoothing or Smoothing()))


def test_an_event_that_the_class_free_track_does_not_confirm_is_removed() -> None:
    classes = EventTable.concatenate([rows(0, 20, 30, 0.9), rows(30, 50, -40, 0.9, 8)], num_frames=FRAMES)
    found = sorted_without_names(classes, rows(0, 20, 30, 0.9, free=True))
    assert set(found.classes.class_index.tolist()) == {0}
    assert found.removed == 1
    assert not found.others


def test_what_no_class_explains_is_another_sound_without_a_name() -> None:
    free = EventTable.concatenate(
        [rows(0, 20, 30, 0.9, free=True), rows(30, 50, -60, 0.9, free=True)], num_frames=FRAMES
    )
    found = sorted_without_names(rows(0, 20, 30, 0.9), free)
    ((sound, table),) = found.others
    assert sound is UNNAMED
    assert set(table.frame.tolist()) == set(range(30, 50))
    joined = found.joined(DCASE2025)
    assert len(joined.vocabulary) == len(DCASE2025) + 1
    assert np.unique(joined.class_index).tolist() == [0, len(DCASE2025)]


def test_events_below_the_models_lowest_score_are_dropped() -> None:
    classes, free = rows(0, 20, 30, 0.3), rows(0, 20, 30, 0.9, free=True)
    assert len(sorted_without_names(classes, free).classes) == 20
    assert len(sorted_without_names(classes, free, Smoothing(min_event_score=0.4)).classes) == 0
    keeping = EventFilter(weights=(1, 0), usual_change_deg=1, levels=(-1.0,) * 13)
    assert len(sorted_without_names(classes, free, Smoothing(event_filter=keeping)).classes) == 20
    dropping = keeping.model_copy(update={"levels": (0.0,) * 13})
    assert len(sorted_without_names(classes, free, Smoothing(event_filter=dropping)).classes) == 0


def test_events_of_which_the_tagger_knows_nothing_keep_to_the_filter() -> None:
    columns = rows(0, 20, 30, 0.3), rows(30, 50, 30, 0.9)
    kettles = vocabulary_of(["kettles"], "own")
    classes = EventTable.concatenate(
        [EventTable.from_mapping({name: getattr(one, name) for name in COLUMNS}, FRAMES, kettles) for one in columns],
        num_frames=FRAMES,
    )
    free = rows(0, 50, 30, 0.9, free=True)
    dropping = EventFilter(weights=(1, 0), usual_change_deg=1, levels=(0.0,))
    names = SoundNames(kettles, FakeTagger(Dog=0.9))
    rules = SortingRules(smoothing=Smoothing(event_filter=dropping))
    found = sort_sounds(classes, free, names, lambda: [np.ones((2, RATE * 6), np.float32)], RATE, rules)
    assert set(found.classes.frame.tolist()) == set(range(30, 50))


def test_sounds_that_were_asked_for_are_classes_of_the_result_though_they_do_not_occur() -> None:
    dog = next(sound for sound in audioset_sounds() if sound.slug == "dog")
    joined = SortedSounds(rows(0, 20, 30, 0.9)).joined(DCASE2025, (dog,))
    assert joined.vocabulary.slugs == (*DCASE2025.slugs, "dog")
    assert len(joined) == 20
