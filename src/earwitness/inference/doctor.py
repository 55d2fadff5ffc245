"""Is this recording fit for directions? Each check gives a number, a verdict and a plain sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from earwitness.errors import MediaError
from earwitness.inference.channel_stats import ChannelFigures, ChannelStats
from earwitness.inference.flat_tops import FlatTops
from earwitness.inference.stereo_stretches import INVERTED, OPPOSITE
from earwitness.media.audio import DUAL_MONO_DIFFERENCE, AudioReader
from earwitness.media.probe import MediaInfo, probe
from earwitness.media.stretches import Stretch, joined, not_within
from earwitness.media.stretches import sentence as sentence_of

Verdict = Literal["ok", "caution", "unfit"]

NEAR_MONO_DB: Final = -30.0
NARROW_DB: Final = -20.0
DEAD_CHANNEL_DB: Final = 50.0
"""Even a source right beside the microphones leaves its reverberation in the other channel."""
IMBALANCE_DB: Final = 3.5
"""Honest scenes reach 2.6; this and the limits down to SWAY_DB: scripts/measure_doctor.py."""
OPPOSITE_CORRELATION: Final = -0.4
"""One source at coincident cardioids has two gains of one sign; ambience alone seldom goes below -0.2."""
UNRELATED: Final = 0.05
"""Agreement of channels that have no more than chance in common."""
FILTERED: Final = 0.98
"""Share of the sound that is one signal, filtered: a scene has several sources, and ambience. From SURELY_FILTERED on
that is all of it; in between, a lone source to one side is as likely, so that the channels must be balanced too."""
SURELY_FILTERED: Final = 0.995
BALANCED_DB: Final = 2.0
TILT_DB: Final = 1.0
AGREEING: Final = 0.8
"""Filters differ where level differences change from frequency to frequency, or channels agree less than this."""
LIKELY_FILTERED: Final = 0.93
SWAY_DB: Final = 1.5
UNFIT_SHARE: Final = 0.25
"""Of the time, that stretches without direction must take so that the whole is called unfit."""
SPACED_SHARE: Final = 0.3
NARROW_BAND_HZ: Final = 7000.0
CLIPPED_SHARE: Final = 1e-4
MUCH_CLIPPED_SHARE: Final = 1e-2
QUIET_DB: Final = -60.0
SILENT_PEAK: Final = 1e-4


@dataclass(frozen=True, slots=True)
class Check:
    """One question put to the sound.

    Attributes:
        name: what was looked at.
        value: the number found, in `unit`; NaN if it cannot be told.
        verdict: `ok`, `caution` (results may suffer) or `unfit` (directions would be wrong).
        sentence: what it means, for a person.
    """

    name: str
    value: float
    unit: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks of one file.

    Attributes:
        media: what it holds.
        seconds: length of its sound.
        checks: what was looked at.
        notes: what else a user should know of it.
        stretches: where it has no direction.
    """

    media: MediaInfo
    seconds: float
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    stretches: tuple[Stretch, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether directions can be trusted as far as the sound tells."""
        return all(check.verdict != "unfit" for check in self.checks)


def diagnose(path: str | Path) -> Diagnosis:
    """Listen to a whole file at its own sample rate.

    Raises:
        MediaError: the file cannot be read, or has no sound.
    """
    media = probe(path)
    reader = AudioReader(path, rate=_own_rate(media, Path(path)), mono="allow")
    reader.tap = FlatTops()
    stats = ChannelStats(reader.rate, reader.tap)
    for block in reader:
        stats.add(block)
    mono = reader.mono  # which is not known before the end
    found = [] if mono else not_within(stats.stretches(), reader.undirected, reader.duration)
    stretches = tuple(joined([*reader.undirected, *found]))
    checks = judge(stats.figures(), mono=mono, stretches=stretches)
    return Diagnosis(media, reader.duration, checks, tuple(reader.warnings), stretches)


def _own_rate(media: MediaInfo, path: Path) -> int:
    if media.audio is None or media.audio.rate <= 0:
        AudioReader(path, mono="allow")  # says what is wrong with the sound track
        raise MediaError(f"{path}: its sound declares no sample rate; convert the file")
    return media.audio.rate


def judge(figures: ChannelFigures, *, mono: bool = False, stretches: Sequence[Stretch] = ()) -> tuple[Check, ...]:
    """Judge measured figures.

    Args:
        figures: of the whole sound.
        mono: the file has one channel only.
        stretches: where it has no direction.

    Returns:
        The checks that are always made, and those that found something: "stretches", "effect" and "offset".
    """
    if figures.seconds == 0 or figures.peak < SILENT_PEAK:
        silence = Check("level", figures.level_db, "dBFS", "unfit", "There is no sound, only silence.")
        found = (silence, _same_sound(figures, mono)) if mono else (silence,)
        return (*found, *_offset(figures))
    stereo = _same_sound(figures, mono)
    checks = [_level(figures), stereo]
    if stereo.verdict != "unfit":
        pair = [_dead_channel(figures), _phase(figures), _delay(figures), _spacing(figures), _balance(figures)]
        checks += pair
        if all(check.verdict != "unfit" for check in pair):
            parted = any(one.reason == INVERTED for one in stretches)
            checks += _effect(figures, parted=parted)
        checks += _stretches(figures, stretches)
    return (*checks, _clipping(figures), _bandwidth(figures), *_offset(figures))


def warnings_of(checks: Sequence[Check]) -> list[str]:
    """What results should say of the sound: everything that makes directions wrong, and what was changed in it."""
    said = [check for check in checks if check.name != "stretches"]  # said with the times by `stretches.sentence`
    return [
        check.sentence
        for check in said
        if check.verdict == "unfit" or (check.verdict == "caution" and check.name in ("balance", "effect", "offset"))
    ]


def _level(figures: ChannelFigures) -> Check:
    if figures.level_db < QUIET_DB:
        return Check("level", figures.level_db, "dBFS", "caution", "Very quiet: faint sounds may be missed.")
    return Check("level", figures.level_db, "dBFS", "ok", "Loud enough.")


def _same_sound(figures: ChannelFigures, mono: bool) -> Check:
    value = figures.side_mid_db
    if mono:
        return Check("stereo", value, "dB", "unfit", "Mono: one channel carries no direction.")
    if figures.difference < DUAL_MONO_DIFFERENCE:
        return Check("stereo", value, "dB", "unfit", "Dual mono: both channels carry the same sound and no direction.")
    if value < NEAR_MONO_DB:
        return Check("stereo", value, "dB", "unfit", "Nearly mono: every direction would come out close to ahead.")
    if value < NARROW_DB:
        return Check("stereo", value, "dB", "caution", "A narrow stereo picture: directions may come out too small.")
    return Check("stereo", value, "dB", "ok", "The channels differ as stereo should.")


def _dead_channel(figures: ChannelFigures) -> Check:
    value = figures.balance_db
    if abs(value) > DEAD_CHANNEL_DB:
        side = "right" if value > 0 else "left"
        return Check("channels", value, "dB", "unfit", f"The {side} channel is as good as silent.")
    return Check("channels", value, "dB", "ok", "Both channels carry sound.")


def _phase(figures: ChannelFigures) -> Check:
    value = figures.correlation
    if value < OPPOSITE_CORRELATION or figures.agreement < OPPOSITE[0]:
        return Check("phase", value, "", "unfit", "The channels are out of phase: invert one of them.")
    return Check("phase", value, "", "ok", "The channels are in phase.")


def _delay(figures: ChannelFigures) -> Check:
    value = figures.delay_ms
    if value:
        late = "right" if value > 0 else "left"
        sentence = f"The {late} channel lags by {abs(value):.2f} ms throughout: directions are unreliable."
        return Check("delay", value, "ms", "unfit", sentence)
    return Check("delay", value, "ms", "ok", "No channel lags behind the other.")


def _effect(figures: ChannelFigures, *, parted: bool) -> list[Check]:
    """Whether all of the sound is one signal that was made wider, and not the sound of a place."""
    shared = figures.shared
    differ = figures.tilt_db > TILT_DB or figures.agreement < AGREEING
    balanced = abs(figures.balance_db) < BALANCED_DB
    if differ and (shared > SURELY_FILTERED or (shared > FILTERED and balanced)):
        sentence = (
            "Pseudo-stereo: both channels carry one sound through different filters, as effects make it of mono "
            "(reverberation, widening): directions mean nothing."
        )
        return [Check("effect", shared * 100, "%", "unfit", sentence)]
    if differ and shared > LIKELY_FILTERED and figures.sway_db < SWAY_DB:
        sentence = (
            "Nearly all of the sound is one signal in the middle with its reverberation: either one source straight "
            "ahead, or mono with a stereo effect, whose directions mean nothing."
        )
        return [Check("effect", shared * 100, "%", "caution", sentence)]
    if abs(figures.agreement) < UNRELATED and not parted:
        sentence = (
            "The phases of the channels are unrelated: microphones far apart, channels shifted in time, or an effect "
            "that widens; directions are unreliable."
        )
        return [Check("effect", figures.agreement * 100, "%", "unfit", sentence)]
    return []


def _stretches(figures: ChannelFigures, stretches: Sequence[Stretch]) -> list[Check]:
    if not stretches:
        return []
    taken = sum(min(one.end, figures.seconds) - one.start for one in stretches) / figures.seconds
    verdict: Verdict = "unfit" if taken > UNFIT_SHARE else "caution"
    said = sentence_of(stretches)
    return [Check("stretches", min(1.0, taken) * 100, "%", verdict, f"{said[0].upper()}{said[1:]}.")]


def _offset(figures: ChannelFigures) -> list[Check]:
    if not figures.offset:
        return []
    text = f"A constant offset (DC) of up to {figures.offset:.3f} of full scale; it is taken out before analysis."
    return [Check("offset", figures.offset * 100, "%", "caution", text)]


def _spacing(figures: ChannelFigures) -> Check:
    value = figures.spaced_share * 100
    if figures.spaced_share > SPACED_SHARE:
        sentence = (
            f"Spaced microphones: sound reaches one channel typically {figures.spaced_ms:.2f} ms before the other. "
            "The models know coincident microphones; directions are unreliable."
        )
        return Check("spacing", value, "%", "unfit", sentence)
    return Check("spacing", value, "%", "ok", "No sign of spaced microphones.")


def _balance(figures: ChannelFigures) -> Check:
    value = figures.ambience_db
    if abs(value) > IMBALANCE_DB:
        side = "left" if value > 0 else "right"
        sentence = f"The quiet parts are {abs(value):.1f} dB louder on the {side}: directions may be pulled that way."
        return Check("balance", value, "dB", "caution", sentence)
    if math.isnan(value):
        return Check("balance", value, "dB", "ok", "There are no quiet parts in which the balance could be judged.")
    return Check("balance", value, "dB", "ok", "Both channels are about equally loud in the quiet parts.")


def _clipping(figures: ChannelFigures) -> Check:
    value = figures.clipped_share * 100
    if figures.clipped_share > MUCH_CLIPPED_SHARE:
        sentence = "Heavily clipped: the level differences that tell direction are gone from loud sounds."
        return Check("clipping", value, "%", "unfit", sentence)
    if figures.clipped_share > CLIPPED_SHARE:
        sentence = "Clipped in places: loud sounds may be placed too close to the middle."
        return Check("clipping", value, "%", "caution", sentence)
    return Check("clipping", value, "%", "ok", "Not clipped.")


def _bandwidth(figures: ChannelFigures) -> Check:
    value = figures.bandwidth_hz
    if value < NARROW_BAND_HZ:
        sentence = "Band-limited: the models expect sound up to 12 kHz; classes may be confused."
        return Check("bandwidth", value, "Hz", "caution", sentence)
    return Check("bandwidth", value, "Hz", "ok", "Broad enough.")
