"""Captions for deaf and hard-of-hearing viewers: the sound, who makes it and where, as broadcasters show them.

The rules are in `caption_rules`; `caption_check` finds breaches of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.core.geometry import Camera
from earwitness.export.captions.caption_rules import (
    DEFAULT_LANGUAGE,
    FILM_RATE,
    LONGEST_SECONDS,
    LONGEST_WAIT_SECONDS,
    MOST_LINES,
    MOVE_DEG,
    PAUSE_SECONDS,
    SAME_PLACE_DEG,
    SHORTEST_SECONDS,
    SPOKEN_PAUSE_SECONDS,
    CaptionLanguage,
    CaptionRules,
    TimedLines,
    caption_language,
)
from earwitness.export.captions.caption_words import SoundText, Style
from earwitness.export.captions.running_sounds import MOVE_SECONDS, SMOOTHING_FRAMES, Stay, running_sounds
from earwitness.export.captions.schedule import (
    AGAIN_COST,
    AGAIN_EVERY,
    LEFT_SECONDS,
    MOST_STATES,
    MOST_TOGETHER,
    SHORTENED_COST,
    UNNAMED_COST,
    WELL_READ,
    Cue,
    schedule,
)
from earwitness.export.wording import AHEAD_DEG

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

POSITION_STEP: Final = 5
POSITION_MARGIN: Final = 10


@dataclass(frozen=True, slots=True)
class CaptionSettings:
    """What captions look like.

    Attributes:
        style: `terse` as in broadcasting, or `full` with distance, motion, and also "ahead" and "on screen".
        language: code of the language, or path of a table; see `languages.caption_language`.
        fov: horizontal field of view of the camera, degrees, which gives positions; by default the result's own.
        frame_rate: of the video, frames per second: cues keep a distance of two frames.
        dialogue: subtitles to keep word for word, in order of time; speech is then left out of the captions.
    """

    style: Style = "terse"
    language: str = DEFAULT_LANGUAGE
    fov: float | None = None
    frame_rate: Fraction = FILM_RATE
    dialogue: tuple[TimedLines, ...] = ()

    def rules(self) -> CaptionRules:
        """The rules that these captions keep.

        Raises:
            UsageError: there is no table for the language.
        """
        return CaptionRules(caption_language(self.language), self.frame_rate)


DEFAULT_SETTINGS: Final = CaptionSettings()


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption; captions never overlap.

    Attributes:
        start, end: seconds.
        lines: at most two, such as ("[knocking, off screen, left]",).
        position: horizontal position, percent from the left edge; None without direction, with sounds on several
            sides, or with dialogue.
        texts: the sounds that it names, in parts.
    """

    start: float
    end: float
    lines: tuple[str, ...]
    position: int | None = None
    texts: tuple[SoundText, ...] = ()

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Captions:
    """The captions of a file.

    Attributes:
        cues: in order of time.
        unnamed: number of sounds for which there was no room.
        language: the language they are in.
    """

    cues: tuple[Caption, ...]
    unnamed: int
    language: CaptionLanguage


def captions(result: Detection, settings: CaptionSettings = DEFAULT_SETTINGS) -> Captions:
    """Caption the events of a result.

    A caption starts with its first sound, and names a sound once, and again when it moves or after 30 s. A sound that
    begins while another caption is shown joins it, or waits for at most a second.

    Raises:
        UsageError: there is no table for the language.
    """
    rules = settings.rules()
    camera = Camera(horizontal_fov_deg=result.view_with(settings.fov).whole_fov)
    sounds = running_sounds(result, rules.language, settings.style, without_speech=bool(settings.dialogue))
    end = max(result.duration, result.table.duration)
    planned = schedule(sounds, rules, settings.dialogue, end)
    return Captions(tuple(_caption(cue, camera) for cue in planned.cues), len(planned.unnamed), rules.language)


def _caption(cue: Cue, camera: Camera) -> Caption:
    position = None if cue.spoken is not None else _position(cue.stays, camera)
    return Caption(cue.start, cue.end, cue.lines, position, tuple(stay.text for stay in cue.stays))


def _position(stays: Sequence[Stay], camera: Camera) -> int | None:
    """Percent from the left edge, in coarse steps; directions outside the picture are clipped to its edge."""
    found = {_one_position(stay.azimuth, camera) for stay in stays}
    known = sorted(place for place in found if place is not None)
    if len(known) < len(found) or not known or known[-1] - known[0] > 2 * POSITION_STEP:
        return None
    return known[len(known) // 2]


def _one_position(azimuth: float, camera: Camera) -> int | None:
    if np.isnan(azimuth):
        return None
    half = camera.horizontal_fov_deg / 2
    share = float(camera.column(np.clip(azimuth, -half, half))) / camera.width * 100
    return int(np.clip(round(share / POSITION_STEP) * POSITION_STEP, POSITION_MARGIN, 100 - POSITION_MARGIN))


def plan_values(frame_rate: Fraction) -> dict[str, Any]:
    """The numbers that a plan of captions depends on, for the report page, which plans them anew after corrections.

    Args:
        frame_rate: of the video, frames per second.
    """
    rules = CaptionRules(caption_language(), frame_rate)
    return {
        "mostLines": MOST_LINES, "shortest": SHORTEST_SECONDS, "longest": LONGEST_SECONDS, "gap": rules.gap,
        "wait": LONGEST_WAIT_SECONDS, "pause": PAUSE_SECONDS, "spokenPause": SPOKEN_PAUSE_SECONDS,
        "samePlace": SAME_PLACE_DEG, "move": MOVE_DEG, "moveSeconds": MOVE_SECONDS, "smoothing": SMOOTHING_FRAMES,
        "ahead": AHEAD_DEG, "wellRead": WELL_READ, "againEvery": AGAIN_EVERY, "left": LEFT_SECONDS,
        "mostTogether": MOST_TOGETHER, "mostStates": MOST_STATES, "againCost": AGAIN_COST,
        "unnamedCost": UNNAMED_COST, "shortenedCost": SHORTENED_COST, "positionStep": POSITION_STEP,
        "positionMargin": POSITION_MARGIN,
    }  # fmt: skip
