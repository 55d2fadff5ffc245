"""Decides when each sound is named: cues one after the other, each long enough to read, between the dialogue if any.

Of all plans that keep the rules, the one that names most sounds, and then the one that names them nearest to their
starts: dynamic programming over the sounds in order of time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from earwitness.export.captions.caption_rules import (
    AGAIN_SECONDS,
    LONGEST_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_LINES,
    CaptionRules,
    TimedLines,
    rounded_down,
    rounded_up,
)
from earwitness.export.captions.caption_words import fill_lines
from earwitness.export.captions.running_sounds import Stay

WELL_READ: Final = 0.6
"""Share of the reading speed at which a cue is shown where there is room."""
AGAIN_EVERY: Final = AGAIN_SECONDS + LONGEST_WAIT_SECONDS
"""Between two mentions of a sound that goes on, so that at least 30 s remain if the first waits."""
LEFT_SECONDS: Final = 1.0
"""A sound is named again only if it goes on for this long."""
MOST_TOGETHER: Final = 4
MOST_STATES: Final = 12
"""Plans that are followed at a time; more do not name more sounds."""
AGAIN_COST: Final = 20.0
UNNAMED_COST: Final = 100.0
"""Costs are seconds of waiting: a sound is left out only where nothing else is possible."""
SHORTENED_COST: Final = 0.4
_EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Cue:
    """One planned cue.

    Attributes:
        start, end: seconds.
        lines: from top to bottom.
        stays: the sounds that it names.
        spoken: the line of dialogue that it belongs to; None for sounds only.
    """

    start: float
    end: float
    lines: tuple[str, ...]
    stays: tuple[Stay, ...] = ()
    spoken: TimedLines | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The cues of a file.

    Attributes:
        cues: in order of time; they never overlap.
        unnamed: sounds for which there was no room.
    """

    cues: list[Cue]
    unnamed: list[Stay]


@dataclass(frozen=True, slots=True)
class _Due:
    """A sound that should be named at a time; `again` if it was named before."""

    time: float
    stay: Stay
    again: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """A plan for the first sounds.

    Attributes:
        cost: what is wrong with it.
        free: first moment for another cue, seconds.
        taken: number of lines of dialogue up to the last one that names a sound.
        cue: its last cue; None if its last sound is left out.
        number: number of the line of dialogue that `cue` belongs to; -1 for none.
        before: the plan that it continues.
        due: the sound that is left out.
    """

    cost: float
    free: float
    taken: int = 0
    cue: Cue | None = None
    number: int = -1
    before: _State | None = None
    due: _Due | None = None


def schedule(
    sounds: Sequence[Sequence[Stay]],
    rules: CaptionRules,
    dialogue: Sequence[TimedLines] = (),
    duration: float = float("inf"),
) -> Schedule:
    """Plan the cues for some sounds.

    Args:
        sounds: each sound as its stays, in order of time.
        rules: the rules to keep.
        dialogue: cues whose times and words stay as they are, in order of time.
        duration: end of the recording, seconds; a cue goes beyond it only if it could not be read otherwise.
    """
    return _Plan([due for sound in sounds for stay in sound for due in _dues(stay)], rules, dialogue, duration).best()


def _dues(stay: Stay) -> Iterator[_Due]:
    yield _Due(stay.start, stay)
    time = stay.start + AGAIN_EVERY
    while time <= stay.end - LEFT_SECONDS:
        yield _Due(time, stay, again=True)
        time += AGAIN_EVERY


class _Plan:
    def __init__(self, dues: list[_Due], rules: CaptionRules, dialogue: Sequence[TimedLines], duration: float) -> None:
        self._dues = sorted(dues, key=lambda due: (due.time, due.again))
        self._rules, self._duration = rules, duration
        self._dialogue = sorted(dialogue, key=lambda spoken: (spoken.start, spoken.end))
        self._starts = [spoken.start for spoken in self._dialogue]

    def best(self) -> Schedule:
        count = len(self._dues)
        states: list[list[_State]] = [[] for _ in range(count + 1)]
        states[0].append(_State(0.0, 0.0))
        for number, due in enumerate(self._dues):
            choices = self._choices(number)
            for state in _undominated(states[number]):
                cost = state.cost + (AGAIN_COST if due.again else UNNAMED_COST * (1 + due.stay.score))
                states[number + 1].append(_State(cost, state.free, state.taken, before=state, due=due))
                for stop, lines, cost in choices:
                    if (found := self._with_cue(state, number, stop, lines)) is not None:
                        states[stop].append(replace(found, cost=found.cost + cost))
                if (found := self._with_dialogue(state, due)) is not None:
                    states[number + 1].append(found)
            states[number].clear()
        return self._finished(min(states[count], key=lambda state: state.cost))

    def _choices(self, number: int) -> list[tuple[int, tuple[str, ...], float]]:
        """What a cue that begins with a sound may hold: end of its range of sounds, its lines, and a cost."""
        found = []
        first = self._dues[number].time
        for stop in range(number + 1, min(number + MOST_TOGETHER, len(self._dues)) + 1):
            if self._dues[stop - 1].time - first > 2 * LONGEST_WAIT_SECONDS + _EPSILON:
                break
            stays = [due.stay for due in self._dues[number:stop]]
            lines = fill_lines([stay.text for stay in stays], self._rules.language)
            if lines is not None:
                found.append((stop, lines, 0.0))
            short = fill_lines([stay.short for stay in stays], self._rules.language)
            if short is not None and short != lines:
                found.append((stop, short, SHORTENED_COST * len(stays)))
        return found

    def _with_cue(self, state: _State, number: int, stop: int, lines: tuple[str, ...]) -> _State | None:
        """The plan with a cue that names the sounds from `number` to `stop`; None if it would break a rule."""
        dues = self._dues[number:stop]
        needed = self._rules.reading_seconds(lines)
        start = self._room(max(dues[0].time, state.free), needed)
        if start - dues[0].time > LONGEST_WAIT_SECONDS + _EPSILON:
            return None
        if dues[-1].time - start > LONGEST_WAIT_SECONDS + _EPSILON:
            return None
        cue = Cue(start, start + needed, lines, tuple(due.stay for due in dues))
        cost = sum(abs(due.time - start) for due in dues)
        return _State(state.cost + cost, start + needed + self._rules.gap, state.taken, cue, before=state)

    def _room(self, time: float, needed: float) -> float:
        """First moment from `time` on when a cue fits between the lines of dialogue."""
        start, gap = rounded_up(time), self._rules.gap
        for spoken in self._dialogue[max(0, bisect_right(self._starts, start) - 1) :]:
            if spoken.start >= start + needed + gap - _EPSILON:
                break
            if spoken.end > start - gap + _EPSILON:
                start = rounded_up(spoken.end + gap)
        return start

    def _with_dialogue(self, state: _State, due: _Due) -> _State | None:
        """The plan with a sound above a line of dialogue that begins at about the same time."""
        lines = fill_lines([due.stay.text], self._rules.language) or ()
        found: _State | None = None
        first = max(state.taken, bisect_right(self._starts, due.time - LONGEST_WAIT_SECONDS - _EPSILON))
        for number in range(first, bisect_right(self._starts, due.time + LONGEST_WAIT_SECONDS + _EPSILON)):
            spoken = self._dialogue[number]
            both = (*lines, *spoken.lines)
            readable = self._rules.reading_seconds(both) <= spoken.end - spoken.start + _EPSILON
            cost = state.cost + abs(due.time - spoken.start)
            if len(both) <= MOST_LINES and readable and (found is None or cost < found.cost):
                cue = Cue(spoken.start, spoken.end, both, (due.stay,), spoken)
                found = _State(cost, state.free, number + 1, cue, number, state)
        return found

    def _finished(self, last: _State) -> Schedule:
        named, unnamed, taken = list[Cue](), list[Stay](), dict[int, Cue]()
        state: _State | None = last
        while state is not None:
            if state.cue is not None and state.number >= 0:
                taken[state.number] = state.cue
            elif state.cue is not None:
                named.append(state.cue)
            elif state.due is not None and not state.due.again:
                unnamed.append(state.due.stay)
            state = state.before
        named.reverse()
        spoken = [
            taken.get(number) or Cue(line.start, line.end, tuple(line.lines), spoken=line)
            for number, line in enumerate(self._dialogue)
        ]
        following = [*(cue.start for cue in named), float("inf")][1:]
        timed = [self._timed(cue, after) for cue, after in zip(named, following, strict=True)]
        return Schedule(sorted([*timed, *spoken], key=lambda cue: (cue.start, cue.end)), unnamed[::-1])

    def _timed(self, cue: Cue, following: float) -> Cue:
        """A cue with its end: as long as its sounds go on or it takes to read well, if there is room."""
        number = bisect_right(self._starts, cue.start)
        spoken = self._starts[number] if number < len(self._starts) else float("inf")
        needed = cue.end - cue.start
        wanted = max(needed / WELL_READ, max(stay.end for stay in cue.stays) - cue.start)
        latest = min(min(following, spoken) - self._rules.gap, self._duration) - cue.start
        seconds = max(needed, min(rounded_down(min(wanted, latest)), LONGEST_SECONDS))
        return replace(cue, start=round(cue.start, 2), end=round(cue.start + seconds, 2))


def _undominated(states: list[_State]) -> list[_State]:
    """The best plans: of two that leave the same freedom only the cheaper one."""
    kept: list[_State] = []
    for state in sorted(states, key=lambda state: (state.cost, state.free)):
        if all(other.free > state.free + _EPSILON or other.taken > state.taken for other in kept):
            kept.append(state)
        if len(kept) == MOST_STATES:
            break
    return kept
