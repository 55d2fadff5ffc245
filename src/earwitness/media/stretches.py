"""Parts of a recording in which its sound carries no direction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LISTED: Final = 4
"""More stretches than these are counted in a sentence, not listed."""
_SAME_SECONDS: Final = 1.0
_LEAST_SHARE: Final = 0.05
"""A frame of which less than this lies in a stretch is left alone: rounding of times, not sound."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a recording in which its sound carries no direction.

    Attributes:
        start, end: seconds on the time axis of the result (0 is the container's start); the end may be infinite.
        reason: why, as it is to be said after "no direction": "mono", "the same sound on both channels".
    """

    start: float
    end: float
    reason: str


def joined(stretches: Iterable[Stretch], tolerance: float = 0.0) -> list[Stretch]:
    """In order of time; those of one reason that overlap, or are at most `tolerance` seconds apart, become one."""
    result: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda one: (one.reason, one.start)):
        last = result[-1] if result else None
        if last is not None and last.reason == stretch.reason and stretch.start <= last.end + tolerance:
            result[-1] = Stretch(last.start, max(last.end, stretch.end), last.reason)
        else:
            result.append(stretch)
    return sorted(result, key=lambda one: (one.start, one.end))


def not_within(stretches: Iterable[Stretch], known: Iterable[Stretch], seconds: float) -> list[Stretch]:
    """Those that do not lie within one of `known` stretches, give or take a second: one reason is enough.

    Args:
        stretches: what was found.
        known: stretches of which more is known, as that the file itself says so.
        seconds: length of the recording.
    """
    told = list(known)

    def is_told(one: Stretch) -> bool:
        end = min(one.end, seconds)
        return any(other.start <= one.start + _SAME_SECONDS and end <= other.end + _SAME_SECONDS for other in told)

    return [one for one in stretches if not is_told(one)]


def covered_frames(stretches: Iterable[Stretch], frames: int, frame_seconds: float) -> NDArray[np.bool_]:
    """(frames,) which of the frames, each of `frame_seconds`, lie in a stretch, if only in part."""
    covered = np.zeros(frames, dtype=np.bool_)
    for stretch in stretches:
        first = int(np.floor(max(0.0, stretch.start) / frame_seconds + _LEAST_SHARE))
        last = frames if np.isinf(stretch.end) else int(np.ceil(stretch.end / frame_seconds - _LEAST_SHARE))
        covered[min(first, frames) : max(0, min(last, frames))] = True
    return covered


def sentence(stretches: Iterable[Stretch]) -> str:
    """One line that says where there is no direction and why; empty for no stretches."""
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
