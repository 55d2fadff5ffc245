"""Flaws of real microphones, for coincident pairs in mid and side.

The level of side differs from the ideal by frequency, so that the patterns of left and right become wider or narrower.
Above about 6 kHz, the capsules of an array are too far apart for its encoder: the levels of mid and side depend on the
direction (spatial aliasing: orders above the first leak). The channels differ in gain and noise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDE_KNOTS_HZ: Final = (100.0, 400.0, 1500.0, 5000.0, 11000.0)
ALIASING_FROM_HZ: Final = 6000.0
_ALIASING_FULL: Final = 1.5
"""Frequency, relative to `ALIASING_FROM_HZ`, from which on aliasing has its full strength."""
_ORDERS: Final = (2, 3)
"""Circular harmonics that leak into the first order."""
_LEAST_GAIN: Final = 0.05
_MOST: Final = 100.0
"""Largest absolute value, in dB or as a share."""


@dataclass(frozen=True, slots=True)
class MicrophoneFlaws:
    """The flaws of a stereo pair.

    Attributes:
        side_db: gain error of side at `SIDE_KNOTS_HZ`, interpolated over log-frequency.
        leaks: (2, 4) for mid and side, sine and cosine of orders 2 and 3 of the azimuth: relative change of the
            amplitude at full aliasing.
        gain_db: gain of left relative to right.
        noise_db: additional level of the noise of left relative to right.
    """

    side_db: tuple[float, ...] = (0.0,) * len(SIDE_KNOTS_HZ)
    leaks: tuple[tuple[float, ...], tuple[float, ...]] = ((0.0,) * 4, (0.0,) * 4)
    gain_db: float = 0.0
    noise_db: float = 0.0

    @classmethod
    def of(cls, raw: dict[str, Any]) -> MicrophoneFlaws:
        """From plain values, with lists instead of tuples.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: the values are invalid.
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
        """Gains (2, bins) of mid and side at frequencies in Hz for a source at an azimuth, including `pattern`."""
        angle = np.radians(azimuth_deg)
        harmonics = np.array([wave(order * angle) for order in _ORDERS for wave in (np.sin, np.cos)])
        rising = np.clip((frequency / ALIASING_FROM_HZ - 1) / (_ALIASING_FULL - 1), 0, 1)
        leaking = 1 + (np.asarray(self.leaks) @ harmonics)[:, None] * rising
        gains = np.maximum(leaking, _LEAST_GAIN).astype(np.float32)
        gains[1] *= self.pattern(frequency)
        return np.asarray(gains)

    @property
    def channel_gains(self) -> NDArray[np.float32]:
        """(2, 1) gains of left and right, with a mean of 0 dB."""
        return _apart(self.gain_db)

    @property
    def noise_gains(self) -> NDArray[np.float32]:
        """(2, 1) gains of the noise of left and right."""
        return _apart(self.noise_db)


def draw_flaws(rng: np.random.Generator) -> MicrophoneFlaws:
    """Random flaws typical of small recorders and arrays: a few dB for side, one or two dB between channels."""
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
