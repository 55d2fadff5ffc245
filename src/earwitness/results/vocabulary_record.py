"""The vocabulary of a model or a result, as cards and documents list it: names and slugs in order of the indices."""

from __future__ import annotations

from typing import Final

from pydantic import Field, field_validator

from earwitness.core.errors import shortened
from earwitness.core.schema import DocumentModel
from earwitness.core.vocabulary import DCASE2025, Vocabulary

MOST_CLASSES: Final = 10_000
_LONGEST_NAME: Final = 1000


class ClassRecord(DocumentModel):
    """One class of sound.

    Attributes:
        name: name for people.
        slug: name in files.
    """

    name: str = Field(min_length=1, max_length=_LONGEST_NAME)
    slug: str = Field(min_length=1, max_length=_LONGEST_NAME)


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
        """The record of a vocabulary."""
        classes = tuple(ClassRecord(name=one.name, slug=one.slug) for one in vocabulary)
        return cls(name=vocabulary.name, classes=classes)

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def slugs(self) -> tuple[str, ...]:
        """The slugs in the order of the indices."""
        return tuple(one.slug for one in self.classes)

    def difference(self, other: VocabularyRecord) -> str:
        """How the classes differ from those of another vocabulary, for messages; empty if they are the same.

        Names do not count: files hold slugs and indices.
        """
        if self.slugs == other.slugs:
            return ""
        mine, theirs = (f"'{shortened(one.name, 60)}'" for one in (self, other))
        if mine != theirs:
            return f"the classes are those of {mine}, not of {theirs}"
        if len(self) != len(other):
            return f"{mine} has {len(self)} classes, not {len(other)}"
        index = next(index for index, (a, b) in enumerate(zip(self.slugs, other.slugs, strict=True)) if a != b)
        return f"class {index} of {mine} is '{shortened(self.slugs[index], 60)}', not '{other.slugs[index]}'"


DEFAULT_VOCABULARY: Final = VocabularyRecord.of(DCASE2025)
"""The vocabulary of cards and documents that list none: those of version 0.1.0."""
