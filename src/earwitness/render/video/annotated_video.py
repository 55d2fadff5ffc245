"""An annotated video: the original picture and sound, with the events drawn in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from earwitness.core.errors import EncodingError
from earwitness.core.events import EventTable
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.memory import release_memory
from earwitness.media.writer import MediaWriter
from earwitness.render.marks import Marks
from earwitness.render.sprite import RGBArray
from earwitness.render.style import Scale
from earwitness.render.video.frame_source import FrameSource, KeptSound
from earwitness.render.video.overlay import Overlay
from earwitness.render.video.panel import Panel

_TIDIED_EVERY: Final = 100
"""Frames after which freed memory is returned to the system."""


def render_video(
    source: str | Path,
    table: EventTable,
    out: str | Path,
    fov: float = DEFAULT_FOV_DEG,
    progress: Callable[[float], None] | None = None,
    threads: int = 1,
    sound: KeptSound | None = None,
) -> Path:
    """Draw the events of `table` into a copy of `source` that keeps its sound, length and frame times.

    A view from above and a timeline are added below the picture. A file without pictures, or whose pictures cannot be
    decoded or are tiny, gets a drawn background of 1280x720. If the pictures end before the sound, the last one is
    held.

    Args:
        source: video or sound file.
        table: the events.
        out: file to write, .mp4, .m4v, .mov or .mkv.
        fov: horizontal field of view of the camera, degrees, for the picture as shown.
        progress: called with the done fraction, 0..1.
        threads: threads of the decoder and the encoder.
        sound: the audio track to keep; by default the default track.

    Returns:
        `out`.

    Raises:
        MediaError: the source cannot be read, or the video cannot be written.
    """
    source, out, sound = Path(source), Path(out), sound or KeptSound()
    if out.exists() and out.samefile(source):
        raise EncodingError(f"{out}: would overwrite the source; choose another name")
    if not 1 <= fov <= 170:
        raise EncodingError(f"a horizontal field of view of {fov} degrees is not possible; give 1..170")
    frames = FrameSource(source, fov, threads, sound)
    if not frames.has_picture:
        table = table.with_columns(onscreen=True)  # without a camera, no source is off screen
    scene = _AnnotatedScene(table, frames, fov)
    with MediaWriter(
        out, frames.width, scene.height, frames.fps, copy_audio_from=source, copy_track=sound.track, threads=threads,
        preset="superfast",
    ) as writer:  # fmt: skip
        for number, (time, picture, length) in enumerate(frames.pictures()):
            if number % _TIDIED_EVERY == 0:
                release_memory()
            writer.write_frame(scene.draw(picture, time), time, length)
            if progress is not None:
                progress(min(1.0, time / frames.duration))
    if progress is not None:
        progress(1.0)
    return out


class _AnnotatedScene:
    """Draws frames with marks and the panel below them.

    Attributes:
        height: height of a whole frame, pixels.
    """

    def __init__(self, table: EventTable, frames: FrameSource, fov: float) -> None:
        self._overlay, self._marks = Overlay(frames.width, frames.height, fov), Marks(table, fov / 2)
        scale = Scale(frames.width, frames.height)
        self._panel = Panel(table, frames.duration, scale, fov, key=frames.has_picture)
        self.height = frames.height + self._panel.height
        self._canvas = np.zeros((self.height, frames.width, 3), np.uint8)

    def draw(self, picture: RGBArray, time: float) -> RGBArray:
        """Return the frame at `time` (seconds); the next call overwrites it."""
        marks, split = self._marks.at(time), picture.shape[0]
        self._canvas[:split] = picture
        self._overlay.draw(self._canvas[:split], marks)
        self._panel.draw(self._canvas[split:], marks, time)
        return self._canvas
