"""Which sounds are events of the classes, and which are something else; what that is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.core.classes.vocabulary_record import MOST_CLASSES
from earwitness.core.events import COLUMNS, EventTable, SoundEvent
from earwitness.core.source_numbers import link_sources
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.any_sound.audioset_sounds import UNNAMED, AudioSetSound, with_sounds
from earwitness.detect.any_sound.class_free import CLASS_FREE, CLOSING, supported, unexplained, with_free_scores
from earwitness.detect.any_sound.steering import SoundSource, steered_events
from earwitness.detect.any_sound.tagging import SoundNames
from earwitness.detect.model.calibration import AnySound
from earwitness.detect.smoothing import Smoothing


@dataclass(frozen=True, slots=True)
class SortingRules:
    """What a model's card says about sounds that are none of its classes.

    Attributes:
        any_sound: the calibration of its class-free track.
        smoothing: of the events of the classes; it drops unlikely ones only where the tagger has no say.
    """

    any_sound: AnySound = field(default_factory=AnySound)
    smoothing: Smoothing = field(default_factory=Smoothing)


@dataclass(frozen=True, slots=True)
class SortedSounds:
    """The events of the classes, and the others.

    Attributes:
        classes: events of the classes that are left.
        others: names and events (rows of `CLASS_FREE`) of what is none of the classes.
        removed: number of events of the classes that are gone: not confirmed, or clearly something else.
    """

    classes: EventTable
    others: list[tuple[AudioSetSound, EventTable]] = field(default_factory=list)
    removed: int = 0

    def joined(self, vocabulary: Vocabulary, always: tuple[AudioSetSound, ...] = ()) -> EventTable:
        """All events, as those of the model's classes followed by the other sounds that occur.

        Args:
            vocabulary: the classes of the model.
            always: other sounds that are classes of the result even if they do not occur.
        """
        room = MOST_CLASSES - len(vocabulary) - 1  # one is for sounds without a name
        named = list(dict.fromkeys([*always, *(sound for sound, _ in self.others if sound is not UNNAMED)]))[:room]
        unnamed = UNNAMED in named or any(sound not in named for sound, _ in self.others)
        sounds = [sound for sound in named if sound is not UNNAMED] + ([UNNAMED] if unnamed else [])
        extended = with_sounds(vocabulary, sounds)
        place = {sound.slug: len(vocabulary) + index for index, sound in enumerate(sounds)}
        tables = [_as_class(table, place.get(sound.slug, len(extended) - 1), extended) for sound, table in self.others]
        linked = link_sources(EventTable.concatenate([EventTable.empty(0, extended), *tables]))
        classes = EventTable.from_mapping(_columns(self.classes), self.classes.num_frames, extended)
        return EventTable.concatenate([classes, linked], num_frames=self.classes.num_frames)


def sort_sounds(
    decoded: EventTable, free: EventTable, names: SoundNames | None, source: SoundSource, rate: int, rules: SortingRules
) -> SortedSounds:
    """Compare the events of the classes with the class-free track, and name what is left of it.

    An event of the classes is removed if the track does not confirm it, and becomes another sound if its score and the
    tagger leave doubts. What the classes do not explain is another sound, or is left out if the tagger is certain that
    it is one of the classes: then the model, which has decided against it, knows better.

    Args:
        decoded: events of the classes, before smoothing.
        free: rows of the class-free track (`decode_class_free`).
        names: names the sounds; None: they stay without names.
        source: returns the recording.
        rate: samples per second of `source`.
        rules: of the model.
    """
    kept, unconfirmed = supported(rules.smoothing.keeping_unlikely().apply(decoded), free)
    likely = _keys(rules.smoothing.apply(decoded))
    if names is None:
        kept = kept.select(np.isin(_keys(kept), likely))
    left = unexplained(free, kept, rules.any_sound.threshold)
    removed = len(unconfirmed.runs()[1])
    if names is None:
        return SortedSounds(kept, [(UNNAMED, left)] if len(left) else [], removed)
    ours, free_events = kept.events(), left.events()
    mistaken: dict[int, AudioSetSound | None] = {}
    found: dict[int, AudioSetSound | None] = {}
    for index, sound in steered_events([*ours, *free_events], source, rate):
        tags = names.probabilities(sound, rate)
        if index >= len(ours):
            found[index - len(ours)] = names.name(tags)
        elif (other := names.other(tags, ours[index].sound_class)) is None:  # as without the tagger
            if not np.isin(_keys(ours[index].table), likely).all():
                mistaken[index] = None
        elif rules.any_sound.doubts(ours[index].score, other) and (name := names.name(tags)) is not None:
            mistaken[index] = name
    others = [
        (other, with_free_scores(_class_free(ours[index]), free))
        for index, other in sorted(mistaken.items())
        if other is not None
    ]
    for index, event in enumerate(free_events):
        if (name := found.get(index, UNNAMED)) is not None:
            others.append((name, event.table))
    tables = [event.table for index, event in enumerate(ours) if index not in mistaken]
    remaining = EventTable.concatenate([kept.select(slice(0, 0)), *tables], num_frames=kept.num_frames)
    return SortedSounds(remaining, _long_enough(others), removed + len(mistaken))


def _long_enough(others: list[tuple[AudioSetSound, EventTable]]) -> list[tuple[AudioSetSound, EventTable]]:
    return [(sound, table) for sound, table in others if len(table) >= CLOSING.min_event_frames]


def _keys(table: EventTable) -> NDArray[np.int64]:
    """A number for each row that no other row of the table has."""
    cell = table.frame.astype(np.int64) * len(table.vocabulary) + table.class_index
    return np.asarray((cell << 16) + table.source, dtype=np.int64)


def _class_free(event: SoundEvent) -> EventTable:
    columns = _columns(event.table) | {"class_index": np.zeros(len(event.table), np.int16)}
    return EventTable.from_mapping(columns, event.table.num_frames, CLASS_FREE)


def _as_class(table: EventTable, index: int, vocabulary: Vocabulary) -> EventTable:
    columns = _columns(table) | {"class_index": np.full(len(table), index)}
    return EventTable.from_mapping(columns, table.num_frames, vocabulary)


def _columns(table: EventTable) -> dict[str, Any]:
    return {name: getattr(table, name) for name in COLUMNS}
