"""Fills the lines of a caption with the sounds that it names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from earwitness.export.captions.caption_rules import MOST_LINES
from earwitness.export.captions.caption_words import SoundText
from earwitness.export.captions.languages import CaptionLanguage

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
