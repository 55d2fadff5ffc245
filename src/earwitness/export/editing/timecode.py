"""Frame rates and timecodes of editing programs (SMPTE ST 12-1), with drop-frame counting."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from earwitness.core.errors import MediaError, UsageError, shortened
from earwitness.media.containers.probe import probe

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

DEFAULT_RATE: Final = Fraction(25)
_NTSC: Final = Fraction(1000, 1001)
_USUAL: Final = tuple(
    rate for whole in (24, 25, 30, 48, 50, 60, 90, 100, 120)
    for rate in (Fraction(whole), Fraction(whole) * _NTSC) if whole % 25 or rate.denominator == 1
)  # fmt: skip
_SAME: Final = 2e-4
"""Containers round their rates: 29.97 for 30000/1001. Usual rates differ by 1 in 1000 at least."""
_DROPPING: Final = frozenset({30, 60, 120})
_DIGITS: Final = re.compile(r"\d{1,3}(\.\d{1,6})?|\d{1,7}/\d{1,7}")


@dataclass(frozen=True, slots=True)
class FrameRate:
    """A frame rate and its way of counting.

    Attributes:
        rate: frames per second, exactly.
        drops: whether timecodes leave out numbers to follow the clock; possible with 29.97, 59.94 and 119.88 only.
    """

    rate: Fraction
    drops: bool

    @classmethod
    def of(cls, rate: Fraction) -> FrameRate:
        """Drop-frame where it is usual: 29.97 frames per second and its multiples."""
        return cls(rate, rate.denominator == 1001 and round(rate) in _DROPPING)

    @property
    def nominal(self) -> int:
        """Frames that a second of timecode counts."""
        return round(self.rate)

    def frame(self, seconds: float) -> int:
        """Number of the frame that is shown at a time."""
        return round(Fraction(seconds).limit_denominator(100_000) * self.rate)

    def seconds(self, frame: int) -> Fraction:
        """Start of a frame, seconds, exactly."""
        return frame / self.rate

    def timecode(self, frame: int) -> str:
        """Format a frame number as hh:mm:ss:ff, or hh:mm:ss;ff where numbers are dropped; 24 hours are 0 again."""
        if self.drops:
            dropped = self.nominal // 15  # numbers left out each minute, but not each tenth
            in_ten = self.nominal * 600 - 9 * dropped
            tens, rest = divmod(frame, in_ten)
            frame += 9 * dropped * tens
            if rest >= self.nominal * 60:
                frame += dropped * (1 + (rest - self.nominal * 60) // (self.nominal * 60 - dropped))
        seconds, frames = divmod(frame, self.nominal)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours % 24:02d}:{minutes:02d}:{seconds:02d}{';' if self.drops else ':'}{frames:02d}"


def parse_frame_rate(text: str) -> Fraction:
    """Return a frame rate given as "25", "29.97" or "30000/1001"; decimals mean the exact rate that they stand for.

    Raises:
        UsageError: not a rate within 1..240.
    """
    given = text.strip()
    value = Fraction(given) if _DIGITS.fullmatch(given) and not given.endswith("/0") else Fraction(0)
    if not 1 <= value <= 240:
        raise UsageError(
            f"the frame rate must be a number within 1..240, such as 25 or 29.97, not '{shortened(text, 30)}'"
        )
    return exact_rate(value)


def exact_rate(rate: float | Fraction) -> Fraction:
    """The usual rate that a measured one stands for; others as a fraction of small numbers."""
    nearest = min(_USUAL, key=lambda usual: abs(float(usual) - float(rate)))
    return nearest if abs(float(nearest) - float(rate)) <= _SAME * nearest else Fraction(rate).limit_denominator(1001)


def media_rate(result: Detection) -> Fraction | None:
    """Frame rate of the video of a result; None without pictures, or if the file is not there."""
    file = result.media_file
    if file is None or not result.has_video:
        return None
    try:
        video = probe(file).video
    except MediaError:
        return None
    return exact_rate(video.fps) if video is not None and not video.is_still and 1 <= video.fps <= 240 else None


def frame_rate_of(result: Detection, chosen: Fraction | None = None) -> FrameRate:
    """The frame rate for a result: the chosen one, else that of its video, else 25."""
    return FrameRate.of(chosen or media_rate(result) or DEFAULT_RATE)
