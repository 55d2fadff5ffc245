"""Weighted mix of clip sets: draw k is deterministic, and no clip repeats before all others of its set were drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError, LabelError

_MAX_DAMAGED: Final = 100
"""Damaged clips in a row after which drawing fails."""
ROUND: Final = 1000
"""Draws after which the shares of the sets are exact; smaller shares than a thousandth are raised to it."""


class ClipSet(Protocol):
    """A finite set of clips."""

    def __len__(self) -> int:
        """Number of clips."""

    def __getitem__(self, index: int, /) -> Any:
        """A clip; raises an EarwitnessError if the clip is damaged."""


class ClipSource(Protocol):
    """An endless source of clips."""

    def draw(self, number: int) -> Any:
        """Clip `number`; the same number gives the same clip."""


@dataclass(slots=True)
class Subset:
    """A subset of a set of clips.

    Attributes:
        clips: the set.
        members: indices of the chosen clips.
    """

    clips: ClipSet
    members: Sequence[int]

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.members)

    def __getitem__(self, index: int) -> Any:
        """A clip."""
        return self.clips[self.members[index]]


@dataclass(slots=True)
class JoinedClips:
    """Several sets, concatenated.

    Attributes:
        parts: the sets, in order.
    """

    parts: Sequence[ClipSet]

    def __len__(self) -> int:
        """Number of clips."""
        return sum(map(len, self.parts))

    def __getitem__(self, index: int) -> Any:
        """A clip."""
        for part in self.parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        raise IndexError(index)


@dataclass(slots=True)
class ShuffledClips:
    """An endless stream of a set's clips, in a new random order for each pass.

    Attributes:
        clips: the set.
        seed: of the orders.
        damaged: clips that could not be read, by number in the set, with the reason.
    """

    clips: ClipSet
    seed: int
    damaged: dict[int, str] = field(default_factory=dict)
    _pass: int = field(default=-1, init=False, repr=False)
    _order: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), init=False, repr=False)

    def draw(self, number: int) -> Any:
        """Clip `number`; a damaged clip is replaced by the next in order.

        Raises:
            LabelError: too many clips in a row are damaged.
        """
        for place in range(number, number + _MAX_DAMAGED):
            index = self.index(place)
            try:
                return self.clips[index]
            except EarwitnessError as error:
                self.damaged[index] = str(error)
        reason = next(reversed(self.damaged.values()))
        raise LabelError(f"{_MAX_DAMAGED} clips in a row are damaged ({reason}); run `earwitness dataset check`")

    def index(self, number: int) -> int:
        """Index in the set of draw `number`."""
        passed, place = divmod(number, len(self.clips))
        if passed != self._pass:
            rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(passed,)))
            self._pass, self._order = passed, rng.permutation(len(self.clips))
        return int(self._order[place])


class ClipPass:
    """Every clip of a set once, in shuffled order, for validation."""

    def __init__(self, clips: ClipSet, seed: int) -> None:
        self._clips = ShuffledClips(clips, seed)

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._clips.clips)

    def at(self, number: int) -> Any:
        """Clip `number` of the order."""
        return self._clips.draw(number)


class ClipMix:
    """Draws from several sets in fixed shares.

    Args:
        parts: each set with its weight, for example [(real, 1.0), (synthetic, 3.0)].
        seed: of the order in which the sets alternate.

    Raises:
        LabelError: there is no set, or a weight is not positive.
    """

    def __init__(self, parts: Sequence[tuple[ClipSource, float]], seed: int) -> None:
        weights = np.array([weight for _, weight in parts], dtype=np.float64)
        if not weights.size or not (weights > 0).all() or not np.isfinite(weights).all():
            raise LabelError("a mix of data sets needs at least one set and positive weights")
        self._parts, self._seed = tuple(part for part, _ in parts), seed
        self._quotas = _whole_shares(weights / weights.sum(), ROUND)
        self._round, self._turns = -1, np.zeros(0, np.int64)

    def at(self, number: int) -> Any:
        """Draw `number`."""
        part, drawn = self.turn(number)
        return self._parts[part].draw(drawn)

    def turn(self, number: int) -> tuple[int, int]:
        """The set from which draw `number` comes, and the number of earlier draws from that set."""
        passed, place = divmod(number, ROUND)
        if passed != self._round:
            rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(passed,)))
            self._round = passed
            self._turns = rng.permutation(np.repeat(np.arange(len(self._parts)), self._quotas))
        part = int(self._turns[place])
        return part, passed * int(self._quotas[part]) + int(np.count_nonzero(self._turns[:place] == part))


def _whole_shares(shares: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Integers of at least 1, closest to `shares` times `total`, with the sum `total`."""
    quotas = np.maximum(np.floor(shares * total), 1).astype(np.int64)
    for _ in range(abs(total - int(quotas.sum()))):
        lacking = shares * total - quotas
        step = 1 if quotas.sum() < total else -1
        quotas[np.argmax(lacking) if step > 0 else np.argmin(np.where(quotas > 1, lacking, np.inf))] += step
    return quotas
