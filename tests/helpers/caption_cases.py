"""Captions of tables, as start and text."""

from __future__ import annotations

import numpy as np

from earwitness.core.events import EventTable
from earwitness.export.captions.caption_words import Style
from earwitness.export.captions.captions import Caption, CaptionSettings, captions
from export_cases import detection


def cues(table: EventTable, style: Style = "terse", **about: object) -> tuple[Caption, ...]:
    return captions(detection(table, **about), CaptionSettings(style=style)).cues  # type: ignore[arg-type]


def spoken(found: tuple[Caption, ...]) -> list[tuple[float, str]]:
    return [(cue.start, cue.text) for cue in found]


def moving(first: float, last: float, frames: int = 80, class_index: int = 6) -> EventTable:
    azimuth = np.linspace(first, last, frames)
    return EventTable.from_columns(
        frame=np.arange(frames), class_index=class_index, azimuth=azimuth, distance=2.0, num_frames=frames,
        onscreen=np.abs(azimuth) < 50,
    )  # fmt: skip
