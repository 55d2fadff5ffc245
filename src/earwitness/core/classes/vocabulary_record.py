"""The vocabulary of a model or a result, as cards and documents list it: its classes in order of the indices.

Classes that state no colour get one that differs as much as possible from those already in use.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, SerializerFunctionWrapHandler, field_validator, model_serializer

from earwitness.core.schema import DocumentModel
from earwitness.core.vocabulary import DCASE2025, BodyPart, SoundClass, Vocabulary

MOST_CLASSES: Final = 200
_LONGEST_NAME: Final = 1000
_Text = Annotated[str, Field(max_length=_LONGEST_NAME)]
_Texts = Annotated[tuple[_Text, ...], Field(max_length=100)]

_LUMINANCE: Final = (0.19, 0.405)
"""Range with a contrast of at least 2.3 on white and 4 on the dark background of panels."""
_WHITE: Final = (0.9505, 1.0, 1.089)
_TO_XYZ: Final = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


class ClassRecord(DocumentModel):
    """One class of sound; what is None is filled in by `complete_classes`.

    Attributes:
        name: name for people.
        slug: name in files.
        made_by, colour, caption, icon, prompts, labels, groups: as in `SoundClass`.
    """

    name: str = Field(min_length=1, max_length=_LONGEST_NAME)
    slug: str = Field(min_length=1, max_length=_LONGEST_NAME)
    made_by: BodyPart | None = None
    colour: str | None = Field(None, pattern=r"^#[0-9A-Fa-f]{6}$")
    caption: _Text | None = Field(None, min_length=1)
    icon: _Text | None = None
    prompts: _Texts | None = None
    labels: _Texts | None = None
    groups: _Texts | None = None

    @field_validator("name", "slug", "caption")
    @classmethod
    def _printable(cls, text: str | None) -> str | None:
        if text is not None and not text.isprintable():
            raise ValueError("must be printable text on one line")
        return text

    @field_validator("slug")
    @classmethod
    def _one_word(cls, slug: str) -> str:
        if set(slug) & set("/\\<>\"'&") or len(slug.split()) != 1 or slug != slug.strip():
            raise ValueError("must be one word, without slashes and quotes")
        return slug

    @model_serializer(mode="wrap")
    def _stated(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class VocabularyRecord(DocumentModel):
    """The classes that a model distinguishes, or that a result refers to.

    Attributes:
        name: name of the vocabulary.
        classes: at positions that are their indices.
    """

    name: str = Field(min_length=1, max_length=_LONGEST_NAME)
    classes: tuple[ClassRecord, ...] = Field(min_length=1, max_length=MOST_CLASSES)

    @field_validator("classes")
    @classmethod
    def _unique_slugs(cls, classes: tuple[ClassRecord, ...]) -> tuple[ClassRecord, ...]:
        if len({one.slug for one in classes}) != len(classes):
            raise ValueError("each slug may occur only once")
        return classes

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> VocabularyRecord:
        """The record of a vocabulary; that of the default vocabulary lists names and slugs only."""
        stated = ("name", "slug") if vocabulary == DCASE2025 else tuple(ClassRecord.model_fields)
        classes = tuple(ClassRecord(**{key: getattr(one, key) for key in stated}) for one in vocabulary)
        return cls(name=vocabulary.name, classes=classes)

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs in the order of the indices."""
        return tuple(one.slug for one in self.classes)

    def vocabulary(self) -> Vocabulary:
        """The vocabulary, with everything that the record does not state filled in."""
        found = Vocabulary(self.name, complete_classes(self.classes))
        return DCASE2025 if found == DCASE2025 else found

    def difference(self, other: VocabularyRecord) -> str:
        """How the classes differ from those of another vocabulary, for messages; empty if they are the same.

        Names do not count: files hold slugs and indices.
        """
        return self.vocabulary().difference(other.vocabulary())


def _others(stated: Sequence[str | None]) -> Iterator[str]:
    used = [one.colour for one in DCASE2025] + [colour for colour in stated if colour]
    yield from further_colours(used, stated.count(None))


def complete_classes(records: Sequence[ClassRecord]) -> tuple[SoundClass, ...]:
    """Classes with everything that is not stated filled in: from the default class of that slug, else plain values."""
    known = {one.slug: one for one in DCASE2025}
    stated = [one.colour or (known[one.slug].colour if one.slug in known else None) for one in records]
    # The default colours were chosen well and come first; further ones differ from all of them.
    free = chain((one.colour for one in DCASE2025 if one.colour not in stated), _others(stated))
    classes = []
    for index, (one, colour) in enumerate(zip(records, stated, strict=True)):
        like = known.get(one.slug)
        plain = one.name.lower()
        values: dict[str, Any] = {
            "made_by": like.made_by if like else "",
            "caption": like.caption if like else plain,
            "icon": like.icon if like else one.slug,
            "prompts": like.prompts if like else (f"a {plain}",),
            "labels": like.labels if like else (),
            "groups": like.groups if like else (),
        }
        values |= {key: value for key in values if (value := getattr(one, key)) is not None}
        classes.append(
            SoundClass(index=index, name=one.name, slug=one.slug, colour=(colour or next(free)).upper(), **values)
        )
    return tuple(classes)


DEFAULT_VOCABULARY: Final = VocabularyRecord.of(DCASE2025)
"""The vocabulary of cards and documents that list none: those of version 0.1.0."""


def further_colours(used: Sequence[str], count: int) -> list[str]:
    """`count` colours "#RRGGBB": each has the largest distance (CIE Lab) to those used before it."""
    codes, lab = _possible_colours()
    nearest = np.full(len(codes), np.inf)
    for colour in used:
        nearest = np.minimum(nearest, np.linalg.norm(lab - _lab(_rgb(colour))[0], axis=1))
    chosen = []
    for _ in range(count):
        best = int(nearest.argmax())
        chosen.append(codes[best])
        nearest = np.minimum(nearest, np.linalg.norm(lab - lab[best], axis=1))
    return chosen


@cache
def _possible_colours() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    codes = []
    for hue in range(60):
        for saturation in (0.35, 0.6, 0.85, 1.0):
            for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
                red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue / 60, saturation, value))
                codes.append(f"#{red:02X}{green:02X}{blue:02X}")
    rgb = np.concatenate([_rgb(code) for code in codes])
    luminance = _linear(rgb) @ _TO_XYZ[1]
    inside = np.flatnonzero((luminance >= _LUMINANCE[0]) & (luminance <= _LUMINANCE[1]))
    return tuple(codes[index] for index in inside), _lab(rgb[inside])


def _rgb(code: str) -> NDArray[np.float64]:
    return np.array([[int(code[start : start + 2], 16) / 255 for start in (1, 3, 5)]])


def _linear(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE Lab of sRGB colours (n, 3) in [0, 1]."""
    xyz = np.cbrt(_linear(rgb) @ _TO_XYZ.T / _WHITE)
    return np.stack([116 * xyz[:, 1] - 16, 500 * (xyz[:, 0] - xyz[:, 1]), 200 * (xyz[:, 1] - xyz[:, 2])], axis=1)
