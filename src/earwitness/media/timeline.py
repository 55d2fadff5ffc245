"""Where decoded sound and pictures belong in time.

Of sound: silence for gaps, a cut for overlaps, patience with jitter. Of both: a clock that restarts goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_TOLERANCE_MS: Final = 20
"""Stamps in many containers are rounded to milliseconds or jitter; below this a deviation is not a gap."""
MAX_JUMP_SECONDS: Final = 600
"""A jump in the stamps beyond this, or back by more than a second, is a restarted clock and not a gap."""
MAX_OVERLAP_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class Placement:
    """What to do with one decoded frame, in samples.

    Attributes:
        silence: samples of silence before it.
        skip: samples to drop from its beginning.
    """

    silence: int
    skip: int


class SampleClock:
    """Counts the samples of a stream and says where each decoded frame goes.

    Attributes:
        position: samples placed so far, silence included.
        start_samples: silence before the first frame: the sound starts late.
        gap_samples: silence within the sound.
        gaps: number of gaps within the sound.
        restarts: jumps in the time stamps that were taken for a restarted clock.
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
        """Count in another sample rate from here on."""
        ratio = Fraction(rate, self.rate)
        self.position = round(self.position * ratio)
        self.start_samples, self.gap_samples = round(self.start_samples * ratio), round(self.gap_samples * ratio)
        self.rate = rate

    def place(self, start: Fraction | None, samples: int, *, exact: bool = False) -> Placement:
        """Place the next frame and advance.

        Args:
            start: its time stamp, seconds from the container's zero; None continues where the last frame ended.
            samples: its length.
            exact: correct the smallest deviation, because data was lost just before.
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
        """Samples of silence missing at the end of the sound, if its last packets were lost."""
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
    """Says when decoded pictures, as they come out of the decoder, are shown.

    Their presentation stamps count, unless those go back more often than the stamps of decoding: some containers (AVI)
    have none, and what stands for them is in the order of the packets. FFmpeg's players choose by the same rule.

    Args:
        zero: time stamp, seconds, of the container's zero.
        nominal: seconds from one picture to the next, where stamps say nothing.

    Attributes:
        restarts: jumps in the time stamps that were taken for a restarted clock.
    """

    def __init__(self, zero: Fraction, nominal: float) -> None:
        self.restarts = 0
        self._offset, self._nominal = -zero, nominal
        self._shown, self._decoded = _Stamps(), _Stamps()
        self._last: float | None = None
        self._length = 0.0

    def place(self, shown: Fraction | None, decoded: Fraction | None, length: float) -> float:
        """Time of the next picture, seconds from the container's zero; never before that of the last one.

        Args:
            shown, decoded: its stamps, seconds; None where it has none.
            length: seconds that it says to last.
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
    """How often stamps did not go on."""

    def __init__(self) -> None:
        self.faults = 0
        self._last: Fraction | None = None

    def note(self, stamp: Fraction | None) -> None:
        if stamp is None:
            return
        self.faults += self._last is not None and stamp <= self._last
        self._last = stamp
