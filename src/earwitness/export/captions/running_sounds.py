"""Sounds as viewers perceive them: one voice is one sound, whatever pauses and tracks a detector made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE, FRAME_SECONDS, EventTable, SoundEvent
from earwitness.core.vocabulary import SoundClass
from earwitness.export.captions.caption_rules import (
    MOVE_DEG,
    PAUSE_SECONDS,
    SAME_PLACE_DEG,
    SPOKEN_PAUSE_SECONDS,
    CaptionLanguage,
)
from earwitness.export.captions.caption_words import Place, SoundText, Style, is_music, is_speech, sound_text

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

MOVE_SECONDS: Final = 2.0
"""A sound has moved when it stays in its new direction for this long."""
SMOOTHING_FRAMES: Final = 2 * FRAME_RATE + 1
_EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Stay:
    """A sound for as long as its wording stays the same.

    Attributes:
        start, end: seconds.
        text: its words.
        short: the sound and its direction only, for crowded moments.
        azimuth: median azimuth, degrees; NaN without direction.
        score: mean confidence, 0..1.
        onscreen: whether it is mostly on screen.
    """

    start: float
    end: float
    text: SoundText
    short: SoundText
    azimuth: float
    score: float
    onscreen: bool = False


@dataclass(slots=True, eq=False)
class _Voice:
    """Events that are one sound."""

    sound_class: SoundClass
    events: list[SoundEvent]
    end: float
    azimuth: float
    sources: set[int] = field(default_factory=set)

    @property
    def start(self) -> float:
        return self.events[0].start

    @property
    def weight(self) -> float:
        """Confidence times duration."""
        return sum(float(event.table.score.sum()) for event in self.events)

    def pause(self) -> float:
        spoken = is_speech(self.sound_class) or is_music(self.sound_class)
        return SPOKEN_PAUSE_SECONDS if spoken else PAUSE_SECONDS

    def takes(self, event: SoundEvent) -> bool:
        """Whether an event that begins later is the same sound."""
        if event.sound_class != self.sound_class or event.start - self.end > self.pause() + _EPSILON:
            return False
        if event.source in self.sources and event.start >= self.end - _EPSILON:
            return event.start - self.end <= PAUSE_SECONDS + _EPSILON or _near(event.azimuth, self.azimuth)
        return _near(event.azimuth, self.azimuth)

    def add(self, event: SoundEvent) -> None:
        self.events.append(event)
        self.sources.add(event.source)
        self.end, self.azimuth = max(self.end, event.end), event.azimuth

    def stands_for(self, other: _Voice) -> bool:
        """Whether another kind of speech at the same time and place is the same voice, heard differently."""
        both = min(self.end, other.end) - max(self.start, other.start)
        return both >= (other.end - other.start) / 2 and _near(self.azimuth, other.azimuth)


def running_sounds(
    result: Detection, language: CaptionLanguage, style: Style = "terse", *, without_speech: bool = False
) -> list[list[Stay]]:
    """Return the sounds of a result in order of their starts, each as its stays in one place.

    Args:
        result: the events.
        language: gives the words.
        style: style of the captions.
        without_speech: leave out speech, because subtitles give it word by word.
    """
    voices = _voices(result.table.iter_events())
    speech = [voice for voice in voices if is_speech(voice.sound_class)]
    others = [voice for voice in voices if not is_speech(voice.sound_class)]
    kept = others if without_speech else [*others, *_one_class_each(speech)]
    words = _Words(language, style, result.has_video)
    return _once(
        [words.stays(voice) for voice in sorted(kept, key=lambda voice: (voice.start, voice.sound_class.index))]
    )


def _once(sounds: list[list[Stay]]) -> list[list[Stay]]:
    """Drop each stay whose words are on while it begins: a second bell on the left is not told apart.

    Stays that only their screen word tells apart keep it, even in crowded moments.
    """
    order = [(stay, number) for number, sound in enumerate(sounds) for stay in sound]
    order.sort(key=lambda found: (found[0].start, found[1]))
    kept: list[tuple[Stay, int]] = []
    by_text, by_short = dict[SoundText, int](), dict[SoundText, int]()
    for stay, number in order:
        same = by_text.get(stay.text)
        if same is not None and _goes_on(kept[same][0], stay):
            kept[same] = replace(kept[same][0], end=max(kept[same][0].end, stay.end)), kept[same][1]
            continue
        alike = by_short.get(stay.short)
        if alike is not None and _goes_on(kept[alike][0], stay):
            kept[alike] = replace(kept[alike][0], short=kept[alike][0].text), kept[alike][1]
            by_short[stay.short] = len(kept)
            stay = replace(stay, short=stay.text)
        by_text[stay.text] = by_short[stay.short] = len(kept)
        kept.append((stay, number))
    found: list[list[Stay]] = [[] for _ in sounds]
    for stay, number in kept:
        found[number].append(stay)
    return found


def _goes_on(first: Stay, second: Stay) -> bool:
    return second.start <= first.end + PAUSE_SECONDS + _EPSILON


def _moved(before: Stay, after: Stay) -> bool:
    """Whether a caption should name the new place of a sound."""
    if before.text == after.text:
        return False
    return before.onscreen != after.onscreen or not abs(after.azimuth - before.azimuth) < MOVE_DEG


def _near(first: float, second: float) -> bool:
    """Whether two directions are the same place; an unknown one may be anywhere."""
    return bool(np.isnan(first) or np.isnan(second) or abs(first - second) <= SAME_PLACE_DEG)


def _voices(events: Iterable[SoundEvent]) -> list[_Voice]:
    voices: list[_Voice] = []
    running: list[_Voice] = []
    for event in events:
        running = [voice for voice in running if event.start - voice.end <= SPOKEN_PAUSE_SECONDS]
        candidates = [voice for voice in running if voice.takes(event)]
        if candidates:
            max(candidates, key=lambda voice: (event.source in voice.sources, voice.end)).add(event)
        else:
            voices.append(_Voice(event.sound_class, [event], event.end, event.azimuth, {event.source}))
            running.append(voices[-1])
    return voices


def _one_class_each(speech: Sequence[_Voice]) -> list[_Voice]:
    """Drop each voice that is only a second opinion on a stronger one of another class."""
    kept: list[_Voice] = []
    dropped: set[_Voice] = set()
    running: list[_Voice] = []
    for voice in sorted(speech, key=lambda voice: voice.start):
        running = [other for other in running if other.end > voice.start]
        rivals = [other for other in running if other.sound_class != voice.sound_class]
        if any(other.weight >= voice.weight and other.stands_for(voice) for other in rivals):
            continue
        weaker = [other for other in rivals if voice.weight > other.weight and voice.stands_for(other)]
        dropped.update(weaker)
        running = [other for other in running if other not in dropped]
        if weaker:  # the voice began when its first opinion did
            earliest = min(weaker, key=lambda other: other.start)
            rows = [event.table.with_columns(class_index=voice.sound_class.index) for event in earliest.events]
            before = [SoundEvent(table) for table in rows if float(table.frame[0]) * FRAME_SECONDS < voice.start]
            voice.events[:0] = before
        kept.append(voice)
        running.append(voice)
    return [voice for voice in kept if voice not in dropped]


@dataclass(frozen=True, slots=True)
class _Words:
    language: CaptionLanguage
    style: Style
    has_video: bool

    def stays(self, voice: _Voice) -> list[Stay]:
        """Split a voice where its wording changes for long enough."""
        rows = _one_row_a_frame(voice.events)
        azimuth, onscreen = _smoothed(rows.azimuth), _smoothed(rows.onscreen.astype(np.float32)) >= 0.5
        texts = [
            self._text(voice.sound_class, angle, shown)
            for angle, shown in zip(azimuth.tolist(), onscreen.tolist(), strict=True)
        ]
        found: list[Stay] = []
        for first, stop in _spans(texts, rows.frame):
            part = SoundEvent(rows.select(slice(first, stop)))
            angle = float(np.nanmedian(azimuth[first:stop])) if not np.isnan(azimuth[first:stop]).all() else np.nan
            moved = float(azimuth[stop - 1] - azimuth[first])
            shown = bool(onscreen[first:stop].mean() >= 0.5)
            text = self._text(voice.sound_class, angle, shown, part.distance, 0.0 if np.isnan(moved) else moved)
            short = sound_text(voice.sound_class, Place(angle, None), self.language)
            stay = Stay(part.start, part.end, text, short, angle, part.score, shown)
            if found and not _moved(found[-1], stay):
                found[-1] = replace(found[-1], end=part.end)
            else:
                found.append(stay)
        return found

    def _text(
        self, sound_class: SoundClass, azimuth: float, onscreen: bool, distance: float = np.nan, moved: float = 0.0
    ) -> SoundText:
        place = Place(azimuth, onscreen if self.has_video else None, distance, moved)
        return sound_text(sound_class, place, self.language, self.style)


def _one_row_a_frame(events: Sequence[SoundEvent]) -> EventTable:
    """The rows of all events, in each frame the one with the best score; their sources become one."""
    table = EventTable.concatenate([event.table.with_columns(source=0) for event in events])
    best = table.select(np.lexsort((-table.score, table.frame)))
    return best.select(np.concatenate([[True], np.diff(best.frame) > 0])[: len(best)])


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running median over about 2 s; where most values are unknown (NaN), it is unknown."""
    from scipy.ndimage import median_filter  # slow to import, and needed by captions only

    if values.size < 3:
        return values
    known = np.where(np.isnan(values), np.inf, values)  # NaN has no order
    found = np.asarray(median_filter(known, size=min(SMOOTHING_FRAMES, values.size)))
    return np.where(np.isinf(found), np.float32(np.nan), found)


def _spans(texts: Sequence[SoundText], frame: NDArray[np.int32]) -> list[tuple[int, int]]:
    """(first, stop) rows of equal wording; a span that is too short joins the one before it, the first the next."""
    changes = [i for i in range(1, len(texts)) if texts[i] != texts[i - 1]]
    spans: list[tuple[int, int]] = []
    for first, stop in pairwise([0, *changes, len(texts)]):
        same = bool(spans) and texts[spans[-1][0]] == texts[first]
        if spans and (same or _seconds(frame, first, stop) < MOVE_SECONDS):
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((first, stop))
    if len(spans) > 1 and _seconds(frame, *spans[0]) < MOVE_SECONDS:
        spans[:2] = [(0, spans[1][1])]
    return spans


def _seconds(frame: NDArray[np.int32], first: int, stop: int) -> float:
    return (int(frame[stop - 1]) + 1 - int(frame[first])) * FRAME_SECONDS
