"""Words of captions, the sound and where it is ("[woman speaking, off screen, left]"), and the lines that they fill."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from earwitness.core.vocabulary import SoundClass
from earwitness.export.captions.caption_rules import MOST_LINES, CaptionLanguage
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


_CUT: Final = "…"


def fill_lines(texts: Sequence[SoundText], language: CaptionLanguage) -> tuple[str, ...] | None:
    """Return at most two lines that name all sounds, or None if they do not fit.

    The directions of one sound are put together ("[knocking, left and right]"). A single sound always fits: its text is
    broken after a comma and, if it is still too long, shortened.
    """
    together = _together(texts, language)
    if len(together) == 1:
        return _alone(together[0], language)
    found = [text.bracketed(language) for text in together]
    lines: list[str] = []
    for number, text in enumerate(found):
        if language.length(text) > language.line_length:
            return None
        joined = f"{lines[-1]} {text}" if lines else text
        rest = len(found) - number
        if lines and language.length(joined) <= language.line_length and len(lines) + rest > MOST_LINES:
            lines[-1] = joined
        elif len(lines) < MOST_LINES:
            lines.append(text)
        else:
            return None
    return tuple(lines)


def _together(texts: Sequence[SoundText], language: CaptionLanguage) -> list[SoundText]:
    """One text for each sound, with all of its places where they fit a line."""
    places: dict[str, list[SoundText]] = {}
    for text in dict.fromkeys(texts):
        places.setdefault(text.sound, []).append(text)
    found: list[SoundText] = []
    for same in places.values():
        whole = _in_all_places(same, language) if len(same) > 1 else same[0]
        fits = language.length(whole.bracketed(language)) <= language.line_length
        found += [whole] if fits else same
    return found


def _in_all_places(same: Sequence[SoundText], language: CaptionLanguage) -> SoundText:
    """One sound in several places: "[knocking, off screen, left and right]"."""
    common = 0
    while all(len(text.place) > common and text.place[common] == same[0].place[common] for text in same):
        common += 1
    rests = [language.separator.join(text.place[common:]) for text in same]
    if not common:
        rests = [rest or language.words.ahead for rest in rests]
    joined = language.conjunction.join(dict.fromkeys(rest for rest in rests if rest))
    return replace(same[0], place=(*same[0].place[:common], *((joined,) if joined else ())))


def _alone(text: SoundText, language: CaptionLanguage) -> tuple[str, ...]:
    while True:
        lines = _broken(text.bracketed(language), language)
        if lines is not None:
            return lines
        if text.place:  # the least important word is the last
            text = replace(text, place=text.place[:-1])
        else:
            text = replace(text, sound=text.sound.removesuffix(_CUT)[:-1].rstrip() + _CUT)


def _broken(text: str, language: CaptionLanguage) -> tuple[str, ...] | None:
    """One line, or two broken after a separator or at a space, the more even the better; None if they do not fit."""
    if language.length(text) <= language.line_length:
        return (text,)
    for sign in (language.separator, " "):
        cuts = [place + len(sign) for place in range(len(text)) if text.startswith(sign, place)]
        halves = [(text[:cut].rstrip(), text[cut:].lstrip()) for cut in cuts]
        fitting = [pair for pair in halves if all(0 < language.length(half) <= language.line_length for half in pair)]
        if fitting:
            return min(fitting, key=lambda pair: abs(len(pair[0]) - len(pair[1])))
    if language.half_width and language.length(text) <= 2 * language.line_length:  # these languages have no spaces
        middle = len(text) // 2
        pair = (text[:middle], text[middle:])
        return pair if all(language.length(half) <= language.line_length for half in pair) else None
    return None
