"""The report page: style, program and data in one file that works offline."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import EncodingError, MediaError
from earwitness.core.files.atomic import atomic_file
from earwitness.media.containers.probe import MediaInfo, probe
from earwitness.render.report.player import Media, Player, player_media
from earwitness.render.report.report_data import EVENTS, event_values, examine, page_data
from earwitness.render.report.spectrogram import png, spectrogram
from earwitness.results.json_stream import document_pieces

if TYPE_CHECKING:
    from earwitness.results.detection import Detection


_PROGRAM: Final = (
    "base", "values", "words", "tracks", "objects", "player", "placement", "marks", "radar", "timeline", "table",
    "card", "moment", "about", "edits", "voices", "schedule", "caption_files", "annotation_files", "editing_files",
    "result_files", "saving", "editor", "controls", "start",
)  # fmt: skip
"""Parts of the page's script; each depends on those before it."""
_MARK: Final = re.compile(r"(\{\{[a-z-]+\}\})")


def write_report(result: Detection, target: str | Path, fov: float | None = None, player: Player = "auto") -> Path:
    """Write the report of a result; see `report_pieces`.

    Returns:
        `target`.
    """
    target = Path(target)
    pieces = report_pieces(result, target, fov, player)
    with atomic_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(pieces)
    return target


def report_html(result: Detection, target: Path, fov: float | None = None, player: Player = "auto") -> str:
    """Return the page of `report_pieces` as one text."""
    return "".join(report_pieces(result, target, fov, player))


def report_pieces(result: Detection, target: Path, fov: float | None = None, player: Player = "auto") -> Iterator[str]:
    """Yield the report for the path `target`, piece by piece.

    The page makes no network requests; its content security policy forbids them. Without a media file, or if only a
    saved result names its path, the page has no player, spectrogram and recording checks, and says so.

    Args:
        result: the detection.
        target: path of the page; the address of a linked video is relative to it.
        fov: horizontal field of view of the camera, degrees, which positions the marks; by default the result's own.
        player: media of the report: embedded, linked, embedded if small, or none.

    Raises:
        MediaError: the media file exists, but cannot be read.
        EncodingError: the field of view is not within 1..170.
    """
    view = result.view_with(fov)
    if not 1 <= view.fov <= 170:
        raise EncodingError(f"a horizontal field of view of {view.fov} degrees is not possible; give 1..170")
    info = None if result.media_file is None else probe(result.media_file)
    data = page_data(result, view, *examine(None if info is None else info.path))
    media = player_media(info, target, player)
    data |= {"media": {"kind": media.kind, "how": media.how, "type": media.type, "note": media.note}}
    data |= {"link": media.source if media.how == "link" else "", "strip": _strip(info)}
    if info is not None and info.video is not None and media.kind == "video":
        data |= {"size": [info.video.width, info.video.height]}
    return _assembled(data, result, media)


def _strip(info: MediaInfo | None) -> str:
    if info is None or info.audio is None:
        return ""
    try:
        picture = spectrogram(info.path)
    except MediaError:  # the diagnosis already reports the problem
        return ""
    return "data:image/png;base64," + b64encode(png(picture)).decode("ascii")


def _assembled(data: dict[str, Any], result: Detection, media: Media) -> Iterator[str]:
    parts = files("earwitness") / "assets" / "report"
    where = "blob:" if media.how != "link" else "blob: 'self' file:"
    values = document_pieces(data, {EVENTS: event_values(result)}, indent=None)
    filled: dict[str, Iterable[str]] = {
        "{{title}}": [escape(f"{data['file'] or 'Sound events'} · earwitness")],
        "{{media-source}}": [where],
        "{{style}}": [(parts / "report.css").read_text(encoding="utf-8")],
        "{{program}}": [(parts / "program" / f"{name}.js").read_text(encoding="utf-8") for name in _PROGRAM],
        # Data must not close the surrounding script element.
        "{{data}}": (piece.replace("<", "\\u003c") for piece in values),
        "{{media}}": [media.source if media.how == "embed" else ""],
    }
    for piece in _MARK.split((parts / "report.html").read_text(encoding="utf-8")):
        yield from filled.get(piece, [piece])
