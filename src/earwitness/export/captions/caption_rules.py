"""The rules of captions: how much text, for how long, and how soon after a sound.

Sources: Netflix Timed Text Style Guide, General Requirements (lines, durations, frame gap) and the guide of each
language (characters); the rules about sounds are this project's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

from earwitness.export.captions.languages import CaptionLanguage

MOST_LINES: Final = 2
SHORTEST_SECONDS: Final = 5 / 6
LONGEST_SECONDS: Final = 7.0
GAP_FRAMES: Final = 2
IN_TIME_SECONDS: Final = 0.1
"""Largest difference between the start of a cue and the start of its first sound."""
LONGEST_WAIT_SECONDS: Final = 1.0
"""How long a sound may wait for a standing cue to end, and how early a cue that it joins may name it."""
AGAIN_SECONDS: Final = 30.0
"""A sound that goes on is named again after this time."""
PAUSE_SECONDS: Final = 1.5
"""A shorter pause does not end a sound."""
SPOKEN_PAUSE_SECONDS: Final = 4.0
"""The same for speech and music, which pause for breath and between bars."""
SAME_PLACE_DEG: Final = 25.0
"""Sounds of one class closer than this are one sound; the tracks of one voice may differ by as much."""
MOVE_DEG: Final = 10.0
"""A sound is named again when its direction has changed by this much: estimates near the border of two words vary."""
FILM_RATE: Final = Fraction(24_000, 1001)
"""Lowest usual frame rate; two of its frames last at least as long as two of any other."""
TICK_SECONDS: Final = 0.01
"""All times are multiples of this; the times of SubStation Alpha are no finer."""
_EPSILON: Final = 1e-6


class TimedLines(Protocol):
    """Lines of text shown from `start` to `end` (seconds)."""

    @property
    def start(self) -> float:
        """First moment, seconds."""

    @property
    def end(self) -> float:
        """Last moment, seconds."""

    @property
    def lines(self) -> Sequence[str]:
        """Lines from top to bottom."""


@dataclass(frozen=True, slots=True)
class CaptionRules:
    """The rules for one language and frame rate.

    Attributes:
        language: gives the length of lines and the reading speed.
        frame_rate: of the video, frames per second.
    """

    language: CaptionLanguage
    frame_rate: Fraction = FILM_RATE

    @property
    def gap(self) -> float:
        """Shortest time between two cues, seconds."""
        return rounded_up(GAP_FRAMES / float(self.frame_rate))

    def reading_seconds(self, lines: Sequence[str]) -> float:
        """Shortest time that a cue must be shown, seconds; a line break counts as a character."""
        return rounded_up(max(SHORTEST_SECONDS, self.size(lines) / self.language.reading_speed))

    def size(self, lines: Sequence[str]) -> float:
        """Number of characters of a cue, with its line breaks."""
        return self.language.length("\n".join(lines)) if lines else 0.0


def rounded_up(seconds: float) -> float:
    """The next multiple of a tick."""
    return math.ceil(seconds / TICK_SECONDS - _EPSILON) / round(1 / TICK_SECONDS)


def rounded_down(seconds: float) -> float:
    """The multiple of a tick before."""
    return math.floor(seconds / TICK_SECONDS + _EPSILON) / round(1 / TICK_SECONDS)
