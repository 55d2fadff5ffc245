"""Placement of decoded audio and video frames in time, and stretches of time without directions.

Gaps in the audio are filled with silence, overlaps are cut, jitter is tolerated. In both, a restarted clock continues.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

_TOLERANCE_MS: Final = 20
"""Deviations below this are rounding or jitter of the time stamps, not gaps."""
MAX_JUMP_SECONDS: Final = 600
"""A larger forward jump, or a backward jump beyond `MAX_OVERLAP_SECONDS`, is a restarted clock and not a gap."""
MAX_OVERLAP_SECONDS: Final = 1

_LISTED: Final = 4
"""Maximum number of stretches listed in a sentence; further ones are only counted."""
_SAME_SECONDS: Final = 1.0
_LEAST_SHARE: Final = 0.05
"""Minimum share of a frame that must lie in a stretch; smaller overlaps come from rounded times."""


@dataclass(frozen=True, slots=True)
class Placement:
    """How to place one decoded frame, in samples.

    Attributes:
        silence: samples of silence to insert before it.
        skip: samples to drop from its start.
    """

    silence: int
    skip: int


class SampleClock:
    """Counts the samples of a stream and places each decoded frame.

    Attributes:
        position: samples placed so far, silence included.
        start_samples: silence before the first frame, if the audio starts late.
        gap_samples: silence inserted after the first frame.
        gaps: number of gaps after the first frame.
        restarts: number of clock restarts.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.position = 0
        self.start_samples = 0
        self.gap_samples = 0
        self.gaps = 0
        self.restarts = 0
        self._offset = Fraction(0)
        self._begun = False

    def change_rate(self, rate: int) -> None:
        """Convert all counts to another sample rate, which applies from now on."""
        ratio = Fraction(rate, self.rate)
        self.position = round(self.position * ratio)
        self.start_samples, self.gap_samples = round(self.start_samples * ratio), round(self.gap_samples * ratio)
        self.rate = rate

    def place(self, start: Fraction | None, samples: int, *, exact: bool = False) -> Placement:
        """Place the next frame and advance.

        Args:
            start: time stamp in seconds from the container's start; None continues after the last frame.
            samples: length of the frame.
            exact: correct deviations below the tolerance too, because data was lost just before.
        """
        late = 0 if start is None else self._lateness(start)
        tolerance = 1 if exact or not self._begun else self.rate * _TOLERANCE_MS // 1000
        if abs(late) <= tolerance:
            late = 0
        silence, skip = max(0, late), min(samples, max(0, -late))
        self._count(silence)
        self._begun = self._begun or samples > skip
        self.position += samples - skip
        return Placement(silence, skip)

    def pad_to(self, end: Fraction) -> int:
        """Advance to `end` after lost packets; returns the number of missing samples."""
        missing = max(0, round((end + self._offset) * self.rate) - self.position)
        self._count(missing)
        return missing

    def _lateness(self, start: Fraction) -> int:
        placed = start + self._offset if self._offset else start
        late = round(placed * self.rate) - self.position
        jumped_back = self._begun and late < -MAX_OVERLAP_SECONDS * self.rate
        if jumped_back or late > MAX_JUMP_SECONDS * self.rate:
            self.restarts += 1
            self._offset = Fraction(self.position, self.rate) - start
            return 0
        return late

    def _count(self, silence: int) -> None:
        self.position += silence
        if not silence:
            return
        if self._begun:
            self.gap_samples += silence
            self.gaps += 1
        else:
            self.start_samples += silence


class PictureClock:
    """Computes the presentation times of decoded pictures.

    The presentation time stamps are used unless they decrease more often than the decoding time stamps: some containers
    (AVI) have no presentation time stamps, and FFmpeg then reports values in packet order. ffplay uses the same rule.

    Args:
        zero: time stamp of the container's start in seconds.
        nominal: frame interval in seconds, used where time stamps are missing.

    Attributes:
        restarts: number of clock restarts.
    """

    def __init__(self, zero: Fraction, nominal: float) -> None:
        self.restarts = 0
        self._offset, self._nominal = -zero, nominal
        self._shown, self._decoded = _Stamps(), _Stamps()
        self._last: float | None = None
        self._length = 0.0

    def place(self, shown: Fraction | None, decoded: Fraction | None, length: float) -> float:
        """Time of the next picture in seconds from the container's start; never decreases.

        Args:
            shown, decoded: presentation and decoding time stamp in seconds; None if missing.
            length: declared duration in seconds.
        """
        self._shown.note(shown)
        self._decoded.note(decoded)
        trusted = shown is not None and (decoded is None or self._shown.faults <= self._decoded.faults)
        self._last = self._time(shown if trusted else decoded)
        self._length = length
        return self._last

    def _time(self, stamp: Fraction | None) -> float:
        last = self._last
        follows = 0.0 if last is None else last + self._nominal
        if stamp is None:
            return follows
        time = float(stamp + self._offset)
        if last is None:
            return time
        if not last - MAX_OVERLAP_SECONDS <= time <= last + self._length + MAX_JUMP_SECONDS:
            self.restarts += 1
            self._offset = Fraction(follows) - stamp
            return follows
        return max(time, last)


class _Stamps:
    """Counts time stamps that do not increase."""

    def __init__(self) -> None:
        self.faults = 0
        self._last: Fraction | None = None

    def note(self, stamp: Fraction | None) -> None:
        if stamp is None:
            return
        self.faults += self._last is not None and stamp <= self._last
        self._last = stamp


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


def join_stretches(stretches: Iterable[Stretch], tolerance: float = 0.0) -> list[Stretch]:
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


def describe_stretches(stretches: Iterable[Stretch]) -> str:
    """One line that lists where there is no direction, and why; empty if there are no stretches."""
    stretches = join_stretches(stretches)
    if not stretches:
        return ""
    listed = ", ".join(_span(stretch) for stretch in stretches[:_LISTED])
    more = len(stretches) - _LISTED
    rest = f" and {more} more stretch{'es' if more > 1 else ''}" if more > 0 else ""
    return f"no direction from {listed}{rest}"


def _span(stretch: Stretch) -> str:
    end = "the end" if np.isinf(stretch.end) else f"{stretch.end:.1f} s"
    return f"{stretch.start:.1f} s to {end} ({stretch.reason})"
