"""Recordings as an editor, an effect or a bad cable leaves them, made of an honest scene."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

RATE = 24_000
Stereo = NDArray[np.float32]


def noise(seconds: float, seed: int, scale: float) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(scale=scale, size=round(seconds * RATE))


def honest(seconds: float = 12.0, azimuths: tuple[float, ...] = (50, 10, -40)) -> Stereo:
    """Sources one after the other, in reverberation and ambience, at coincident cardioids (W + Y, W - Y)."""
    times = np.arange(round(seconds * RATE)) / RATE
    w, y = noise(seconds, 1, 0.003), noise(seconds, 2, 0.003) / np.sqrt(3)
    decay = np.exp(-np.arange(RATE // 3) / (RATE / 20))
    for index, azimuth in enumerate(azimuths):
        active = (times % 3 > index * 3 / len(azimuths)) & (times % 3 < index * 3 / len(azimuths) + 0.6)
        dry = noise(seconds, 3 + index, 0.05) * active
        tails = np.random.default_rng(50 + index).normal(scale=0.03, size=(2, decay.size)) * decay
        w += dry + fftconvolve(dry, tails[0])[: dry.size]
        y += np.sin(np.radians(azimuth)) * dry + fftconvolve(dry, tails[1])[: dry.size] / np.sqrt(3)
    return np.stack([w + y, w - y]).astype(np.float32)


def later(channel: NDArray[np.floating], seconds: float) -> NDArray[np.floating]:
    return np.concatenate([np.zeros(round(seconds * RATE)), channel])[: channel.size]


def pair(left: NDArray[np.floating], right: NDArray[np.floating]) -> Stereo:
    return np.stack([left, right]).astype(np.float32)


def mono(stereo: Stereo) -> Stereo:
    return pair(stereo.mean(axis=0), stereo.mean(axis=0))


def reverberated(stereo: Stereo, gain: float = 0.5, decay: float = 0.4) -> Stereo:
    count = round(decay * RATE)
    tails = np.random.default_rng(0).normal(size=(2, count)) * 10 ** (-3 * np.arange(count) / count)
    tails *= gain / np.linalg.norm(tails, axis=1, keepdims=True)
    dry = stereo.mean(axis=0)
    return pair(*(dry + fftconvolve(dry, tail)[: dry.size] for tail in tails))


def comb(stereo: Stereo) -> Stereo:
    dry = stereo.mean(axis=0)
    return pair(*(dry + sign * 0.7 * later(dry, 0.012) for sign in (1, -1)))


def bands_apart(stereo: Stereo) -> Stereo:
    dry = stereo.mean(axis=0)
    low = sosfilt(butter(2, 1000, fs=RATE, output="sos"), dry)
    side = 0.4 * (2 * low - dry)
    return pair(dry + side, dry - side)


def inverted(stereo: Stereo) -> Stereo:
    return pair(stereo[0], -stereo[1])


def silenced(stereo: Stereo) -> Stereo:
    return pair(stereo[0], 0 * stereo[1])


def late(seconds: float) -> Callable[[Stereo], Stereo]:
    return lambda stereo: pair(stereo[0], later(stereo[1], seconds))


def part(fault: Callable[[Stereo], Stereo], stereo: Stereo, start: float, end: float) -> Stereo:
    first, stop = round(start * RATE), round(end * RATE)
    return np.concatenate([stereo[:, :first], fault(stereo)[:, first:stop], stereo[:, stop:]], axis=1)
