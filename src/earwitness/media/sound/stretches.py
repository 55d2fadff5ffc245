"""Stretches: parts of a recording in which the sound carries no direction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LISTED: Final = 4
"""Maximum number of stretches listed in a sentence; further ones are only counted."""
_SAME_SECONDS: Final = 1.0
_LEAST_SHARE: Final = 0.05
"""Minimum share of a frame that must lie in a stretch; smaller overlaps come from rounded times."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a recording in which its sound carries no direction.

    Attributes:
        start, end: seconds from the container's start; the end may be infinite.
        reason: reason, worded to follow "no direction": "mono", "the same sound on both channels".
    """

    start: float
    end: float
    reason: str


def joined(stretches: Iterable[Stretch], tolerance: float = 0.0) -> list[Stretch]:
    """Sort stretches by time; stretches with the same reason that are at most `tolerance` seconds apart are merged."""
    result: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: (one.reason, one.start)):
        last = result[-1] if result else None
        if last is not None and last.reason == stretch.reason and stretch.start <= last.end + tolerance:
            result[-1] = Stretch(last.start, max(last.end, stretch.end), last.reason)
        else:
            result.append(stretch)
    return sorted(result, key=lambda one: (one.start, one.end))


def not_within(stretches: Iterable[Stretch], known: Iterable[Stretch], seconds: float) -> list[Stretch]:
    """Stretches that do not lie within one of the `known` ones, within a second: one reason is enough.

    Args:
        stretches: the candidates.
        known: stretches with a more certain reason.
        seconds: duration of the recording.
    """
    covering = list(known)

    def is_known(one: Stretch) -> bool:
        end = min(one.end, seconds)
        return any(other.start <= one.start + _SAME_SECONDS and end <= other.end + _SAME_SECONDS for other in covering)

    return [one for one in stretches if not is_known(one)]


def covered_frames(stretches: Iterable[Stretch], frames: int, frame_seconds: float) -> NDArray[np.bool_]:
    """(frames,) bool: whether each frame of `frame_seconds` lies at least partly in a stretch."""
    covered = np.zeros(frames, dtype=np.bool_)
    for stretch in stretches:
        first = int(np.floor(max(0.0, stretch.start) / frame_seconds + _LEAST_SHARE))
        last = frames if np.isinf(stretch.end) else int(np.ceil(stretch.end / frame_seconds - _LEAST_SHARE))
        covered[min(first, frames) : max(0, min(last, frames))] = True
    return covered


def sentence(stretches: Iterable[Stretch]) -> str:
    """One line that lists where there is no direction, and why; empty if there are no stretches."""
    stretches = joined(stretches)
    if not stretches:
        return ""
    listed = ", ".join(_span(stretch) for stretch in stretches[:_LISTED])
    more = len(stretches) - _LISTED
    rest = f" and {more} more stretch{'es' if more > 1 else ''}" if more > 0 else ""
    return f"no direction from {listed}{rest}"


def _span(stretch: Stretch) -> str:
    end = "the end" if np.isinf(stretch.end) else f"{stretch.end:.1f} s"
    return f"{stretch.start:.1f} s to {end} ({stretch.reason})"
