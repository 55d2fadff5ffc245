"""Diagnosis of a recording: checks with a value, a verdict and a sentence each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from earwitness.core.errors import MediaError
from earwitness.doctor.channel_stats import ChannelFigures, ChannelStats
from earwitness.doctor.onset_directions import OnsetFigures
from earwitness.doctor.stereo_stretches import INVERTED, OPPOSITE
from earwitness.doctor.waveform_faults import FlatTops
from earwitness.media.containers.probe import MediaInfo, probe
from earwitness.media.sound.audio import DUAL_MONO_DIFFERENCE, AudioReader
from earwitness.media.timeline import Stretch, describe_stretches, join_stretches, not_within

Verdict = Literal["ok", "caution", "unfit"]

NEAR_MONO_DB: Final = -30.0
NARROW_DB: Final = -20.0
DEAD_CHANNEL_DB: Final = 50.0
"""Even a source close to one side has reverberation in the other channel."""
IMBALANCE_DB: Final = 3.5
"""Intact recordings reach 2.6; this limit and those down to SWAY_DB come from scripts/measure_doctor.py."""
OPPOSITE_CORRELATION: Final = -0.4
"""A source at coincident cardioids has gains of the same sign; ambience alone is rarely below -0.2."""
UNRELATED: Final = 0.05
"""Agreement below which channels are unrelated."""
FILTERED: Final = 0.98
"""Share of the sound that is one filtered signal; a real scene has several sources and ambience. Up to SURELY_FILTERED,
a single source in a room is as likely, so that the channels must be balanced, and side late, too."""
SURELY_FILTERED: Final = 0.995
BALANCED_DB: Final = 2.0
TILT_DB: Final = 1.0
AGREEING: Final = 0.8
"""Filters differ if level differences vary over frequency, or if the agreement is below this."""
LIKELY_FILTERED: Final = 0.93
SWAY_DB: Final = 1.5
IN_COMMON: Final = (0.06, 0.2, 0.04)
IN_COMMON_LATE: Final = (0.15, 0.25, 0.06)
"""`OnsetFigures.common`, `most` and `throughout` below which all direct sound is in the middle; the second limits, for
codecs that store one signal with a level per channel, apply if side is later than SURELY_LATE."""
TO_ONE_SIDE: Final = 0.3
"""`OnsetFigures.common` above which a single signal is a source to one side rather than an effect, if it is at most
half as large over all frames, which contain reflections; filters are the same at all times."""
PANNED: Final = 0.9
"""From this share of common level differences at onsets on, the channels differ in level alone, at all frequencies."""
UNRELATED_TAIL: Final = 0.43
"""Share of side in decaying sound above which the reverberation of the channels is unrelated; coincident microphones
have 0.13 to 0.25 in a diffuse field and up to 0.4 in rooms."""
LATE: Final = 2.2
"""The square of that share relative to the share at onsets; in rooms, the first reflections arrive within an onset."""
SURELY_LATE: Final = 3.0
EARLY: Final = 1.2
UNFIT_SHARE: Final = 0.25
"""Share of the time in stretches without direction from which a file is unfit."""
SPACED_SHARE: Final = 0.3
SPACED_IN_THE_MIDDLE: Final = 0.02
"""The same where all direct sound is in the middle by its level: omnidirectional microphones; effects reach 0."""
NARROW_BAND_HZ: Final = 7000.0
CLIPPED_SHARE: Final = 1e-4
MUCH_CLIPPED_SHARE: Final = 1e-2
QUIET_DB: Final = -60.0
SILENT_PEAK: Final = 1e-4
_AHEAD_OR_MONO: Final = (
    "All direct sound comes from the middle: either everything is straight ahead, or this is mono with a stereo "
    "effect, and directions cannot be known."
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check of the sound.

    Attributes:
        name: name of the check.
        value: the measured value, in `unit`; NaN if unknown.
        verdict: `ok`, `caution` (results may suffer) or `unfit` (directions would be wrong).
        sentence: the meaning, for the user.
        undirected: whether the sound carries no direction at all; a result then has none.
    """

    name: str
    value: float
    unit: str
    verdict: Verdict
    sentence: str
    undirected: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks of one file.

    Attributes:
        media: its streams.
        seconds: length of its sound.
        checks: the checks.
        notes: further remarks for the user.
        stretches: stretches without direction.
    """

    media: MediaInfo
    seconds: float
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    stretches: tuple[Stretch, ...] = ()

    @property
    def fit(self) -> bool:
        """Whether no check found directions to be unreliable."""
        return all(check.verdict != "unfit" for check in self.checks)


def diagnose(path: str | Path, *, spaced_advice: str | None = None) -> Diagnosis:
    """Check a whole file at its own sample rate.

    Args:
        path: a video or audio file.
        spaced_advice: as in `judge`.

    Raises:
        MediaError: the file cannot be read, or has no sound.
    """
    media = probe(path)
    reader = AudioReader(path, rate=_own_rate(media, Path(path)), mono="allow")
    reader.tap = FlatTops()
    stats = ChannelStats(reader.rate, reader.tap)
    for block in reader:
        stats.add(block)
    mono = reader.mono  # known only after the last block
    found = [] if mono else not_within(stats.stretches(), reader.undirected, reader.duration)
    stretches = tuple(join_stretches([*reader.undirected, *found]))
    checks = judge(stats.figures(), mono=mono, stretches=stretches, spaced_advice=spaced_advice)
    return Diagnosis(media, reader.duration, checks, tuple(reader.warnings), stretches)


def _own_rate(media: MediaInfo, path: Path) -> int:
    if media.audio is None or media.audio.rate <= 0:
        AudioReader(path, mono="allow")  # raises an error that explains the problem
        raise MediaError(f"{path}: its sound track has no sample rate; convert the file")
    return media.audio.rate


def judge(
    figures: ChannelFigures, *, mono: bool = False, stretches: Sequence[Stretch] = (), spaced_advice: str | None = None
) -> tuple[Check, ...]:
    """Judge the measured figures.

    Args:
        figures: figures of the whole sound.
        mono: whether the file has only one channel.
        stretches: stretches without direction.
        spaced_advice: what the model reaches with spaced microphones, one sentence; None: it is of no use for them.

    Returns:
        The checks that are always made, and "stretches", "effect" and "offset" if they found a problem.
    """
    if figures.seconds == 0 or figures.peak < SILENT_PEAK:
        silence = Check("level", figures.level_db, "dBFS", "unfit", "There is no sound, only silence.")
        found = (silence, _same_sound(figures, mono)) if mono else (silence,)
        return (*found, *_offset(figures))
    stereo = _same_sound(figures, mono)
    checks = [_level(figures), stereo]
    if stereo.verdict != "unfit":
        spacing, balance = _spacing(figures, spaced_advice), _balance(figures)
        pair = [_dead_channel(figures), _phase(figures), _delay(figures), spacing, balance]
        checks += pair
        if all(check.verdict != "unfit" for check in pair):
            partly_inverted = any(one.reason == INVERTED for one in stretches)
            checks += _effect(figures, partly_inverted=partly_inverted)
        checks += _stretches(figures, stretches)
    return (*checks, _clipping(figures), _bandwidth(figures), *_offset(figures))


def warnings_of(checks: Sequence[Check]) -> list[str]:
    """Warnings for a result: problems that affect directions, and changes made to the sound."""
    cautions = ("balance", "effect", "offset", "spacing")
    serious = [one for one in checks if one.verdict == "unfit" or (one.verdict == "caution" and one.name in cautions)]
    return [check.sentence for check in serious if check.name != "stretches"]  # a result reports these with times


def is_spaced(check: Check) -> bool:
    """Whether a check found spaced microphones."""
    return check.name == "spacing" and check.verdict != "ok"


def _level(figures: ChannelFigures) -> Check:
    if figures.level_db < QUIET_DB:
        return Check("level", figures.level_db, "dBFS", "caution", "Very quiet: faint sounds may be missed.")
    return Check("level", figures.level_db, "dBFS", "ok", "Loud enough.")


def _same_sound(figures: ChannelFigures, mono: bool) -> Check:
    value = figures.side_mid_db
    if mono:
        return Check("stereo", value, "dB", "unfit", "Mono: one channel carries no direction.", undirected=True)
    if figures.difference < DUAL_MONO_DIFFERENCE:
        sentence = "Dual mono: both channels carry the same sound and no direction."
        return Check("stereo", value, "dB", "unfit", sentence, undirected=True)
    if value < NEAR_MONO_DB:
        return Check("stereo", value, "dB", "unfit", "Nearly mono: all directions would be close to straight ahead.")
    if value < NARROW_DB:
        return Check("stereo", value, "dB", "caution", "Narrow stereo: directions may be too close to the middle.")
    return Check("stereo", value, "dB", "ok", "The channels differ as expected of stereo.")


def _dead_channel(figures: ChannelFigures) -> Check:
    value = figures.balance_db
    if abs(value) > DEAD_CHANNEL_DB:
        side = "right" if value > 0 else "left"
        return Check("channels", value, "dB", "unfit", f"The {side} channel is almost silent.")
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
    return Check("delay", value, "ms", "ok", "There is no delay between the channels.")


def _effect(figures: ChannelFigures, *, partly_inverted: bool) -> list[Check]:
    """Check whether the sound is one signal with a stereo effect instead of a recording of a place."""
    shared = figures.shared
    differ = figures.tilt_db > TILT_DB or figures.agreement < AGREEING
    balanced = abs(figures.balance_db) < BALANCED_DB
    common = figures.onsets.common
    to_one_side = common > PANNED or (common > TO_ONE_SIDE and figures.onsets.throughout < common / 2)
    filtered = shared > FILTERED and balanced and not _as_in_a_room(figures.onsets)
    if differ and not to_one_side and (shared > SURELY_FILTERED or filtered):
        sentence = (
            "Pseudo-stereo: both channels carry one sound through different filters, as produced from mono by effects "
            "(reverberation, widening): directions are meaningless."
        )
        return [Check("effect", shared * 100, "%", "unfit", sentence, undirected=True)]
    if in_the_middle(figures.onsets):
        return [] if _differs_in_time(figures) else [_in_the_middle(figures)]
    if differ and shared > LIKELY_FILTERED and figures.sway_db < SWAY_DB:
        return [Check("effect", shared * 100, "%", "caution", _AHEAD_OR_MONO)]
    if abs(figures.agreement) < UNRELATED and not partly_inverted:
        sentence = (
            "The phases of the channels are unrelated: microphones far apart, channels shifted in time, or an effect "
            "that widens; directions are unreliable."
        )
        return [Check("effect", figures.agreement * 100, "%", "unfit", sentence)]
    return []


def _in_the_middle(figures: ChannelFigures) -> Check:
    onsets = figures.onsets
    value = onsets.common * 100
    # Microphones at one place do not record such reverberation.
    if onsets.tail_side > UNRELATED_TAIL or _lateness(onsets) > LATE:
        sentence = (
            "Pseudo-stereo: all direct sound is in the middle and the channels differ in their reverberation alone, as "
            "where an effect makes stereo from mono: directions cannot be known."
        )
        return Check("effect", value, "%", "unfit", sentence, undirected=True)
    return Check("effect", value, "%", "caution", _AHEAD_OR_MONO)


def in_the_middle(onsets: OnsetFigures) -> bool:
    """Whether all direct sound comes from the middle; False if there are too few onsets to know."""
    limits = IN_COMMON_LATE if _lateness(onsets) > SURELY_LATE else IN_COMMON
    figures = onsets.common, onsets.most, onsets.throughout
    return all(figure < limit for figure, limit in zip(figures, limits, strict=True))


def _as_in_a_room(onsets: OnsetFigures) -> bool:
    """Whether side is neither unrelated to mid nor later than the first reflections; False if unknown."""
    return onsets.tail_side < UNRELATED_TAIL and _lateness(onsets) < EARLY


def _lateness(onsets: OnsetFigures) -> float:
    return onsets.tail_side**2 / onsets.onset_side if onsets.onset_side else math.nan


def _stretches(figures: ChannelFigures, stretches: Sequence[Stretch]) -> list[Check]:
    if not stretches:
        return []
    taken = sum(min(one.end, figures.seconds) - one.start for one in stretches) / figures.seconds
    verdict: Verdict = "unfit" if taken > UNFIT_SHARE else "caution"
    text = describe_stretches(stretches)
    return [Check("stretches", min(1.0, taken) * 100, "%", verdict, f"{text[0].upper()}{text[1:]}.")]


def _offset(figures: ChannelFigures) -> list[Check]:
    if not figures.offset:
        return []
    text = f"A constant offset (DC) of up to {figures.offset:.3f} of full scale; it is removed before analysis."
    return [Check("offset", figures.offset * 100, "%", "caution", text)]


def _differs_in_time(figures: ChannelFigures) -> bool:
    return figures.spaced_share > (SPACED_IN_THE_MIDDLE if in_the_middle(figures.onsets) else SPACED_SHARE)


def _spacing(figures: ChannelFigures, advice: str | None) -> Check:
    value = figures.spaced_share * 100
    if _differs_in_time(figures):
        found = f"Spaced microphones: sound reaches one channel typically {figures.spaced_ms:.2f} ms before the other."
        known = advice or "The model was trained on coincident microphones; directions are unreliable."
        return Check("spacing", value, "%", "caution" if advice else "unfit", f"{found} {known}")
    return Check("spacing", value, "%", "ok", "No sign of spaced microphones.")


def _balance(figures: ChannelFigures) -> Check:
    value = figures.ambience_db
    if abs(value) > IMBALANCE_DB:
        side = "left" if value > 0 else "right"
        sentence = f"The quiet parts are {abs(value):.1f} dB louder on the {side}: directions may shift to that side."
        return Check("balance", value, "dB", "caution", sentence)
    if math.isnan(value):
        return Check("balance", value, "dB", "ok", "There are no quiet parts in which to judge the balance.")
    return Check("balance", value, "dB", "ok", "Both channels are about equally loud in the quiet parts.")


def _clipping(figures: ChannelFigures) -> Check:
    value = figures.clipped_share * 100
    if figures.clipped_share > MUCH_CLIPPED_SHARE:
        sentence = "Heavily clipped: loud sounds have lost the level differences that give their direction."
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
    return Check("bandwidth", value, "Hz", "ok", "The bandwidth is sufficient.")
