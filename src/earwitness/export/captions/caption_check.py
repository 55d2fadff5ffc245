"""Finds captions that break the rules: those of any subtitle file and, with the events, those about sounds.

The check knows nothing of how captions are planned: it reads times and words as a viewer does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from earwitness.core.events import FRAME_RATE
from earwitness.export.captions.caption_rules import (
    AGAIN_SECONDS,
    IN_TIME_SECONDS,
    LONGEST_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_LINES,
    MOVE_DEG,
    PAUSE_SECONDS,
    SAME_PLACE_DEG,
    SHORTEST_SECONDS,
    CaptionLanguage,
    CaptionRules,
    TimedLines,
)
from earwitness.export.subtitle_file import plain_text

if TYPE_CHECKING:
    from earwitness.core.events import EventTable, SoundEvent
    from earwitness.results.detection import Detection

TOLERANCE_SECONDS: Final = 0.0015
"""Files hold whole milliseconds."""
_LAST_SPANS: Final = 100
"""Events of a class that may still go on when another begins."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One broken rule.

    Attributes:
        cue: number of the cue, from 1.
        time: its start, seconds.
        rule: name of the rule: lines, length, speed, short, long, gap, overlap, start or repeat.
        text: the sentence for users.
    """

    cue: int
    time: float
    rule: str
    text: str

    def __str__(self) -> str:
        """The sentence with its place."""
        return f"cue {self.cue} at {self.time:.2f} s: {self.text}"


def check_cues(cues: Sequence[TimedLines], rules: CaptionRules) -> list[Breach]:
    """Check how much text is shown, for how long, and the time between cues.

    Args:
        cues: in order of time.
        rules: the limits.
    """
    found = []
    for number, cue in enumerate(cues, start=1):
        found += [Breach(number, cue.start, rule, text) for rule, text in _alone(cue, rules)]
    for number, (cue, following) in enumerate(pairwise(cues), start=2):
        pause = following.start - cue.end
        if pause < -TOLERANCE_SECONDS:
            found.append(Breach(number, following.start, "overlap", f"begins {-pause:.3f} s before the last one ends"))
        elif pause < 2 / float(rules.frame_rate) - TOLERANCE_SECONDS:
            text = f"begins {pause:.3f} s after the last one; two frames are {2 / float(rules.frame_rate):.3f} s"
            found.append(Breach(number, following.start, "gap", text))
    return sorted(found, key=lambda breach: (breach.cue, breach.rule))


def check_sounds(cues: Sequence[TimedLines], result: Detection, language: CaptionLanguage) -> list[Breach]:
    """Check when cues name sounds: at their start, once, and again only after 30 s or from another place.

    Args:
        cues: in order of time; lines without brackets are dialogue.
        result: the events that were captioned.
        language: the language of the captions.
    """
    times = _SoundTimes(result, language)
    found: list[Breach] = []
    said: dict[str, tuple[str, float]] = {}
    last_end = float("-inf")
    for number, cue in enumerate(cues, start=1):
        texts = list(_sounds_of(cue, language))
        waited = cue.start - last_end <= 0.25 or len(texts) < len(cue.lines)  # a cue or a line of dialogue stood before
        late = LONGEST_WAIT_SECONDS if waited else IN_TIME_SECONDS
        new = [text for text in texts if times.difference(text, cue.start) is not None]
        new = [text for text in new if not times.goes_on(text, cue.start, times.name(text) in said)]
        differences = [times.difference(text, cue.start) or 0.0 for text in new]
        if len(new) == len(texts) and new and min(differences) > late + TOLERANCE_SECONDS:
            found.append(Breach(number, cue.start, "start", f"begins {min(differences):.2f} s from its first sound"))
        elif new and max(differences) > LONGEST_WAIT_SECONDS + TOLERANCE_SECONDS:
            found.append(Breach(number, cue.start, "start", f"begins {max(differences):.2f} s from one of its sounds"))
        for text in texts:
            sound = times.name(text)
            words, before = said.get(sound, ("", 0.0))
            ago = cue.start - before
            too_soon = words == text and ago < AGAIN_SECONDS - TOLERANCE_SECONDS
            if too_soon and times.runs_through(text, before, cue.start) and not times.begins(text, cue.start):
                found.append(Breach(number, cue.start, "repeat", f"says {text} again after {ago:.1f} s"))
            said[sound] = text, cue.start
        last_end = cue.end
    return found


def _alone(cue: TimedLines, rules: CaptionRules) -> Iterator[tuple[str, str]]:
    lines, language = [plain_text(line) for line in cue.lines], rules.language
    seconds = cue.end - cue.start
    if len(lines) > MOST_LINES:
        yield "lines", f"has {len(lines)} lines; the most are {MOST_LINES}"
    longest = max((language.length(line) for line in lines), default=0)
    if longest > language.line_length:
        yield "length", f"has a line of {longest:g} characters; the most are {language.line_length}"
    speed = rules.size(lines) / max(seconds, 1e-9)
    if rules.size(lines) > language.reading_speed * (seconds + TOLERANCE_SECONDS):
        yield "speed", f"shows {speed:.1f} characters a second; the most are {language.reading_speed:g}"
    if seconds < SHORTEST_SECONDS - TOLERANCE_SECONDS:
        yield "short", f"is shown for {seconds:.2f} s; the least is {SHORTEST_SECONDS:.2f} s"
    if seconds > LONGEST_SECONDS + TOLERANCE_SECONDS:
        yield "long", f"is shown for {seconds:.2f} s; the most is {LONGEST_SECONDS:g} s"


def _sounds_of(cue: TimedLines, language: CaptionLanguage) -> Iterator[str]:
    """The sounds that a cue names, without brackets and notes."""
    opening, closing = language.brackets
    text = " ".join(plain_text(line) for line in cue.lines)
    while (start := text.find(opening)) >= 0:
        end = text.find(closing, start)
        if end < 0:
            return
        yield text[start + len(opening) : end].replace(language.note, "").strip()
        text = text[end + len(closing) :]


@dataclass(frozen=True, slots=True)
class _Span:
    """When an event sounds, and whether it is a new sound or goes on after a short pause."""

    start: float
    end: float
    azimuth: float
    fresh: bool
    table: EventTable

    def has_changed(self, time: float) -> bool:
        """Whether by a time the source has moved or left or entered the picture, or has sounded for 30 s."""
        before = self.table.frame <= time * FRAME_RATE
        azimuth, onscreen = self.table.azimuth[before], self.table.onscreen[before]
        if not len(azimuth):
            return False
        turned = float(azimuth.max() - azimuth.min()) >= MOVE_DEG
        return turned or bool(onscreen.any() and not onscreen.all()) or time - self.start >= AGAIN_SECONDS


class _SoundTimes:
    """When the sounds of each wording begin and end."""

    def __init__(self, result: Detection, language: CaptionLanguage) -> None:
        self._separator = language.separator
        self._spans: dict[str, list[_Span]] = {}
        for event in result.table.iter_events():
            spans = self._spans.setdefault(" ".join(language.sound(event.sound_class).split()), [])
            fresh = not any(_continued(span, event) for span in spans[-_LAST_SPANS:])
            spans.append(_Span(event.start, event.end, event.azimuth, fresh, event.table))
        self._starts = {name: [span.start for span in spans] for name, spans in self._spans.items()}
        self._longest = {name: max(span.end - span.start for span in spans) for name, spans in self._spans.items()}

    def name(self, text: str) -> str:
        """The longest caption of a class that the text begins with; the text itself if there is none."""
        fitting = [name for name in self._spans if text == name or text.startswith(name + self._separator)]
        return max(fitting, key=len, default=text)

    def difference(self, text: str, time: float) -> float | None:
        """Seconds between `time` and the nearest start of such a sound; None if the text names no sound."""
        starts = self._starts.get(self.name(text), [])
        place = bisect_left(starts, time)
        return min((abs(start - time) for start in starts[max(0, place - 1) : place + 1]), default=None)

    def goes_on(self, text: str, time: float, was_said: bool) -> bool:
        """Whether such a sound has been running for a while, and was named before or has changed since it began."""
        running = [span for span in self._within(text, time, time) if span.start < time - LONGEST_WAIT_SECONDS]
        return bool(running) and (was_said or any(span.has_changed(time) for span in running))

    def runs_through(self, text: str, first: float, last: float) -> bool:
        """Whether such a sound goes on from one moment to another, with short pauses at most."""
        reached = first
        for span in self._within(text, first, last):
            if span.start <= reached + PAUSE_SECONDS and span.end > reached:
                reached = span.end
        return reached + PAUSE_SECONDS >= last

    def begins(self, text: str, time: float) -> bool:
        """Whether a new sound begins about now."""
        near = LONGEST_WAIT_SECONDS + TOLERANCE_SECONDS
        return any(
            span.fresh and abs(span.start - time) <= near for span in self._within(text, time - near, time + near)
        )

    def _within(self, text: str, first: float, last: float) -> list[_Span]:
        """Spans that are on at some time from `first` to `last`, or in the pause after them."""
        name = self.name(text)
        starts, spans = self._starts.get(name, []), self._spans.get(name, [])
        begin = bisect_left(starts, first - PAUSE_SECONDS - self._longest.get(name, 0.0))
        found = spans[begin : bisect_right(starts, last)]
        return [span for span in found if span.end + PAUSE_SECONDS > first]


def _continued(span: _Span, event: SoundEvent) -> bool:
    """Whether an event goes on with an earlier one of its class."""
    far = abs(span.azimuth - event.azimuth) > SAME_PLACE_DEG
    return not far and span.end >= event.start - PAUSE_SECONDS - TOLERANCE_SECONDS
