"""What microphones are not: equal, quiet alike, and of one pattern at all frequencies.

Three flaws of coincident pairs, in mid and side. Side is weaker or stronger than it should be, by frequency, so that
the patterns of left and right widen or narrow. Above some 6 kHz the capsules of an array lie too far apart for its
encoder: how strong mid and side are depends on the direction besides (spatial aliasing: orders above the first leak).
And one channel is louder, and noisier by itself, than the other.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDE_KNOTS_HZ: Final = (100.0, 400.0, 1500.0, 5000.0, 11000.0)
ALIASING_FROM_HZ: Final = 6000.0
_ALIASING_FULL: Final = 1.5
"""Frequency relative to `ALIASING_FROM_HZ` from which on aliasing is at its full strength."""
_ORDERS: Final = (2, 3)
"""Circular harmonics that leak into the first order."""
_LEAST_GAIN: Final = 0.05
_MOST: Final = 100.0
"""dB, or share."""


@dataclass(frozen=True, slots=True)
class MicrophoneFlaws:
    """The flaws of a stereo pair.

    Attributes:
        side_db: gain of side relative to what it should be at `SIDE_KNOTS_HZ`, straight over log-frequency between.
        leaks: (2, 4) for mid and for side, sine and cosine of orders 2 and 3 of the azimuth: how much louder, as a
            share, sound from there is at full aliasing.
        gain_db: left louder than right.
        noise_db: hiss of left louder than that of right, besides.
    """

    side_db: tuple[float, ...] = (0.0,) * len(SIDE_KNOTS_HZ)
    leaks: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,) * 4, (0.0,) * 4)
    gain_db: float = 0.0
    noise_db: float = 0.0

    @classmethod
    def of(cls, raw: dict[str, Any]) -> MicrophoneFlaws:
        """From plain values, which have lists where this has tuples.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: they are no such flaws.
        """
        if raw.keys() != {field.name for field in fields(cls)}:
            raise ValueError(f"flaws have {', '.join(field.name for field in fields(cls))}")
        mid, side = raw["leaks"]
        numbers = (len(SIDE_KNOTS_HZ), raw["side_db"]), (4, mid), (4, side), (2, [raw["gain_db"], raw["noise_db"]])
        if not all(len(values) == count and all(map(_is_sane, values)) for count, values in numbers):
            raise ValueError(f"flaws are numbers from {-_MOST:g} to {_MOST:g}")
        return cls(tuple(raw["side_db"]), (tuple(mid), tuple(side)), raw["gain_db"], raw["noise_db"])

    def pattern(self, frequency: NDArray[np.float64]) -> NDArray[np.float32]:
        """Gains (bins,) of side at frequencies in Hz."""
        knots = np.interp(np.log(np.maximum(frequency, 1.0)), np.log(SIDE_KNOTS_HZ), self.side_db)
        return np.asarray(10 ** (knots / 20), dtype=np.float32)

    def towards(self, azimuth_deg: float, frequency: NDArray[np.float64]) -> NDArray[np.float32]:
        """Gains (2, bins) of mid and side at frequencies in Hz for a source at an azimuth: pattern and aliasing."""
        angle = np.radians(azimuth_deg)
        harmonics = np.array([wave(order * angle) for order in _ORDERS for wave in (np.sin, np.cos)])
        rising = np.clip((frequency / ALIASING_FROM_HZ - 1) / (_ALIASING_FULL - 1), 0, 1)
        leaking = 1 + (np.asarray(self.leaks) @ harmonics)[:, None] * rising
        gains = np.maximum(leaking, _LEAST_GAIN).astype(np.float32)
        gains[1] *= self.pattern(frequency)
        return np.asarray(gains)

    @property
    def channel_gains(self) -> NDArray[np.float32]:
        """(2, 1) of left and right, of the same mean level in dB as without."""
        return _apart(self.gain_db)

    @property
    def noise_gains(self) -> NDArray[np.float32]:
        """(2, 1) of the hiss of left and right."""
        return _apart(self.noise_db)


def draw_flaws(rng: np.random.Generator) -> MicrophoneFlaws:
    """Flaws as of small recorders and arrays: side within some dB, channels within one or two."""
    whole, tilt = rng.normal(0, 0.8), rng.normal(0, 1.0)
    steps = np.linspace(-1, 1, len(SIDE_KNOTS_HZ))
    side = np.clip(whole + tilt * steps + rng.normal(0, 0.5, steps.size), -6, 4)
    leaks = rng.normal(0, 0.25, (2, 4)) * rng.uniform(0, 1)
    return MicrophoneFlaws(
        tuple(np.round(side, 3).tolist()),
        (tuple(np.round(leaks[0], 4).tolist()), tuple(np.round(leaks[1], 4).tolist())),
        round(float(rng.normal(0, 0.5)), 3),
        round(float(rng.normal(0, 1.5)), 3),
    )


def _is_sane(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST


def _apart(decibels: float) -> NDArray[np.float32]:
    return np.array([[10 ** (decibels / 40)], [10 ** (-decibels / 40)]], dtype=np.float32)
