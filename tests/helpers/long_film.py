"""Pictures and events of a film of more than six minutes for tests of fusion."""

from __future__ import annotations

import numpy as np

from earwitness.core.events import EventTable
from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.observe import Observation

WIDTH, HEIGHT, FRAMES = 320, 180, 4000


def observation() -> Observation:
    """Six minutes: somebody is there from the first to the last, others come and go, and something moves at times."""
    motion = np.zeros((FRAMES, ROWS, COLUMNS), dtype=np.uint8)
    for frame in range(FRAMES):
        if frame % 200 < 60:
            column = 5 + frame // 200 * 3
            motion[frame, 20:24, column : column + 3] = 50 + frame % 200
    looks = np.arange(0, FRAMES, 5)
    always, others = [200, 40, 240, 140], [40, 50, 80, 150]
    boxes = []
    for frame in looks.tolist():
        there = [always, others] if frame % 700 < 300 else [always]
        boxes.append(Boxes.of(there, [0.6 + frame / 20_000] * len(there), PERSON))
    return Observation(WIDTH, HEIGHT, (0, 0, WIDTH, HEIGHT), looks, tuple(boxes), motion)


def events(*spans: tuple[int, int, int, float], frames: int = FRAMES) -> EventTable:
    """Events by class, first frame, frame after the last, and azimuth."""
    columns = [
        np.repeat(np.array(column), [stop - first for _, first, stop, _ in spans])
        for column in zip(*spans, strict=True)
    ]
    frame = np.concatenate([np.arange(first, stop) for _, first, stop, _ in spans])
    return EventTable.from_columns(
        frame=frame, class_index=columns[0], source=0, azimuth=columns[3] + 5 * np.sin(frame / 7), distance=2.0,
        onscreen=False, score=0.7, num_frames=frames,
    )  # fmt: skip
