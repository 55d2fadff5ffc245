"""Search for sounds by words: names, synonyms and AudioSet's labels, with simple stemming."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from earwitness.core.errors import UsageError, shortened
from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.any_sound.audioset_sounds import other_sounds

MOST_WORDS: Final = 100
_LONGEST_TEXT: Final = 300
_EMPTY: Final = frozenset({"a", "an", "the", "of", "and", "or", "sound", "sounds", "noise", "noises"})
_ENDINGS: Final = ("ings", "ing", "ers", "er", "ies", "es", "ed", "s", "y", "e")


@cache
def other_words() -> dict[str, str]:
    """Irregular forms and words of other dialects, with a known word for each; data, like the table of sounds."""
    text = (files("earwitness") / "assets" / "any_sound" / "words.json").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, str]).validate_json(text)


class TextEncoder(Protocol):
    """Encodes short texts."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (texts, D) of length 1."""


@dataclass(frozen=True, slots=True)
class FoundSounds:
    """What words mean.

    Attributes:
        slugs: of the classes and other sounds, the classes first.
        nearest: name of the nearest sound, by words that are no name.
    """

    slugs: tuple[str, ...] = ()
    nearest: Mapping[str, str] = field(default_factory=dict)


def found_sounds(
    texts: str | Sequence[str], vocabulary: Vocabulary, load_encoder: Callable[[], TextEncoder] | None = None
) -> FoundSounds:
    """The classes and other sounds that words mean.

    Words match a whole name first ("bell"); else a part of one ("barking"); else the words of one sound ("church dog").

    Args:
        texts: words; commas separate several searches.
        vocabulary: the classes of the model.
        load_encoder: loads an encoder of texts, which finds the nearest sound for words that are no name.

    Raises:
        UsageError: nothing is called so, and there is no encoder; the message names close matches.
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
    matches = {text: _matches(text, known) for text in searches}
    unknown = [text for text, found in matches.items() if not found]
    if unknown and load_encoder is None:
        raise UsageError(
            f"find: no sound is called '{shortened(unknown[0], 60)}'; {_similar(unknown[0], phrases.values())}"
        )
    nearest = _nearest(unknown, phrases, load_encoder()) if unknown and load_encoder is not None else {}
    wanted = {slug for found in matches.values() for slug in found} | set(nearest.values())
    names = {text: phrases[slug][0] for text, slug in nearest.items()}
    return FoundSounds(tuple(slug for slug in phrases if slug in wanted), names)


def _nearest(texts: Sequence[str], phrases: dict[str, list[str]], encoder: TextEncoder) -> dict[str, str]:
    """For each text, the slug of the sound with the phrase of the most similar embedding."""
    slugs = [slug for slug, names in phrases.items() for _ in names]
    known = encoder.encode([name.replace("_", " ") for names in phrases.values() for name in names])
    similar = encoder.encode([text[:_LONGEST_TEXT] for text in texts]) @ known.T
    return {text: slugs[int(row.argmax())] for text, row in zip(texts, similar, strict=True)}


def _matches(text: str, known: dict[str, list[frozenset[str]]]) -> list[str]:
    """Slugs of the sounds that a text names; none if it is unknown."""
    replaced = " ".join(other_words().get(word, word) for word in _words(text))
    variants = [stems for stems in (_stems(text), _stems("".join(_words(text))), _stems(replaced)) if stems]
    for stems in variants:
        for level in (
            lambda names, stems=stems: stems in names,
            lambda names, stems=stems: any(stems <= name for name in names),
            lambda names, stems=stems: stems <= frozenset().union(*names),
        ):
            if found := [slug for slug, names in known.items() if level(names)]:
                return found
    return []


def _similar(text: str, phrases: Iterable[Sequence[str]]) -> str:
    names = {name.replace("_", " ").casefold(): None for several in phrases for name in several}
    words = {word: None for name in names for word in _words(name) if len(word) > 2}
    plain = " ".join(_words(text))[:100]
    close = get_close_matches(plain, list(names), n=3, cutoff=0.6)
    for word in plain.split():
        close += get_close_matches(word, list(words), n=2, cutoff=0.6)
    shown = list(dict.fromkeys(close))[:4]
    if shown:
        return f"did you mean {' or '.join(shown)}?"
    return "docs/any-sound.md lists the names; --weights words=FOLDER finds the nearest one (experimental)"


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
