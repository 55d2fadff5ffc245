"""Models of stereo microphones: the response to a source at a position, as mid and side.

Mid is (L + R) / 2, side (L - R) / 2. All pairs are mirror-symmetric: mid has the same response to both sides, side has
opposite signs. Positions are in metres from the centre of the pair: ahead, left, up. The head is a rigid sphere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import eval_legendre

from earwitness.core.errors import UsageError
from earwitness.scenes.acoustics.rooms import SPEED_OF_SOUND

_ORDERS_BEYOND: Final = 12
"""Orders of the series above the largest ka; the truncation error is below 1e-4 from three radii on."""


def sphere_response(cosine: ArrayLike, distance: float, ka: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Pressure on the surface of a rigid sphere, relative to the free-field pressure at its centre.

    Source: Duda and Martens, "Range dependence of the response of a spherical head model" (JASA 1998), equation 4,
    with the opposite sign of time (a delay is exp(-i w t)).

    Args:
        cosine: (n,) cosines of the angles at the centre between the source and the points.
        distance: distance of the source from the centre in radii, above 1.
        ka: (bins,) wave number times radius, not negative.

    Returns:
        (n, bins); 1 at ka = 0.
    """
    cosines = np.atleast_1d(np.asarray(cosine, dtype=np.float64))
    positive = ka > 0
    wave = ka[positive]
    count = int(wave.max(initial=0.0)) + _ORDERS_BEYOND
    orders = np.arange(count)[:, None]
    source, surface = _hankel(count, wave * distance), _hankel(count + 1, wave)
    slope = orders / wave * surface[:-1] - surface[1:]
    legendre = (2 * orders + 1) * eval_legendre(orders, cosines[None, :])
    series = legendre.T @ (source / slope)
    result = np.ones((cosines.size, ka.size), dtype=np.complex128)
    result[:, positive] = np.conj(-(distance / wave) * np.exp(-1j * wave * distance) * series)
    return result


def _hankel(count: int, argument: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Spherical Hankel functions of the first kind, orders 0 to `count` - 1 (`count` is at least 2): (count, n).

    Upward recurrence is stable for them and much faster than evaluating Bessel functions for each order.
    """
    values = np.empty((count, argument.size), dtype=np.complex128)
    values[0] = -1j * np.exp(1j * argument) / argument
    values[1] = values[0] * (1 / argument - 1j)
    for order in range(1, count - 1):
        values[order + 1] = (2 * order + 1) / argument * values[order] - values[order - 1]
    return values


DEFAULT: Final = "dcase"

Complex = NDArray[np.complex128]
Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coincident:
    """Two coincident first-order microphones; their signals follow exactly from W, Y and X.

    Attributes:
        name: name of the microphone.
        omni, ahead: shares of W and X in mid.
        left: share of Y in side.
    """

    name: str
    omni: float
    ahead: float
    left: float


class NonCoincident(Protocol):
    """Two microphones at different positions, whose signals also have time differences."""

    @property
    def name(self) -> str:
        """Name of the microphone."""

    @property
    def aperture(self) -> float:
        """Path difference in metres between the microphones for sound from the side."""

    def pair(self, places: Float, frequency: Float) -> Complex:
        """Transfer functions to left and right, relative to an omnidirectional microphone at the centre.

        Args:
            places: (n, 3) positions of sources.
            frequency: (bins,) Hz.

        Returns:
            (n, 2, bins).
        """


@dataclass(frozen=True, slots=True)
class SpacedPair:
    """Two first-order microphones side by side; each receives the spherical wave at its own position.

    Attributes:
        name: name of the microphone.
        spacing: distance between them in metres.
        omni: 1 for omnidirectional, 0.5 for cardioid, 0 for figure-of-eight microphones.
        turn_deg: angle of each axis from the front, in degrees.
    """

    name: str
    spacing: float
    omni: float
    turn_deg: float

    @property
    def aperture(self) -> float:
        """See `NonCoincident.aperture`."""
        return self.spacing

    def pair(self, places: Float, frequency: Float) -> Complex:
        """See `NonCoincident.pair`."""
        middle = np.linalg.norm(places, axis=1)
        turn = np.radians(self.turn_deg)
        channels = []
        for sign in (1.0, -1.0):
            way = places - np.array([0.0, sign * self.spacing / 2, 0.0])
            distance = np.maximum(np.linalg.norm(way, axis=1), 1e-3)
            facing = (np.cos(turn) * way[:, 0] + sign * np.sin(turn) * way[:, 1]) / distance
            gain = (self.omni + (1 - self.omni) * facing) * middle / distance
            delay = np.outer((distance - middle) / SPEED_OF_SOUND, frequency)
            channels.append(gain[:, None] * np.exp(-2j * np.pi * delay))
        return np.stack(channels, axis=1)


@dataclass(frozen=True, slots=True)
class RigidHead:
    """Ears on a rigid sphere: head shadow and path differences, without hair, pinnae or shoulders.

    Attributes:
        name: name of the microphone.
        radius: radius in metres.
        ear_deg: azimuth of the ears from the front, in degrees.
    """

    name: str
    radius: float = 0.0875
    ear_deg: float = 100.0

    @property
    def aperture(self) -> float:
        """Path difference in metres between the ears for sound from the side (Woodworth)."""
        return self.radius * (np.pi / 2 + 1)

    def pair(self, places: Float, frequency: Float) -> Complex:
        """See `NonCoincident.pair`."""
        wave = 2 * np.pi * frequency * self.radius / SPEED_OF_SOUND
        ear = np.radians(self.ear_deg)
        distance = np.linalg.norm(places, axis=1)
        channels = np.empty((len(places), 2, frequency.size), dtype=np.complex128)
        for away in np.unique(distance):
            # Sources cannot be inside the head.
            far = max(float(away), 1.2 * self.radius)
            some = np.flatnonzero(distance == away)
            forward, aside = np.cos(ear) * places[some, 0], np.sin(ear) * places[some, 1]
            cosines = np.concatenate([forward + aside, forward - aside]) / far
            ears = sphere_response(np.clip(cosines, -1, 1), far / self.radius, wave)
            channels[some] = ears.reshape(2, some.size, -1).swapaxes(0, 1)
        return channels


Microphone = Coincident | SpacedPair | RigidHead

_XY: Final = float(np.sqrt(0.5)) / 2
MICROPHONES: Final[dict[str, Microphone]] = {
    microphone.name: microphone
    for microphone in (
        Coincident(DEFAULT, omni=1.0, ahead=0.0, left=1.0),
        Coincident("xy", omni=0.5, ahead=_XY, left=_XY),
        Coincident("ms", omni=0.5, ahead=0.5, left=0.5),
        SpacedPair("ortf", spacing=0.17, omni=0.5, turn_deg=55.0),
        SpacedPair("phone", spacing=0.14, omni=1.0, turn_deg=0.0),
        RigidHead("head"),
    )
}
"""dcase: cardioids that face left and right. xy: cardioids at 45 degrees to each side. ms: a cardioid that faces ahead;
left and right are its sum and difference with a figure-of-eight of half its sensitivity. ortf: cardioids 17 cm and 110
degrees apart. phone: omnidirectional microphones 14 cm apart. head: ears on a rigid sphere."""


PATTERNS: Final = {"omni": 1.0, "cardioid": 0.5}
"""Pairs of any spacing: pattern -> share of the omnidirectional part."""
_SPACING_CM: Final = (0.5, 200.0)
_MOST_DEG: Final = 90
_PAIR: Final = re.compile(rf"({'|'.join(PATTERNS)})-(\d{{1,3}}(?:\.\d)?)cm(?:-(\d{{1,2}})deg)?", re.ASCII)
_DRAWN_CM: Final = (2.0, 25.0)
_DRAWN_STEP_DEG: Final = 10


def microphone_called(name: str) -> Microphone:
    """The microphone named `name`: one of `MICROPHONES`, or a pair of any spacing.

    The name of such a pair has its pattern, its spacing and the angle of each axis from the front: `omni-12cm`,
    `cardioid-17cm-55deg`.

    Raises:
        UsageError: there is none; the message lists the names.
    """
    if name in MICROPHONES:
        return MICROPHONES[name]
    pair = _PAIR.fullmatch(name)
    if pair is None or not _SPACING_CM[0] <= float(pair[2]) <= _SPACING_CM[1] or int(pair[3] or 0) > _MOST_DEG:
        raise UsageError(
            f"unknown microphone '{name}'; choose one of: {', '.join(MICROPHONES)}, or a pair such as omni-12cm or "
            f"cardioid-17cm-55deg ({_SPACING_CM[0]:g} to {_SPACING_CM[1]:g} cm, at most {_MOST_DEG} degrees)"
        )
    return SpacedPair(name, float(pair[2]) / 100, PATTERNS[pair[1]], float(pair[3] or 0))


def has_spaced(shares: Mapping[str, float]) -> bool:
    """Whether some of the microphones or patterns, if they are used at all, have time differences.

    Raises:
        UsageError: one of them is unknown.
    """
    used = [name for name, share in shares.items() if share]
    return any(name in PATTERNS or not isinstance(microphone_called(name), Coincident) for name in used)


def draw_microphone(shares: Mapping[str, float], rng: np.random.Generator) -> str:
    """The name of a random microphone.

    Args:
        shares: relative frequency of names, and of patterns (`omni`, `cardioid`), which stand for pairs 2 to 25 cm
            apart (log-uniform); the axes of cardioids are turned by 0 to 90 degrees.
        rng: source of the random values.
    """
    weights = np.array(list(shares.values()), dtype=np.float64)
    name = list(shares)[int(rng.choice(len(weights), p=weights / weights.sum()))]
    if name not in PATTERNS:
        return name
    # Rounded, so that pairs repeat and their filters need not be computed again.
    spacing = round(2 * float(np.exp(rng.uniform(*np.log(_DRAWN_CM))))) / 2
    turn = "" if name == "omni" else f"-{_DRAWN_STEP_DEG * int(rng.integers(_MOST_DEG // _DRAWN_STEP_DEG + 1))}deg"
    return f"{name}-{spacing:g}cm{turn}"
