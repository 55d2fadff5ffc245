"""Search for sounds by words: names, synonyms and AudioSet's labels, with simple stemming."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Final

from earwitness.core.errors import UsageError, shortened
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.any_sound.audioset_sounds import other_sounds

MOST_WORDS: Final = 100
_EMPTY: Final = frozenset({"a", "an", "the", "of", "and", "or", "sound", "sounds", "noise", "noises"})
_ENDINGS: Final = ("ings", "ing", "ies", "es", "ed", "s", "y", "e")


def found_slugs(texts: str | Sequence[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Slugs of the classes and other sounds that words mean, the classes first.

    Words match a whole name first ("bell"); else a part of one ("barking"); else the words of one sound ("church dog").

    Args:
        texts: words; commas separate several searches.
        vocabulary: the classes of the model.

    Raises:
        UsageError: nothing is called so; the message names close matches.
    """
    phrases: dict[str, list[str]] = {one.slug: [one.name, one.slug, one.caption, *one.labels] for one in vocabulary}
    for sound in other_sounds(vocabulary):
        phrases[sound.slug] = [sound.name, *sound.words, *sound.labels]
    given = [texts] if isinstance(texts, str) else list(texts)
    searches = [part.strip() for text in given for part in text.split(",") if part.strip()]
    if not searches:
        raise UsageError("find: name a sound, such as 'dog barking'")
    if len(searches) > MOST_WORDS:
        raise UsageError(f"find: {len(searches)} sounds; at most {MOST_WORDS}")
    known = {slug: [_stems(phrase) for phrase in names] for slug, names in phrases.items()}
    wanted = {slug for text in searches for slug in _matches(text, known, phrases)}
    return tuple(slug for slug in phrases if slug in wanted)


def _matches(text: str, known: dict[str, list[frozenset[str]]], phrases: dict[str, list[str]]) -> list[str]:
    variants = [stems for stems in (_stems(text), _stems("".join(_words(text)))) if stems]
    for stems in variants:
        for level in (
            lambda names, stems=stems: stems in names,
            lambda names, stems=stems: any(stems <= name for name in names),
            lambda names, stems=stems: stems <= frozenset().union(*names),
        ):
            if found := [slug for slug, names in known.items() if level(names)]:
                return found
    raise UsageError(f"find: no sound is called '{shortened(text, 60)}'; {_similar(text, phrases.values())}")


def _similar(text: str, phrases: Iterable[Sequence[str]]) -> str:
    names = {name.replace("_", " ").casefold(): None for several in phrases for name in several}
    words = {word: None for name in names for word in _words(name) if len(word) > 2}
    plain = " ".join(_words(text))[:100]
    close = get_close_matches(plain, list(names), n=3, cutoff=0.6)
    for word in plain.split():
        close += get_close_matches(word, list(words), n=2, cutoff=0.6)
    shown = list(dict.fromkeys(close))[:4]
    return f"did you mean {' or '.join(shown)}?" if shown else "docs/any-sound.md lists the names"


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _EMPTY]


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _words(text))


def _stem(word: str) -> str:
    """The word without its ending: "dogs", "barking" and "bark" match "dog" and "bark"."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    return word[:-1] if len(word) > 3 and word[-1] == word[-2] else word
