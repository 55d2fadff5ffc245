"""An annotated video: the original picture and sound, with the events drawn in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from earwitness.core.errors import EncodingError, one_line
from earwitness.core.events import EventTable
from earwitness.core.memory import release_memory
from earwitness.export.captions.captions import Caption
from earwitness.media.writer import MediaWriter
from earwitness.render.icons import RGBArray
from earwitness.render.marks import Marks
from earwitness.render.style import Scale
from earwitness.render.video import MarkerStyle
from earwitness.render.video.frame_source import FrameSource, KeptSound
from earwitness.render.video.overlay import Overlay, Sight
from earwitness.render.video.panel import Panel
from earwitness.render.video.text_plates import STYLES, CaptionPlates
from earwitness.render.video.visible_objects import VisibleObjects

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

_TIDIED_EVERY: Final = 100
"""Frames after which freed memory is returned to the system."""


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """Options of an annotated video.

    Attributes:
        style: the style of the markers.
        panel: whether to add a view from above and a timeline below the picture; None: as the style does.
        fov: horizontal field of view of the camera, degrees; None: that of the result.
        sound: the audio track to keep; by default the default track.
        threads: threads of the decoder and the encoder.
        captions: captions to burn in.
        font: font file of the captions; by default one that has their characters.
        markers: whether to draw markers; without them, only captions.
    """

    style: MarkerStyle = "clean"
    panel: bool | None = None
    fov: float | None = None
    sound: KeptSound | None = None
    threads: int = 1
    captions: tuple[Caption, ...] = ()
    font: Path | None = None
    markers: bool = True

    @property
    def with_panel(self) -> bool:
        """Whether there is a panel."""
        if not self.markers:
            return False
        return STYLES[self.style].panel if self.panel is None else self.panel


def render_video(
    result: Detection,
    source: str | Path,
    out: str | Path,
    options: VideoOptions | None = None,
    progress: Callable[[float], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> Path:
    """Draw the events of a result into a copy of `source` that keeps its sound, length and frame times.

    A view from above and a timeline are added below the picture, if the style has them. A file without pictures, or
    whose pictures cannot be decoded or are tiny, gets a drawn background of 1280x720. If the pictures end before the
    sound, the last one is held.

    Args:
        result: the events, with the boxes of people and sources if the pictures were analysed.
        source: video or sound file.
        out: file to write, .mp4, .m4v, .mov or .mkv.
        options: the style and other options.
        progress: called with the done fraction, 0..1.
        note: called with a sentence for the user, for example if the picture has no room for labels.

    Returns:
        `out`.

    Raises:
        MediaError: the source cannot be read, or the video cannot be written.
    """
    source, out, options = Path(source), Path(out), options or VideoOptions()
    sound = options.sound or KeptSound()
    if out.exists() and out.samefile(source):
        raise EncodingError(f"{out}: would overwrite the source; choose another name")
    fov = result.view_with(options.fov).whole_fov
    if not 1 <= fov <= 170:
        raise EncodingError(f"a horizontal field of view of {fov} degrees is not possible; give 1..170")
    frames = FrameSource(source, fov, options.threads, sound)
    scene = _AnnotatedScene(result, frames, fov, options)
    with MediaWriter(
        out, frames.width, scene.height, frames.fps, copy_audio_from=source, copy_track=sound.track,
        threads=options.threads, preset="superfast",
    ) as writer:  # fmt: skip
        for number, (time, picture, length) in enumerate(frames.pictures()):
            if number % _TIDIED_EVERY == 0:
                release_memory()
            writer.write_frame(scene.draw(picture, time), time, length)
            if progress is not None:
                progress(min(1.0, time / frames.duration))
    if progress is not None:
        progress(1.0)
    if note is not None:
        for text in (frames.replaced, scene.left_out(options)):
            if text:
                note(one_line(f"{source.name}: {text}"))
    return out


class _AnnotatedScene:
    """Draws frames with markers and the panel below them.

    Attributes:
        height: height of a whole frame, pixels.
    """

    def __init__(self, result: Detection, frames: FrameSource, fov: float, options: VideoOptions) -> None:
        table, causes, content = result.table, None, (0.0, 1.0)
        self._objects: VisibleObjects | None = None
        self._frames = frames
        if frames.has_picture:
            self._objects = VisibleObjects(result, fov, frames.width / frames.height)
            causes, content = self._objects.causes, _content(result)
        else:
            table = table.with_columns(onscreen=True)  # without a camera, no source is off screen
        panel = options.with_panel
        self._overlay = Overlay(
            frames.width, frames.height, fov, options.style, content, captions=not panel or bool(options.captions)
        )
        self._plates = CaptionPlates(options.captions, frames.width, frames.height, options.font)
        self._markers = options.markers
        self._marks = Marks(table, fov / 2, causes)
        self._panel = _panel(table, frames, fov) if panel else None
        self.height = frames.height + (self._panel.height if self._panel is not None else 0)
        self._canvas = np.zeros((self.height, frames.width, 3), np.uint8)

    def draw(self, picture: RGBArray, time: float) -> RGBArray:
        """Return the frame at `time` (seconds); the next call overwrites it."""
        marks, split, objects = self._marks.at(time), picture.shape[0], self._objects
        self._canvas[:split] = picture
        sight = None
        if objects is not None and self._markers:
            boxes = tuple(objects.box(mark.cause, time) for mark in marks)
            sight = Sight(boxes, tuple(objects.people(time)))
        if self._markers:
            self._overlay.draw(self._canvas[:split], marks, time, sight)
        self._plates.draw(self._canvas[:split], time)
        if self._panel is not None:
            self._panel.draw(self._canvas[split:], marks, time)
        return self._canvas

    def left_out(self, options: VideoOptions) -> str:
        """What to say about labels without room; empty if all had room."""
        overlay = self._overlay
        if not overlay.left_out:
            return ""
        share = overlay.left_out / (overlay.left_out + overlay.shown)
        elsewhere = "the timeline lists all sounds" if options.with_panel else "--panel adds a timeline of all sounds"
        size = f"{self._frames.width}x{self._frames.height} pixels"
        return f"{share:.0%} of the labels had no room in the picture ({size}) and were left out; {elsewhere}"


def _panel(table: EventTable, frames: FrameSource, fov: float) -> Panel:
    return Panel(table, frames.duration, Scale(frames.width, frames.height), fov, key=frames.has_picture)


def _content(result: Detection) -> tuple[float, float]:
    """Left and right edge of the picture area without black bars, as shares of the width."""
    pictures = None if result.visual is None else result.visual.pictures
    if pictures is None or pictures.content is None or not pictures.width:
        return 0.0, 1.0
    left, _, right, _ = pictures.content
    return (left / pictures.width, right / pictures.width) if 0 <= left < right <= pictures.width else (0.0, 1.0)
