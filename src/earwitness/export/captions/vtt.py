"""WebVTT captions, each placed on the side of the picture from which its sound comes."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from earwitness.core.geometry import Camera
from earwitness.export.captions.captions import Caption, Style, captions, timestamp

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


def to_vtt(result: Detection, style: Style = "terse", fov: float | None = None) -> str:
    """Return the WebVTT file of a result (W3C WebVTT: The Web Video Text Tracks Format).

    Args:
        fov: horizontal field of view of the camera, degrees, which determines cue positions; by default the result's
            own.
    """
    camera = Camera(horizontal_fov_deg=result.view_with(fov).whole_fov)
    cues = captions(result.table, has_video=result.has_video, style=style, camera=camera)
    return "\n".join(["WEBVTT", "", *(_cue(number, caption) for number, caption in enumerate(cues, start=1))])


def _cue(number: int, caption: Caption) -> str:
    times = f"{timestamp(caption.start, '.')} --> {timestamp(caption.end, '.')}"
    text = escape(caption.text, quote=False)
    return f"{number}\n{times} line:{-1 - caption.line}{_settings(caption.position)}\n{text}\n"


def _settings(position: int | None) -> str:
    """Align text to the nearer edge: players squeeze a centred cue near an edge into a narrow column."""
    if position is None:
        return ""
    align = "left" if position < 35 else "right" if position > 65 else "center"
    return f" position:{position}% align:{align}"
