"""Languages of captions, as data: names of sounds and directions, and how much text viewers can read.

A table is a JSON file; `assets/captions` holds one for each language that comes with the package, and users may write
their own.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

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
