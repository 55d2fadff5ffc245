"""Captions for people who cannot hear: what sounds, from which side, for as long as it takes to read.

The timing follows common rules of subtitling: at least a second, at most seven, about 17 characters a second.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from earwitness.core.events import FRAME_RATE, FRAME_SECONDS, EventTable, SoundEvent
from earwitness.core.geometry import DCASE_CAMERA, Camera
from earwitness.export.wording import caption_text

Style = Literal["terse", "full"]
STYLES: Final[tuple[Style, ...]] = ("terse", "full")

READING_SPEED: Final = 17.0
"""Characters a second."""
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 7.0
"""A sound that goes on is captioned again only when something about it changes."""
JOIN_GAP_SECONDS: Final = 1.5
"""Pauses of up to this long do not end a caption."""
MOST_AT_ONCE: Final = 3
"""What is least certain makes way."""
POSITION_STEP: Final = 5
POSITION_MARGIN: Final = 10
_CALM_FRAMES: Final = 2 * FRAME_RATE + 1
_EPSILON: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Caption:
    """One caption.

    Attributes:
        start, end: seconds.
        text: such as "[knocking, off screen, left]".
        position: where across the picture, percent from the left edge; None without direction.
        score: how sure it is, 0..1.
        line: lines above the lowest, so that captions of one time do not cover each other.
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
        has_video: without a picture nothing is said about the screen.
        style: `terse` as broadcasters write, or `full` with distances, motion, and what is ahead and on screen.
        camera: turns azimuths into places in the picture.
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
    """How long a caption must stay up."""
    return max(SHORTEST_SECONDS, len(text) / READING_SPEED)


def _pieces(rows: EventTable, has_video: bool, style: Style, camera: Camera) -> list[Caption]:
    """Cut an event where its wording changes for good: no piece is shorter than it takes to read."""
    azimuth = _calm(rows.azimuth)
    onscreen = _calm(rows.onscreen.astype(np.float32)) >= 0.5
    words = [
        caption_text(rows.class_index[0], angle, bool(seen), has_video=has_video, style=style)
        for angle, seen in zip(azimuth.tolist(), onscreen.tolist(), strict=True)
    ]
    found = []
    for first, stop in _spans(words, rows.frame):
        part = SoundEvent(rows.select(np.arange(first, stop)))
        text = caption_text(
            part.sound_class.index, part.azimuth, part.onscreen, has_video=has_video, style=style,
            distance=part.distance, moved=_moved(azimuth[first:stop]),
        )  # fmt: skip
        found.append(Caption(part.start, part.end, text, _position(part.azimuth, camera), part.score))
    return found


def _calm(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running median over about two seconds; NaN, of a sound without direction, stays."""
    return values if values.size < 3 else np.asarray(median_filter(values, size=min(_CALM_FRAMES, values.size)))


def _moved(azimuth: NDArray[np.float32]) -> float:
    """Degrees from the first to the last direction, positive to the left."""
    return float(azimuth[-1] - azimuth[0])


def _spans(words: list[str], frame: NDArray[np.int32]) -> list[tuple[int, int]]:
    """(first, stop) rows of equal wording; what is too short to be read joins what came before it."""
    changes = [i for i in range(1, len(words)) if words[i] != words[i - 1]]
    spans: list[tuple[int, int]] = []
    for first, stop in pairwise([0, *changes, len(words)]):
        seconds = (int(frame[stop - 1]) + 1 - int(frame[first])) * FRAME_SECONDS
        same = bool(spans) and words[spans[-1][0]] == words[first]
        if spans and (same or seconds < reading_seconds(words[first])):
            spans[-1] = (spans[-1][0], stop)
        else:
            spans.append((first, stop))
    if len(spans) > 1:  # the first one may be too short as well
        first, stop = spans[0]
        seconds = (int(frame[stop - 1]) + 1 - int(frame[first])) * FRAME_SECONDS
        if seconds < reading_seconds(words[first]):
            spans[:2] = [(first, spans[1][1])]
    return spans


def _position(azimuth: float, camera: Camera) -> int | None:
    """Percent from the left edge, in coarse steps; beside the picture is its edge."""
    if np.isnan(azimuth):
        return None
    half = camera.horizontal_fov_deg / 2
    share = float(camera.column(np.clip(azimuth, -half, half))) / camera.width * 100
    return int(np.clip(round(share / POSITION_STEP) * POSITION_STEP, POSITION_MARGIN, 100 - POSITION_MARGIN))


def _joined(pieces: list[Caption]) -> list[Caption]:
    """Equal captions that overlap, or have but a short pause between them, become one."""
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
    """Long enough to be read, not longer than anyone would; at the very end of a clip it comes earlier instead."""
    needed = reading_seconds(caption.text)
    end = min(max(caption.end, caption.start + needed), caption.start + max(LONGEST_SECONDS, needed))
    end = min(end, max(duration, caption.start + FRAME_SECONDS))
    start = max(0.0, min(caption.start, end - needed))
    return replace(caption, start=round(start, 3), end=round(end, 3))


def _fewer(timed: list[Caption]) -> list[Caption]:
    """At most `MOST_AT_ONCE` at any time: what is less sure ends early, or gives way where it could not be read."""
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
    """Each on the lowest line that is free while it is shown."""
    placed = _ByTime(kept)
    for caption in sorted(kept, key=lambda caption: (caption.start, caption.end, caption.text)):
        taken = {other.line for other in placed.overlapping(caption)}
        placed.add(replace(caption, line=next(line for line in range(len(taken) + 1) if line not in taken)))
    return placed.all


class _ByTime:
    """Captions in boxes of time, so that one is compared with those near it only: hours hold thousands.

    Attributes:
        all: in the order in which they came.
    """

    def __init__(self, longest_of: list[Caption]) -> None:
        # None reaches farther than into the next box.
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
