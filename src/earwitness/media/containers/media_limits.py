"""What a media file may ask for: beyond these limits it is refused by name, before memory or hours are spent on it.

Each limit can be raised by an environment variable, `EARWITNESS_MAX_...`, for an honest file that needs more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from earwitness.core.errors import MediaLimitError, UsageError

_PREFIX: Final = "EARWITNESS_"


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Limits for one file.

    Attributes:
        min_rate, max_rate: samples per second of a sound track.
        max_channels: of a sound track.
        max_pixels: width times height of a picture, cover art included.
        max_silence_seconds: silence filled into gaps of a sound track in all, where that is more than `FILLED_RATIO`
            times the sound itself; the same for the time that pictures stand still between distant time stamps.
        max_packets_per_second: packets of a sound track for each second of it.
        open_seconds: for opening a file, and for any one read.
    """

    min_rate: int = 1_000
    max_rate: int = 768_000
    max_channels: int = 64
    max_pixels: int = 24_000_000
    max_silence_seconds: int = 600
    max_packets_per_second: int = 50_000
    open_seconds: int = 60

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> MediaLimits:
        """The limits, with those that environment variables give, such as `EARWITNESS_MAX_PIXELS`.

        Raises:
            UsageError: a variable that is no positive whole number.
        """
        given: dict[str, int] = {}
        for field in fields(cls):
            name = variable(field.name)
            if name in environment:
                given[field.name] = _positive(name, environment[name])
        return cls(**given)

    def check_sound(self, path: object, rate: int, channels: int) -> None:
        """Refuse a sound track that no microphone makes.

        Raises:
            MediaLimitError: its rate or its number of channels is beyond the limits.
        """
        if not self.min_rate <= rate <= self.max_rate:
            name = variable("max_rate" if rate > self.max_rate else "min_rate")
            raise MediaLimitError(
                f"{path}: its sound claims {rate} samples per second; {self.min_rate} to {self.max_rate} are taken "
                f"({name} changes the limit)"
            )
        if channels > self.max_channels:
            raise MediaLimitError(
                f"{path}: its sound has {channels} channels; up to {self.max_channels} are taken "
                f"({variable('max_channels')} raises the limit)"
            )

    def check_picture(self, path: object, width: int, height: int) -> None:
        """Refuse pictures that would take too much memory.

        Raises:
            MediaLimitError: they have too many pixels.
        """
        if width * height > self.max_pixels:
            raise MediaLimitError(
                f"{path}: its pictures of {width}x{height} pixels are larger than the limit of {self.max_pixels} "
                f"pixels; make a smaller copy, or raise {variable('max_pixels')}"
            )

    def check_filled(self, path: object, filled: float, there: float, what: str = "silence in its sound") -> None:
        """Refuse a file that is nearly all gaps.

        Args:
            path: the file.
            filled: seconds filled in so far.
            there: seconds of true content so far.
            what: is filled in.

        Raises:
            MediaLimitError: more is filled in than may be.
        """
        if filled > max(self.max_silence_seconds, FILLED_RATIO * there):
            raise MediaLimitError(
                f"{path}: its time stamps leave {filled:.0f} s of {what} around {there:.1f} s of content; if that is "
                f"right, raise {variable('max_silence_seconds')}"
            )

    def check_packets(self, path: object, packets: int, seconds: float) -> None:
        """Refuse sound that is cut into absurdly small packets, at the first 100,000 of them and later.

        Raises:
            MediaLimitError: there are too many for their length.
        """
        if packets > 2 * self.max_packets_per_second and packets > self.max_packets_per_second * seconds:
            raise MediaLimitError(
                f"{path}: its sound is cut into {packets} packets for {seconds:.2f} s; convert the file, or raise "
                f"{variable('max_packets_per_second')}"
            )


FILLED_RATIO: Final = 4.0
"""Times the length of what is there that may be filled in, however long a file is."""


def variable(limit: str) -> str:
    """Environment variable that sets a limit."""
    return _PREFIX + limit.upper()


def _positive(name: str, text: str) -> int:
    try:
        value = int(text.replace("_", ""))
    except ValueError:
        value = 0
    if value < 1:
        raise UsageError(f"{name} must be a positive whole number, not '{text[:40]}'")
    return value
