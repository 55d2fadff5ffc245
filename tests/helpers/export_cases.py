"""Results to write, and tables of any content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from earwitness.batch.formats import FORMATS, Options
from earwitness.core.events import EventTable
from earwitness.media.containers.probe import MediaInfo, VideoInfo
from earwitness.results.detection import Detection, ModelId, has_moving_pictures

MODEL = ModelId("tiny", "0" * 64)
VIDEO = MediaInfo(Path("clip.mp4"), 8.0, None, VideoInfo(64, 48, 25.0, 0, 0.0, False, 8.0))


def detection(table: EventTable, *, media: MediaInfo | None = VIDEO, fov: float = 100.0) -> Detection:
    chosen = {"a": [0.5], "fov": fov}
    path = None if media is None else media.path
    return Detection(
        table,
        MODEL,
        table.duration,
        path,
        has_video=has_moving_pictures(media),
        warnings=["a warning"],
        settings=chosen,
    )


def run(
    first: int, last: int, class_index: int, azimuth: float, *, onscreen: bool = False, source: int = 0,
    score: float = 0.7, num_frames: int = 80,
) -> EventTable:  # fmt: skip
    frames = np.arange(first, last)
    return EventTable.from_columns(
        frame=frames, class_index=class_index, azimuth=azimuth, distance=1.234, onscreen=onscreen, source=source,
        score=score, num_frames=num_frames,
    )  # fmt: skip


def tables() -> st.SearchStrategy[EventTable]:
    angle = st.floats(-90, 90, width=32) | st.just(float("nan"))
    metres = st.floats(0, 100, width=32) | st.just(float("nan"))
    key = st.tuples(st.integers(0, 19), st.integers(0, 12), st.integers(0, 2))
    rest = st.tuples(angle, metres, st.booleans(), st.floats(0, 1, width=32))
    return st.dictionaries(key, rest, max_size=30).map(
        lambda rows: EventTable.from_columns(
            frame=[k[0] for k in rows], class_index=[k[1] for k in rows], source=[k[2] for k in rows],
            azimuth=[v[0] for v in rows.values()], distance=[v[1] for v in rows.values()],
            onscreen=[v[2] for v in rows.values()], score=[v[3] for v in rows.values()], num_frames=25,
        )
    )  # fmt: skip


OVERLAPPING = EventTable.concatenate(
    [
        run(10, 25, 0, 23.4, onscreen=True),
        run(12, 20, 0, -40, source=1),
        run(40, 52, 0, 10),
        run(30, 33, 12, float("nan")),
    ]
)
"""Two overlapping sources of one class, that class again, and a knock without direction."""


def text_of(name: str, result: Detection, fps: str | None = None, folder: Path = Path()) -> str:
    """What a format of the registry makes of a result."""
    chosen = FORMATS[name]
    made = chosen.make(result, folder / f"a{chosen.suffix}", Options(fps=fps))
    return made if isinstance(made, str) else "".join(map(str, made))
