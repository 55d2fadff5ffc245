"""How often the doctor is right: `python scripts/measure_doctor.py BANK [--scenes N] [--figures]`.

Honest recordings are rendered by the project's own synthesis: scenes of 12 s with each coincident microphone (dcase,
xy, ms) and with spaced ones (phone, ortf), scenes of 5 s, and scenes with one source that does not move; besides the
sample video. Every fault is then made of the coincident scenes of 12 s at graded strength. Prints for each the share
of recordings that a check called wrong; with --figures also percentiles of the figures that limits are chosen from.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from earwitness.doctor.channel_stats import ChannelFigures, ChannelStats
from earwitness.doctor.diagnosis import judge
from earwitness.media.sound.audio import read_audio
from earwitness.media.timeline import Stretch
from earwitness.scenes import PoolConfig, SceneConfig, Synthesizer

Stereo = NDArray[np.float32]
Fault = Callable[[Stereo], Stereo]

RATE: Final = 24_000
COINCIDENT: Final = ("dcase", "xy", "ms")
SPACED: Final = ("phone", "ortf")
ROOMS: Final = PoolConfig(rooms=16)
PERCENTILES: Final = (0, 1, 5, 25, 50, 75, 95, 99, 100)
FIGURES: Final = (
    "agreement", "shared", "tilt_db", "sway_db", "side_mid_db", "balance_db", "ambience_db", "delay_ms", "spaced_share",
    "offset", "clipped_share",
)  # fmt: skip


class Found(NamedTuple):
    """What was found in one recording."""

    figures: ChannelFigures
    stretches: list[Stretch]
    checks: dict[str, str]


def examine(stereo: Stereo) -> Found:
    """Put (2, n) samples at 24 kHz to the doctor, a second at a time."""
    stats = ChannelStats(RATE)
    for begin in range(0, stereo.shape[1], RATE):
        stats.add(np.ascontiguousarray(stereo[:, begin : begin + RATE]))
    figures, stretches = stats.figures(), stats.stretches()
    checks = {check.name: check.verdict for check in judge(figures, stretches=stretches)}
    return Found(figures, stretches, checks)


def scenes(bank: Path, count: int, **config: object) -> list[Stereo]:
    """Rendered scenes, always the same."""
    made = Synthesizer.from_bank(bank, rooms=ROOMS, config=SceneConfig.model_validate(config))
    return [made.scene(seed).audio for seed in np.random.SeedSequence(17).spawn(count)]


def honest(bank: Path, count: int) -> Iterator[tuple[str, list[Stereo]]]:
    """Honest recordings by kind."""
    lone = {"event_weights": (1.0,), "interference_probability": 0.0, "moving_probability": 0.0,
            "empty_probability": 0.0}  # fmt: skip
    for microphone in (*COINCIDENT, *SPACED):
        yield f"{microphone}, 12 s", scenes(bank, count, microphone=microphone, seconds=12)
    for microphone in COINCIDENT:
        yield f"{microphone}, 5 s", scenes(bank, count, microphone=microphone)
        yield f"{microphone}, 12 s, one source", scenes(bank, count, microphone=microphone, seconds=12, **lone)
    with as_file(files("earwitness") / "assets" / "sample" / "sample.mp4") as sample:
        yield "sample video", [read_audio(sample)]


def mid(stereo: Stereo) -> NDArray[np.float64]:
    """The mean of both channels."""
    return np.asarray(stereo.mean(axis=0), dtype=np.float64)


def later(channel: NDArray[np.floating], seconds: float) -> NDArray[np.floating]:
    """A channel delayed."""
    return np.concatenate([np.zeros(round(seconds * RATE)), channel])[: channel.size]


def pair(left: NDArray[np.floating], right: NDArray[np.floating]) -> Stereo:
    """Two channels."""
    return np.stack([left, right]).astype(np.float32)


def reverberated(gain: float, decay: float) -> Fault:
    """Mono, with a reverberation of its own on each channel: `gain` re the dry sound, RT60 of `decay` seconds."""

    def make(stereo: Stereo) -> Stereo:
        rng, count = np.random.default_rng(0), round(decay * RATE)
        tails = rng.normal(size=(2, count)) * 10 ** (-3 * np.arange(count) / count)
        tails *= gain / np.linalg.norm(tails, axis=1, keepdims=True)
        dry = mid(stereo)
        return pair(*(dry + later(fftconvolve(dry, tail)[: dry.size], 0.01) for tail in tails))

    return make


def haas(seconds: float) -> Fault:
    """Mono, one channel delayed."""
    return lambda stereo: pair(mid(stereo), later(mid(stereo), seconds))


def comb(seconds: float, gain: float) -> Fault:
    """Mono, widened by two combs whose teeth alternate."""
    return lambda stereo: pair(*(mid(stereo) + sign * gain * later(mid(stereo), seconds) for sign in (1, -1)))


def all_pass(stages: int) -> Fault:
    """Mono, each channel through Schroeder all-pass filters of its own."""

    def make(stereo: Stereo) -> Stereo:
        rng, channels = np.random.default_rng(1), []
        for _ in range(2):
            channel = mid(stereo)
            for delay in rng.integers(40, 400, stages):
                pole, zero = np.zeros(delay + 1), np.zeros(delay + 1)
                pole[[0, -1]], zero[[0, -1]] = (1, -0.6), (-0.6, 1)
                channel = lfilter(zero, pole, channel)
            channels.append(channel)
        return pair(*channels)

    return make


def split_bands(gain: float) -> Fault:
    """Mono, low sounds turned to the left and high ones to the right."""

    def make(stereo: Stereo) -> Stereo:
        whole = mid(stereo)
        low = sosfilt(butter(2, 1000, fs=RATE, output="sos"), whole)
        side = gain * (low - (whole - low))
        return pair(whole + side, whole - side)

    return make


def right(change: Callable[[NDArray[np.floating]], NDArray[np.floating]]) -> Fault:
    """A change of the right channel alone."""
    return lambda stereo: pair(stereo[0], change(stereo[1]))


def second_half(fault: Fault) -> Fault:
    """A fault from the middle on."""

    def make(stereo: Stereo) -> Stereo:
        middle = stereo.shape[1] // 2
        return np.concatenate([stereo[:, :middle], fault(stereo)[:, middle:]], axis=1)

    return make


def mono(stereo: Stereo) -> Stereo:
    """The mean on both channels."""
    return pair(mid(stereo), mid(stereo))


def narrowed(width: float) -> Fault:
    """Less side."""
    return lambda stereo: pair(*(mid(stereo) + sign * width * (stereo[0] - stereo[1]) / 2 for sign in (1, -1)))


def clipped(gain: float) -> Fault:
    """Turned up so that the loudest sample is `gain` times full scale, and cut there."""
    return lambda stereo: np.clip(stereo * (gain / max(1e-9, float(np.abs(stereo).max()))), -1, 1)


def faults() -> dict[str, tuple[Fault, tuple[str, ...]]]:
    """Each fault, and the checks of which one should name it."""
    pseudo = ("effect", "delay", "phase")
    made: dict[str, tuple[Fault, tuple[str, ...]]] = {}
    for gain, decay in ((0.25, 0.6), (0.5, 0.6), (1.0, 0.6), (1.0, 1.5), (2.0, 1.0)):
        made[f"mono + reverberation {gain:g}, {decay:g} s"] = reverberated(gain, decay), ("effect", "stereo")
    for milliseconds in (1, 5, 15, 30):
        made[f"Haas, {milliseconds} ms"] = haas(milliseconds / 1000), (*pseudo, "spacing")
    for milliseconds, gain in ((5, 0.3), (12, 0.7), (20, 0.9)):
        made[f"comb widening {milliseconds} ms, {gain:g}"] = comb(milliseconds / 1000, gain), pseudo
    for stages in (1, 2, 4):
        made[f"all-pass widening, {stages} stages"] = all_pass(stages), (*pseudo, "spacing")
    for gain in (0.2, 0.4):
        made[f"bands apart {gain:g}"] = split_bands(gain), pseudo
    for milliseconds in (20, 100, 300, 500, 2000):
        made[f"right {milliseconds} ms late"] = right(lambda r, s=milliseconds / 1000: later(r, s)), ("delay", "effect")
    for decibels in (2, 3, 4, 5, 5.9, 8, 12):
        made[f"right {-decibels:g} dB"] = right(lambda r, d=decibels: r * 10 ** (-d / 20)), ("balance",)
    made["right inverted"] = right(lambda r: -r), ("phase", "stretches")
    made["right silent"] = right(lambda r: 0 * r), ("channels", "stretches")
    made["right hiss alone"] = (
        right(lambda r: 1e-5 * np.random.default_rng(2).normal(size=r.size)),
        ("channels", "stretches"),
    )
    for width in (0.0, 0.01, 0.03):
        made[f"side times {width:g}"] = narrowed(width), ("stereo", "stretches")
    made["half mono"] = second_half(mono), ("stretches",)
    made["half: right inverted"] = second_half(right(lambda r: -r)), ("stretches",)
    made["half: right silent"] = second_half(right(lambda r: 0 * r)), ("stretches",)
    made["half: right 20 ms late"] = second_half(right(lambda r: later(r, 0.02))), ("stretches",)
    made["half: right 300 ms late"] = second_half(right(lambda r: later(r, 0.3))), ("stretches",)
    for gain in (1.1, 1.5, 2.0, 4.0):
        made[f"clipped at 1 / {gain:g}"] = clipped(gain), ("clipping",)
    for size in (0.002, 0.01, 0.1):
        made[f"offset {size:g}"] = (lambda stereo, s=size: (stereo + s).astype(np.float32)), ("offset",)
    return made


def wrong(found: Found, names: tuple[str, ...] = ()) -> bool:
    """Whether one of these checks, or any at all, says that something is wrong."""
    quiet = {"level", "bandwidth"}  # of the sounds, not of the channels
    return any(verdict != "ok" for name, verdict in found.checks.items()
               if (name in names if names else name not in quiet))  # fmt: skip


def report(name: str, found: list[Found], names: tuple[str, ...], figures: bool) -> None:
    """One line, with --figures more."""
    share = np.mean([wrong(one, names) for one in found])
    counts: dict[str, int] = {}
    for one in found:
        for check, verdict in one.checks.items():
            counts[check] = counts.get(check, 0) + (verdict != "ok")
    said = ", ".join(f"{check} {count}" for check, count in counts.items() if count)
    print(f"{name:36} {share:5.0%} of {len(found):3d}   {said}", flush=True)
    for figure in FIGURES if figures else ():
        values = np.array([getattr(one.figures, figure) for one in found])
        values = values[np.isfinite(values)]
        if values.size:
            print(f"    {figure:14}" + " ".join(f"{value:8.3f}" for value in np.percentile(values, PERCENTILES)))


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("--scenes", type=int, default=40, help="a kind of honest recording")
    parser.add_argument("--figures", action="store_true", help="percentiles of the figures too")
    given = parser.parse_args()
    made = []
    print("honest recordings: called wrong, and by which checks")
    for name, recordings in honest(given.bank, given.scenes):
        report(name, [examine(one) for one in recordings], (), given.figures)
        if name in [f"{microphone}, 12 s" for microphone in COINCIDENT]:
            made += recordings[: max(1, given.scenes // 2)]
    print("faults: named by one of the checks that should, and what else was said")
    for name, (fault, names) in faults().items():
        report(name, [examine(fault(one)) for one in made], names, given.figures)


if __name__ == "__main__":
    main()
