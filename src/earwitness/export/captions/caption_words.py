"""Words of captions: the sound (which says who makes it), then where it is: "[woman speaking, off screen, left]"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from earwitness.core.vocabulary import SoundClass
from earwitness.export.captions.languages import CaptionLanguage
from earwitness.export.wording import AHEAD_DEG, FAR_DEG, MOVING_DEG

Style = Literal["terse", "full"]
STYLES: Final[tuple[Style, ...]] = ("terse", "full")
_SPEECH: Final = frozenset(re.findall(r"\w+", "speech speaking conversation monologue talking whispering"))
_MUSIC: Final = frozenset(re.findall(r"\w+", "music musical song singing melody"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sound is.

    Attributes:
        azimuth: degrees, positive to the left; NaN without direction.
        onscreen: whether it is on screen; None where there is no picture.
        distance: metres; NaN if unknown.
        moved: change of azimuth, degrees, positive to the left.
    """

    azimuth: float
    onscreen: bool | None
    distance: float = math.nan
    moved: float = 0.0


@dataclass(frozen=True, slots=True)
class SoundText:
    """One sound of a caption, in parts, so that lines can be filled.

    Attributes:
        sound: such as "knocking".
        place: such as ("off screen", "left").
        is_music: whether it stands between music notes.
    """

    sound: str
    place: tuple[str, ...] = ()
    is_music: bool = False

    def bracketed(self, language: CaptionLanguage) -> str:
        """The text with its brackets, and notes for music."""
        opening, closing = language.brackets
        text = language.separator.join((self.sound, *self.place))
        return (
            f"{opening}{language.note} {text} {language.note}{closing}" if self.is_music else opening + text + closing
        )


def sound_text(sound_class: SoundClass, place: Place, language: CaptionLanguage, style: Style = "terse") -> SoundText:
    """Return the words for a sound.

    Args:
        sound_class: the class of the sound.
        place: where it is.
        language: the words to use.
        style: `terse` omits "on screen" and "ahead", which viewers see; `full` adds motion and a rough distance.
    """
    sound = " ".join(language.sound(sound_class).split())
    return SoundText(sound, place_words(place, language, style), is_music(sound_class))


def place_words(place: Place, language: CaptionLanguage, style: Style = "terse") -> tuple[str, ...]:
    """The words for a place: the screen, the direction and, in the full style, motion and distance."""
    words, found = language.words, []
    if place.onscreen is not None and (style == "full" or not place.onscreen):
        found.append(words.on_screen if place.onscreen else words.off_screen)
    found.append(_direction(place.azimuth, language, style))
    if style == "full":
        if abs(place.moved) >= MOVING_DEG:
            found.append(words.moving_left if place.moved > 0 else words.moving_right)
        if not math.isnan(place.distance):
            # Whole metres, since viewers cannot judge them more precisely.
            found.append(words.close if place.distance < 1 else words.away.replace("{}", f"{place.distance:.0f}"))
    return tuple(word for word in found if word)


def is_speech(sound_class: SoundClass) -> bool:
    """Whether a class is speech, which subtitles give word by word."""
    return bool(_SPEECH & _tokens(sound_class))


def is_music(sound_class: SoundClass) -> bool:
    """Whether a class is music, which captions mark with notes."""
    return bool(_MUSIC & _tokens(sound_class))


def _direction(azimuth: float, language: CaptionLanguage, style: Style) -> str:
    words = language.words
    if math.isnan(azimuth):
        return ""
    if abs(azimuth) <= AHEAD_DEG:
        return words.ahead if style == "full" else ""
    if style == "full" and abs(azimuth) > FAR_DEG:
        return words.far_left if azimuth > 0 else words.far_right
    return words.left if azimuth > 0 else words.right


def _tokens(sound_class: SoundClass) -> set[str]:
    """Words of the slug and of AudioSet's labels, in lower case."""
    names = " ".join((sound_class.slug, sound_class.name, *sound_class.labels)).lower()
    return set("".join(sign if sign.isalnum() else " " for sign in names).split())
