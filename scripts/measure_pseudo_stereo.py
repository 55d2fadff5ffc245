"""How often the doctor tells widened mono from stereo: `python scripts/measure_pseudo_stereo.py BANK [--scenes N]`.

Mono sounds (speech, music, single sounds, household noise, scenes mixed to mono) are widened: by a reverberation of
its own per channel, from -12 to +6 dB and 0.3 to 1.2 s; by partly correlated reverberation, plates, Schroeder
reverberators, two room responses, chorus. Honest recordings are scenes with each coincident microphone, in plain and
varied rooms, with and without flaws of the microphone, and with one source straight ahead or 3 degrees beside it. For
each kind: the share that any check names ("named"), that is refused for its directions ("unfit"), and that loses its
directions ("removed").
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from measure_doctor import COINCIDENT, RATE, SPACED, Found, Stereo, examine, later, mid, pair, scenes, wrong
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

from earwitness.doctor.diagnosis import judge
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer
from earwitness.scenes.bank.sound_bank import SoundBank

Mono = NDArray[np.float64]
Effect = Callable[[Mono], Stereo]

SECONDS: Final = 12
VARIED: Final = PoolConfig(rooms=24, kind="varied", paths=1)
LONE: Final = {"event_weights": (1.0,), "interference_probability": 0.0, "moving_probability": 0.0,
               "empty_probability": 0.0, "seconds": SECONDS}  # fmt: skip
DRY: Final = {
    "speech": (("male_speech", "female_speech"), 0.4),
    "music": (("music",), -0.1),
    "single sounds": (("knock", "door", "bell", "clapping", "laughter", "footsteps", "telephone"), 0.5),
    "household": (("water_tap", "domestic_sounds", "male_speech"), -0.5),
}
"""Kinds of sound, and the pause between them in seconds; they overlap where it is negative."""
_COMBS: Final = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)
_ALL_PASSES: Final = (556, 441, 341, 225)
_SPREAD: Final = 23
"""Delays of Freeverb in samples at 44.1 kHz, and how much longer they are on the right."""


def dry_sounds(bank: SoundBank, kinds: tuple[str, ...], pause: float, rng: np.random.Generator) -> Mono:
    """Sounds of these kinds one after the other, with a little noise."""
    track, at = rng.normal(scale=1e-3, size=SECONDS * RATE), int(rng.uniform(0, 0.5) * RATE)
    while at < track.size:
        sound = bank.samples(bank.draw(kinds[int(rng.integers(len(kinds)))], rng).name)[: 4 * RATE]
        sound = sound * 10 ** (-rng.uniform(0, 10) / 20) * 0.3 / max(1e-6, float(np.abs(sound).max()))
        part = sound[: track.size - at]
        track[at : at + part.size] += part
        at += max(RATE // 10, sound.size + int(pause * rng.uniform(0.2, 1.5) * RATE))
    return track


def tails(gain: float, decay: float, alike: float = 0.0, predelay: float = 0.01) -> NDArray[np.float64]:
    """(2, n) noise that decays by 60 dB in `decay` seconds; `alike` is the correlation of the channels."""
    rng, count = np.random.default_rng(0), round(decay * RATE)
    noise = rng.normal(size=(2, count)) * 10 ** (-3 * np.arange(count) / count)
    noise[1] = alike * noise[0] + math.sqrt(1 - alike**2) * noise[1]
    noise *= gain / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.pad(noise, ((0, 0), (round(predelay * RATE), 0)))


def plate(gain: float, decay: float) -> NDArray[np.float64]:
    """(2, n) noise that builds up in 30 ms after reflections from several sides."""
    rng, response = np.random.default_rng(3), tails(1.0, decay, predelay=0.0)
    response *= np.minimum(1, np.arange(response.shape[1]) / (0.03 * RATE))
    for _ in range(8):
        at, pan = int(rng.uniform(0.003, 0.04) * RATE), rng.uniform(-1, 1)
        response[:, at] += rng.choice([-0.35, 0.35]) * np.sqrt([(1 + pan) / 2, (1 - pan) / 2])
    return response * gain / np.linalg.norm(response, axis=1, keepdims=True)


def schroeder(gain: float, decay: float) -> NDArray[np.float64]:
    """(2, n) response of a Schroeder reverberator with the delays of Freeverb."""
    responses = []
    for spread in (0, _SPREAD):
        impulse = np.zeros(round(1.2 * decay * RATE))
        impulse[0] = 1
        response = np.zeros_like(impulse)
        for delay in ((comb + spread) * RATE // 44_100 for comb in _COMBS):
            echoes = np.zeros_like(impulse)
            echoes[::delay] = 10 ** (-3 * delay / RATE / decay * np.arange(len(echoes[::delay])))
            response += echoes
        for delay in ((one + spread) * RATE // 44_100 for one in _ALL_PASSES):
            zeros, poles = np.zeros(delay + 1), np.zeros(delay + 1)
            zeros[[0, -1]], poles[[0, -1]] = (-1, 1.5), (1, -0.5)
            response = lfilter(zeros, poles, response)
        responses.append(response)
    both = np.stack(responses)
    return both * gain / np.linalg.norm(both, axis=1, keepdims=True)


def over_dry(response: NDArray[np.float64], direct: float = 1.0) -> Effect:
    """The sound with a response per channel, besides the direct sound."""
    return lambda dry: pair(*(direct * dry + fftconvolve(dry, one)[: dry.size] for one in response))


def chorus(dry: Mono) -> Stereo:
    """A copy per channel whose delay varies, a quarter of a period apart."""
    times = np.arange(dry.size)
    turns = 2 * np.pi * 0.7 * times / RATE
    delays = ((0.012 + 0.002 * np.sin(turns + phase)) * RATE for phase in (0, np.pi / 2))
    return pair(*(dry + 0.8 * np.interp(times - delay, times, dry, left=0) for delay in delays))


def haas(dry: Mono) -> Stereo:
    """A copy 15 ms later on the right, 6 dB softer, over the sound in the middle."""
    return pair(dry, dry + 0.5 * later(dry, 0.015))


def effects() -> Iterator[tuple[str, Effect]]:
    """Each effect, with its name."""
    for decibels in (-12, -9, -6, -3, 0, 3, 6):
        for decay in (0.3, 0.6, 1.2):
            yield f"reverberation {decibels:+d} dB, {decay} s", over_dry(tails(10 ** (decibels / 20), decay))
    yield "reverberation -6 dB, half correlated", over_dry(tails(0.5, 0.6, alike=0.5))
    yield "reverberation 0 dB, half correlated", over_dry(tails(1.0, 0.6, alike=0.5))
    yield "plate -6 dB, 0.8 s", over_dry(plate(0.5, 0.8))
    yield "plate 0 dB, 1.5 s", over_dry(plate(1.0, 1.5))
    yield "Schroeder -6 dB, 1.2 s", over_dry(schroeder(0.5, 1.2))
    yield "Schroeder 0 dB, 2 s", over_dry(schroeder(1.0, 2.0))
    yield "two responses, 0.4 s", over_dry(tails(1.0, 0.4, predelay=0.0), 0.0)
    yield "two responses, 1 s", over_dry(tails(1.0, 1.0, predelay=0.0), 0.0)
    yield "chorus", chorus
    yield "late copy on one side", haas


def ahead(bank: Path, count: int, beside: float, **config: object) -> list[Stereo]:
    """Scenes with one source at this azimuth, left and right in turn."""
    settings = SceneConfig.model_validate(LONE | config)
    made, recordings = Synthesizer.from_bank(bank, rooms=VARIED, config=settings), []
    for number, seed in enumerate(np.random.SeedSequence(17).spawn(count)):
        recipe = made.draft(seed)
        forward, left, _ = made.pool.position[recipe.events[0].rirs[0]]
        azimuth = math.degrees(math.atan2(left, forward))
        turned = replace(recipe, view_deg=(beside if number % 2 else -beside) - azimuth)
        recordings.append(made.render(turned).audio)
    return recordings


def honest(bank: Path, count: int) -> Iterator[tuple[str, list[Stereo]]]:
    """Honest recordings by kind."""
    for microphone in (*COINCIDENT, *SPACED, "head"):
        yield f"{microphone}, plain rooms", scenes(bank, count, microphone=microphone, seconds=SECONDS)
    for microphone in COINCIDENT:
        config = SceneConfig(microphone=microphone, seconds=SECONDS, flaw_probability=1.0)
        made = Synthesizer.from_bank(bank, rooms=VARIED, config=config)
        yield (
            f"{microphone}, varied rooms, flaws",
            [made.scene(seed).audio for seed in np.random.SeedSequence(17).spawn(count)],
        )
        yield f"{microphone}, 5 s", scenes(bank, count, microphone=microphone)
        yield f"{microphone}, one source anywhere", scenes(bank, count, microphone=microphone, **LONE)
        yield f"{microphone}, one source 3 degrees aside", ahead(bank, count, 3, microphone=microphone,
                                                                 flaw_probability=1.0)  # fmt: skip
        yield f"{microphone}, one source straight ahead", ahead(bank, count, 0, microphone=microphone)


def row(name: str, found: list[Found]) -> None:
    """One line of the table."""
    named = np.mean([wrong(one) for one in found])
    unfit = np.mean([any(verdict == "unfit" for verdict in one.checks.values()) for one in found])
    removed = np.mean([any(check.undirected for check in judge(one.figures)) for one in found])
    print(f"{name:40} {len(found):5d} {named:7.0%} {unfit:7.0%} {removed:8.0%}", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("--scenes", type=int, default=36, help="recordings of a kind; a third for dry sounds")
    given = parser.parse_args()
    print(f"{'kind':40} {'count':>5} {'named':>7} {'unfit':>7} {'removed':>8}")
    for name, recordings in honest(given.bank, given.scenes):
        row(name, [examine(one) for one in recordings])
    bank, rng, each = SoundBank.open(given.bank), np.random.default_rng(7), max(1, given.scenes // 3)
    dry = [dry_sounds(bank, *DRY[kind], rng) for kind in DRY for _ in range(each)]
    dry += [mid(one) for one in scenes(given.bank, each, microphone="dcase", seconds=SECONDS)]
    for name, effect in effects():
        row(name, [examine(effect(one)) for one in dry])


if __name__ == "__main__":
    main()
