"""Captions for people: what sounds, from which side, cut where it moves. Shared by the subtitle formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from earwitness.events import FRAME_RATE, FRAME_SECONDS, EventTable, SoundEvent
from earwitness.export.wording import direction_in_words, screen
from earwitness.geometry import DCASE_CAMERA, Camera

PIECE_FRAMES: Final = 2 * FRAME_RATE
"""A long event is looked at anew every two seconds."""
JOIN_GAP_FRAMES: Final = FRAME_RATE // 2
"""Pauses of up to half a second do not end a caption."""
SHORTEST_SECONDS: Final = 1.0
"""A caption stays up so long that it can be read, even if its sound is over."""
POSITION_STEP: Final = 5
POSITION_MARGIN: Final = 10


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption.

    Attributes:
        start, end: seconds.
        text: such as "[woman speaking, left, off screen]".
        position: where across the picture, percent from the left edge; None without direction.
    """

    start: float
    end: float
    text: str
    position: int | None


def captions(table: EventTable, *, has_video: bool, camera: Camera = DCASE_CAMERA) -> list[Caption]:
    """Caption a table's events, in order of time.

    Args:
        has_video: without a picture nothing is said about the screen.
        camera: turns azimuths into places in the picture.
    """
    found = []
    for event in table.events(max_gap=JOIN_GAP_FRAMES):
        pieces = _merged(_caption(piece, has_video, camera) for piece in _pieces(event.table))
        found.extend(_readable(pieces, table.duration))
    return sorted(found, key=lambda caption: (caption.start, caption.end, caption.text))


def _pieces(rows: EventTable) -> list[EventTable]:
    """Cut an event into pieces of about two seconds, none much shorter."""
    first, last = int(rows.frame[0]), int(rows.frame[-1]) + 1
    count = max(1, round((last - first) / PIECE_FRAMES))
    bounds = np.linspace(first, last, count + 1).round().astype(int)
    parts = [rows.select((rows.frame >= a) & (rows.frame < b)) for a, b in pairwise(bounds)]
    return [part for part in parts if len(part)]


def _caption(rows: EventTable, has_video: bool, camera: Camera) -> Caption:
    event = SoundEvent(rows)
    words = [event.sound_class.caption, direction_in_words(event.azimuth)]
    if has_video and not event.onscreen:
        words.append(screen(False))
    text = f"[{', '.join(word for word in words if word)}]"
    return Caption(event.start, event.end, text, _position(event.azimuth, camera))


def _position(azimuth: float, camera: Camera) -> int | None:
    """Percent from the left edge, in coarse steps, so that a caption does not jitter."""
    if np.isnan(azimuth):
        return None
    half = camera.horizontal_fov_deg / 2
    share = float(camera.column(np.clip(azimuth, -half, half))) / camera.width * 100
    return int(np.clip(round(share / POSITION_STEP) * POSITION_STEP, POSITION_MARGIN, 100 - POSITION_MARGIN))


def _merged(pieces: Iterable[Caption]) -> list[Caption]:
    merged: list[Caption] = []
    for piece in pieces:
        if merged and (merged[-1].text, merged[-1].position) == (piece.text, piece.position):
            merged[-1] = replace(merged[-1], end=piece.end)
        else:
            merged.append(piece)
    return merged


def _readable(pieces: list[Caption], duration: float) -> list[Caption]:
    """Stretch the last piece to be read, within the clip."""
    last = pieces[-1]
    end = max(last.end, min(last.start + SHORTEST_SECONDS, max(duration, last.end)))
    return [*pieces[:-1], replace(last, end=round(end / FRAME_SECONDS) * FRAME_SECONDS)]


def timestamp(seconds: float, decimal_mark: str) -> str:
    """Return hh:mm:ss.mmm with the given decimal mark."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}{decimal_mark}{milliseconds % 1000:03d}"
