"""The rules of captions: the words and limits of each language, how long a text stands, and how soon after a sound.

The table of a language is a JSON file; `assets/captions` holds those that come with the package, and users may write
their own. Sources: Netflix Timed Text Style Guide, General Requirements (lines, durations, frame gap) and the guide of
each language (characters); the rules about sounds are this project's.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

from pydantic import Field, ValidationError, field_validator

from earwitness.core.errors import UsageError, shortened
from earwitness.core.files.small_files import CARD_BYTES, parse_json, read_json
from earwitness.core.schema import StrictModel, first_problem
from earwitness.core.vocabulary import SoundClass

DEFAULT_LANGUAGE: Final = "en"
_FOLDER: Final = files("earwitness") / "assets" / "captions"
_LONGEST_WORD: Final = 100

Phrase = Annotated[str, Field(min_length=1, max_length=_LONGEST_WORD)]


class PlaceWords(StrictModel):
    """Words for directions, distances and the screen; `away` has "{}" in the place of the metres."""

    left: Phrase
    right: Phrase
    ahead: Phrase
    far_left: Phrase
    far_right: Phrase
    on_screen: Phrase
    off_screen: Phrase
    moving_left: Phrase
    moving_right: Phrase
    close: Phrase
    away: Phrase

    @field_validator("away")
    @classmethod
    def _has_a_place_for_metres(cls, text: str) -> str:
        if text.count("{}") != 1:
            raise ValueError("must contain {} once, where the metres belong")
        return text


class CaptionLanguage(StrictModel):
    """The table of one language.

    Attributes:
        language: its code (BCP 47), such as "de".
        name: its own name.
        source: where the limits come from.
        line_length: most characters a line.
        reading_speed: most characters a second.
        half_width: whether a half-width character counts as half, as in Chinese and Japanese.
        brackets: opening and closing sign around a sound.
        note: sign on both sides of music.
        separator: between the parts of a caption.
        conjunction: between two directions of one sound.
        words: directions, distances and the screen.
        sounds: captions by slug; a class that is missing keeps the caption of its vocabulary.
    """

    language: str = Field(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
    name: Phrase
    source: str = Field(min_length=1, max_length=1000)
    line_length: int = Field(ge=8, le=200)
    reading_speed: float = Field(ge=1, le=100)
    half_width: bool = False
    brackets: tuple[Phrase, Phrase]
    note: Phrase
    separator: Phrase
    conjunction: Phrase
    words: PlaceWords
    sounds: dict[str, Phrase]

    def sound(self, sound_class: SoundClass) -> str:
        """The caption of a class."""
        return self.sounds.get(sound_class.slug, sound_class.caption)

    def length(self, text: str) -> float:
        """Length of a text in characters."""
        if not self.half_width:
            return len(text)
        return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.5 for sign in text)


def languages() -> tuple[str, ...]:
    """Codes of the languages that come with the package."""
    return tuple(sorted(Path(entry.name).stem for entry in _FOLDER.iterdir() if entry.name.endswith(".json")))


@cache
def caption_language(name: str = DEFAULT_LANGUAGE) -> CaptionLanguage:
    """Return the table of a language.

    Args:
        name: a code such as "de" or "de-AT", or the path of a table (.json).

    Raises:
        UsageError: there is no such table, or it is not valid (the message names the key).
    """
    if name.lower().endswith(".json"):
        return _checked(read_json(name, CARD_BYTES, UsageError), name)
    known = languages()
    code = name.strip().lower().replace("_", "-").split("-")[0]
    if code not in known:
        raise UsageError(
            f"no captions in '{shortened(name, 40)}': the languages are {', '.join(known)}; for another one, name your "
            "own table (.json)"
        )
    return _checked(parse_json((_FOLDER / f"{code}.json").read_text(encoding="utf-8"), code, UsageError), code)


def _checked(values: Any, name: str) -> CaptionLanguage:
    try:
        return CaptionLanguage.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{name}: not a table of caption words: {first_problem(error)}") from None


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
