"""Captions for deaf and hard-of-hearing viewers: the sound and its side, shown long enough to read.

The timing follows common subtitling rules: at least 1 s, at most 7 s, about 17 characters per second.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE, FRAME_SECONDS, EventTable, SoundEvent
from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.export.wording import caption_text

Style = Literal["terse", "full"]
STYLES: Final[tuple[Style, ...]] = ("terse", "full")

READING_SPEED: Final = 17.0
"""Characters per second."""
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 7.0
"""A longer sound gets another caption only when its wording changes."""
JOIN_GAP_SECONDS: Final = 1.5
"""A shorter pause does not end a caption."""
MOST_AT_ONCE: Final = 3
"""Captions at the same time; those with the lowest score are dropped."""
POSITION_STEP: Final = 5
POSITION_MARGIN: Final = 10
_SMOOTHING_FRAMES: Final = 2 * FRAME_RATE + 1
_EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption.

    Attributes:
        start, end: seconds.
        text: such as "[knocking, off screen, left]".
        position: horizontal position, percent from the left edge; None without direction.
        score: confidence, 0..1.
        line: lines above the lowest, so that simultaneous captions do not overlap.
    """

    start: float
    end: float
    text: str
    position: int | None
    score: float = 1.0
    line: int = 0


def captions(
    table: EventTable, *, has_video: bool, style: Style = "terse", camera: Camera = DCASE_CAMERA
) -> list[Caption]:
    """Caption a table's events, in order of time.

    Args:
        has_video: if False, captions do not mention the screen.
        style: `terse` as in broadcasting, or `full` with distance, motion, and also "ahead" and "on screen".
        camera: maps azimuths to horizontal positions.
    """
    duration = table.duration
    pieces = [
        caption
        for event in table.events(max_gap=round(JOIN_GAP_SECONDS * FRAME_RATE))
        for caption in _pieces(event.table, has_video, style, camera)
    ]
    timed = [_timed(caption, duration) for caption in _joined(pieces)]
    return _stacked(_fewer(timed))


def reading_seconds(text: str) -> float:
    """Shortest time that a caption must be shown, seconds."""
    return max(SHORTEST_SECONDS, len(text) / READING_SPEED)


def _pieces(rows: EventTable, has_video: bool, style: Style, camera: Camera) -> list[Caption]:
    """Split an event where its wording changes; each piece is long enough to read."""
    azimuth = _smoothed(rows.azimuth)
    onscreen = _smoothed(rows.onscreen.astype(np.float32)) >= 0.5
    sound_class = SoundEvent(rows).sound_class
    words = [
        caption_text(sound_class, angle, bool(on), has_video=has_video, style=style)
        for angle, on in zip(azimuth.tolist(), onscreen.tolist(), strict=True)
    ]
    found = []
    for first, stop in _spans(words, rows.frame):
        part = SoundEvent(rows.select(np.arange(first, stop)))
        text = caption_text(
            sound_class, part.azimuth, part.onscreen, has_video=has_video, style=style,
            distance=part.distance, moved=_moved(azimuth[first:stop]),
        )  # fmt: skip
        found.append(Caption(part.start, part.end, text, _position(part.azimuth, camera), part.score))
    return found


def _smoothed(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running median over about 2 s; keeps the NaN of sounds without direction."""
    from scipy.ndimage import median_filter

    return values if values.size < 3 else np.asarray(median_filter(values, size=min(_SMOOTHING_FRAMES, values.size)))


def _moved(azimuth: NDArray[np.float32]) -> float:
    """Degrees from the first to the last direction, positive to the left."""
    return float(azimuth[-1] - azimuth[0])


def _spans(words: list[str], frame: NDArray[np.int32]) -> list[tuple[int, int]]:
    """(first, stop) rows of equal wording; a span too short to read joins the one before it."""
    changes = [i for i in range(1, len(words)) if words[i] != words[i - 1]]
    spans: list[tuple[int, int]] = []
    for first, stop in pairwise([0, *changes, len(words)]):
        seconds = (int(frame[stop - 1]) + 1 - int(frame[first])) * FRAME_SECONDS
        same = bool(spans) and words[spans[-1][0]] == words[first]
        if spans and (same or seconds < reading_seconds(words[first])):
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((first, stop))
    if len(spans) > 1:  # the first span may also be too short
        first, stop = spans[0]
        seconds = (int(frame[stop - 1]) + 1 - int(frame[first])) * FRAME_SECONDS
        if seconds < reading_seconds(words[first]):
            spans[:2] = [(first, spans[1][1])]
    return spans


def _position(azimuth: float, camera: Camera) -> int | None:
    """Percent from the left edge, in coarse steps; directions outside the picture are clipped to its edge."""
    if np.isnan(azimuth):
        return None
    half = camera.horizontal_fov_deg / 2
    share = float(camera.column(np.clip(azimuth, -half, half))) / camera.width * 100
    return int(np.clip(round(share / POSITION_STEP) * POSITION_STEP, POSITION_MARGIN, 100 - POSITION_MARGIN))


def _joined(pieces: list[Caption]) -> list[Caption]:
    """Merge equal captions that overlap or are separated by a short pause only."""
    joined: dict[str, list[Caption]] = {}
    for piece in sorted(pieces, key=lambda caption: (caption.start, caption.end)):
        same = joined.setdefault(piece.text, [])
        if same and piece.start - same[-1].end <= JOIN_GAP_SECONDS + _EPSILON:
            last = same[-1]
            same[-1] = replace(last, end=max(last.end, piece.end), score=max(last.score, piece.score))
        else:
            same.append(piece)
    return [caption for same in joined.values() for caption in same]


def _timed(caption: Caption, duration: float) -> Caption:
    """Make a caption long enough to read, but not too long; at the end of a clip it starts earlier instead."""
    needed = reading_seconds(caption.text)
    end = min(max(caption.end, caption.start + needed), caption.start + max(LONGEST_SECONDS, needed))
    end = min(end, max(duration, caption.start + FRAME_SECONDS))
    start = max(0.0, min(caption.start, end - needed))
    return replace(caption, start=round(start, 3), end=round(end, 3))


def _fewer(timed: list[Caption]) -> list[Caption]:
    """Keep at most `MOST_AT_ONCE` captions at any time; lower scores end early, or are dropped if too short to read."""
    kept = _ByTime(timed)
    for caption in sorted(timed, key=lambda caption: (-caption.score, caption.start, caption.text)):
        rivals = kept.overlapping(caption)
        full = [
            time
            for time in {caption.start, *(other.start for other in rivals)}
            if time >= caption.start and sum(a.start <= time < a.end for a in rivals) >= MOST_AT_ONCE
        ]
        end = min([caption.end, *full])
        if end == caption.end or end - caption.start >= reading_seconds(caption.text):
            kept.add(replace(caption, end=end))
    return kept.all


def _stacked(kept: list[Caption]) -> list[Caption]:
    """Place each caption on the lowest line that is free while it is shown."""
    placed = _ByTime(kept)
    for caption in sorted(kept, key=lambda caption: (caption.start, caption.end, caption.text)):
        taken = {other.line for other in placed.overlapping(caption)}
        placed.add(replace(caption, line=next(line for line in range(len(taken) + 1) if line not in taken)))
    return placed.all


class _ByTime:
    """Captions indexed by time, so that each is compared with its neighbours only; hours contain thousands.

    Attributes:
        all: the captions in insertion order.
    """

    def __init__(self, longest_of: list[Caption]) -> None:
        # No caption is longer than a box, so that overlapping ones are at most one box apart.
        self._box_seconds = 1 + max((caption.end - caption.start for caption in longest_of), default=0.0)
        self._boxes: defaultdict[int, list[Caption]] = defaultdict(list)
        self.all: list[Caption] = []

    def add(self, caption: Caption) -> None:
        self.all.append(caption)
        self._boxes[self._box(caption)].append(caption)

    def overlapping(self, caption: Caption) -> list[Caption]:
        box = self._box(caption)
        near = [other for number in (box - 1, box, box + 1) for other in self._boxes.get(number, ())]
        return [other for other in near if _overlap(other, caption)]

    def _box(self, caption: Caption) -> int:
        return int(caption.start // self._box_seconds)


def _overlap(a: Caption, b: Caption) -> bool:
    return a.start < b.end - _EPSILON and b.start < a.end - _EPSILON


def timestamp(seconds: float, decimal_mark: str) -> str:
    """Return hh:mm:ss.mmm with the given decimal mark."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}{decimal_mark}{milliseconds % 1000:03d}"
