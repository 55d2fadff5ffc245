"""Parts of a result: chosen classes, and events by time, direction, screen and confidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final, Protocol

import numpy as np

from earwitness.core.errors import UsageError, shortened
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.vocabulary import DCASE2025
from earwitness.results.detection import Detection

MOST_NAMES: Final = 1000
_LISTED_CHARACTERS: Final = 400
"""Length of the list of known names in a message: a vocabulary may have hundreds of classes."""
_DEFAULT_GROUPS: Final = {one.slug: one.groups for one in DCASE2025}


class Classes(Protocol):
    """A vocabulary, or its record in a card or a document."""

    @property
    def classes(self) -> Sequence[Any]:
        """Its classes, each with a `name` and a `slug`, at the positions of their indices."""


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """The classes that a user wants to see; without names, all of them.

    A name is that of a class, its slug, or that of a group of classes. Upper and lower case, spaces, "-" and "_" make
    no difference. Where a class and a group have the same name, the name means the class.

    Attributes:
        only: names of the classes to keep; empty: all. A text may hold several names, separated by commas.
        without: names of the classes to leave out, even if `only` names them.
    """

    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    @classmethod
    def of(cls, only: str | Sequence[str] | None = (), without: str | Sequence[str] | None = ()) -> ClassChoice:
        """A choice from one text or several; an empty text or None chooses nothing."""
        texts = [(given,) if isinstance(given, str) and given else tuple(given or ()) for given in (only, without)]
        return cls(*texts)

    def __bool__(self) -> bool:
        """Whether it leaves anything to choose; False: all classes are kept."""
        return bool(self.only or self.without)

    def kept(self, vocabulary: Classes) -> tuple[int, ...]:
        """Indices of the classes that are kept, ascending.

        Raises:
            UsageError: a name that the vocabulary does not have (the message names similar ones), or no class is left.
        """
        names = _Names(vocabulary)
        everything = range(len(vocabulary.classes))
        only = set(everything) if not self.only else set(names.indices(self.only, "classes"))
        left = only - set(names.indices(self.without, "exclude"))
        if not left:
            raise UsageError("classes and exclude leave no class over; exclude fewer of them")
        return tuple(index for index in everything if index in left)

    def select(self, table: EventTable, vocabulary: Classes) -> EventTable:
        """The rows of the classes that are kept.

        Raises:
            UsageError: as `kept`.
        """
        return table.select(np.isin(table.class_index, self.kept(vocabulary))) if self else table

    def apply(self, result: Detection) -> Detection:
        """The result without the events of the other classes; it names the classes that were left out.

        Raises:
            UsageError: as `kept`.
        """
        if not self:
            return result
        classes, kept = result.vocabulary.classes, self.kept(result.vocabulary)
        absent = {one.slug for index, one in enumerate(classes) if index not in kept} | set(result.left_out)
        left_out = tuple(one.slug for one in classes if one.slug in absent)
        return replace(result, table=self.select(result.table, result.vocabulary), left_out=left_out)

    def already_left_out(self, result: Detection) -> tuple[str, ...]:
        """Slugs of the classes that `only` asks for and that the result does not have, since it was made without them.

        Raises:
            UsageError: as `kept`.
        """
        if not self.only or not result.left_out:
            return ()
        classes = result.vocabulary.classes
        return tuple(slug for index in self.kept(result.vocabulary) if (slug := classes[index].slug) in result.left_out)


EVERY_CLASS: Final = ClassChoice()


def left_out_sentence(result: Detection) -> str:
    """Say which classes a result leaves out; empty if it has all of them."""
    names = [one.name for one in result.vocabulary.classes if one.slug in result.left_out]
    return f"Left out on request: {shortened(', '.join(names), _LISTED_CHARACTERS)}." if names else ""


class _Names:
    """What the classes and groups of a vocabulary are called."""

    def __init__(self, vocabulary: Classes) -> None:
        self._of: dict[str, set[int]] = {}
        self._shown: dict[str, str] = {}
        self._groups: list[str] = []
        classes = list(enumerate(vocabulary.classes))
        self._slugs = [one.slug for _, one in classes]
        for index, one in classes:
            self._add(one.slug, index)
        for index, one in classes:  # two classes may have one name, but not one slug
            self._add(one.name, index)
        own = set(self._of)
        for index, one in classes:
            for group in getattr(one, "groups", None) or _DEFAULT_GROUPS.get(one.slug, ()):
                if _plain(group) not in own:
                    if _plain(group) not in self._of:
                        self._groups.append(group)
                    self._add(group, index)

    def indices(self, texts: Sequence[str], what: str) -> Iterator[int]:
        """Indices of all classes that the texts name; `what` begins a message."""
        names = [name for text in texts for name in self._split(text)]
        if texts and not names:
            raise UsageError(f"{what}: name a class or a group; {self._known()}")
        if len(names) > MOST_NAMES:
            raise UsageError(f"{what}: {len(names)} names; at most {MOST_NAMES}")
        for name in names:
            found = self._of.get(_plain(name))
            if found is None:
                raise UsageError(f"{what}: no class or group is called '{shortened(name, 60)}'; {self._similar(name)}")
            yield from found

    def _add(self, name: str, index: int) -> None:
        self._of.setdefault(_plain(name), set()).add(index)
        self._shown.setdefault(_plain(name), name)

    def _split(self, text: str) -> list[str]:
        """The names in a text; a name may itself contain commas."""
        if _plain(text) in self._of:
            return [text]
        return [part.strip() for part in text.split(",") if part.strip()]

    def _similar(self, name: str) -> str:
        plain = _plain(name)[:200]
        close = [self._shown[each] for each in get_close_matches(plain, list(self._of), n=3, cutoff=0.6)]
        close += [shown for each, shown in self._shown.items() if plain and plain in each and shown not in close][:3]
        return f"did you mean {' or '.join(close)}?" if close else self._known()

    def _known(self) -> str:
        groups = f"; the groups are: {', '.join(self._groups)}" if self._groups else ""
        return shortened(f"the classes are: {', '.join(self._slugs)}", _LISTED_CHARACTERS) + groups


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


Range = tuple[float | None, float | None]


def select(
    result: Detection,
    *,
    time: Range = (None, None),
    classes: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    azimuth: Range = (None, None),
    onscreen: bool | None = None,
    score: float = 0.0,
) -> Detection:
    """Return a result with some of the events; times still count from the beginning of the recording.

    Args:
        result: the result.
        time: from and to, seconds; events that go beyond are cut.
        classes: names of classes or groups to keep.
        exclude: names of classes or groups to leave out.
        azimuth: from and to, degrees, positive to the left, in any order; events whose median lies within are kept.
        onscreen: keep only events that are on screen, or off screen.
        score: lowest mean confidence of an event.

    Raises:
        UsageError: an unknown class, a range that ends before it begins, or a value that is no number.
    """
    result = ClassChoice.of(classes, exclude).apply(result)
    table = result.table
    begin, end = _bounds(time, "time")
    table = table.select(
        table.frame >= math.floor(begin * FRAME_RATE + 1e-6) if math.isfinite(begin) else table.frame >= 0
    )
    if math.isfinite(end):
        table = table.select(table.frame < math.ceil(end * FRAME_RATE - 1e-6))
    low, high = sorted(_bounds(azimuth, "azimuth", ordered=False))
    whole = (low, high) == (-math.inf, math.inf)
    by_event, first, stop = table.runs()
    kept = np.zeros(len(by_event), dtype=np.bool_)
    for start, last in zip(first.tolist(), stop.tolist(), strict=True):
        rows = slice(start, last)
        middle = float(np.median(by_event.azimuth[rows]))
        kept[rows] = (
            (whole or low <= middle <= high)
            and (onscreen is None or bool(by_event.onscreen[rows].mean() >= 0.5) == onscreen)
            and float(by_event.score[rows].mean()) >= score
        )
    return replace(result, table=by_event.select(kept).sorted())


def _bounds(given: Range, name: str, *, ordered: bool = True) -> tuple[float, float]:
    try:
        low, high = given
        begin, end = (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))
    except (TypeError, ValueError):
        raise UsageError(f"{name} is a pair of numbers, from and to, such as (0, 10); None is open") from None
    if math.isnan(begin) or math.isnan(end) or (ordered and end < begin):
        raise UsageError(f"{name}=({given[0]}, {given[1]}) ends before it begins")
    return begin, end
