"""An annotated video: the original picture and sound, with what is heard drawn in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.core.errors import EncodingError
from earwitness.core.events import EventTable
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.memory import give_back
from earwitness.media.containers.sound_tracks import Track
from earwitness.media.writer import MediaWriter
from earwitness.render.marks import Marks
from earwitness.render.style import Scale
from earwitness.render.video.frame_source import FrameSource
from earwitness.render.video.overlay import Overlay
from earwitness.render.video.panel import Panel

_TIDIED_EVERY: Final = 100
"""Pictures after which memory is given back."""


def render_video(
    source: str | Path,
    table: EventTable,
    out: str | Path,
    fov: float = DEFAULT_FOV_DEG,
    progress: Callable[[float], None] | None = None,
    threads: int = 1,
    track: Track | None = None,
    sound_seconds: float | None = None,
) -> Path:
    """Draw the events of `table` into a copy of `source`, whose sound, length and picture times stay.

    Below the picture come a view from above and a timeline, so the video becomes higher. A file with sound only gets
    a drawn background of 1280x720, as does one whose pictures cannot be decoded or are tiny. Where the pictures end
    before the sound, the last one is held.

    Args:
        source: video or sound file.
        table: what to show.
        out: file to write, .mp4, .m4v, .mov or .mkv.
        fov: horizontal field of view of the camera, degrees, of the picture as shown.
        progress: called with the done fraction, 0..1.
        threads: of the decoder and the encoder.
        track: the sound track to keep, from 0, or two mono ones; None: the default one.
        sound_seconds: how long that lasts, where it was heard before; else it is counted.

    Returns:
        `out`.

    Raises:
        MediaError: the source cannot be read, or the video not be written.
    """
    source, out = Path(source), Path(out)
    if out.exists() and out.samefile(source):
        raise EncodingError(f"{out}: would overwrite the source; choose another name")
    if not 1 <= fov <= 170:
        raise EncodingError(f"a horizontal field of view of {fov} degrees is not possible; give 1..170")
    stage = FrameSource(source, fov, threads, track, sound_seconds)
    scale = Scale(stage.width, stage.height)
    if not stage.has_picture:
        # Where there is no picture, nothing is outside it.
        table = table.with_columns(onscreen=True)
    overlay, marks = Overlay(stage.width, stage.height, fov), Marks(table, fov / 2)
    panel = Panel(table, stage.duration, scale, fov, key=stage.has_picture)
    canvas = np.zeros((stage.height + panel.height, stage.width, 3), np.uint8)
    with MediaWriter(
        out,
        stage.width,
        canvas.shape[0],
        stage.fps,
        copy_audio_from=source,
        copy_track=track,
        threads=threads,
        preset="superfast",
    ) as writer:
        for number, (time, picture, length) in enumerate(stage.pictures()):
            now = marks.at(time)
            if number % _TIDIED_EVERY == 0:
                give_back()
            canvas[: stage.height] = picture
            overlay.draw(canvas[: stage.height], now)
            panel.draw(canvas[stage.height :], now, time)
            writer.write_frame(canvas, time, length)
            if progress is not None:
                progress(min(1.0, time / stage.duration))
    if progress is not None:
        progress(1.0)
    return out
