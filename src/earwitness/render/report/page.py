"""The page itself: style, program and data in one file that opens without a network."""

from __future__ import annotations

import json
from base64 import b64encode
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earwitness.errors import EncodingError, MediaError
from earwitness.export.formats import Player
from earwitness.media.atomic import atomic_file
from earwitness.media.probe import MediaInfo, probe
from earwitness.render.report.data import examine, page_data
from earwitness.render.report.player import Media, player_media
from earwitness.render.report.strip import png, spectrogram

if TYPE_CHECKING:
    from earwitness.export.result import Result


def write_report(result: Result, target: str | Path, fov: float = 100.0, player: Player = "auto") -> Path:
    """Write the report of a result; see `report_html`.

    Returns:
        `target`.
    """
    target = Path(target)
    page = report_html(result, target, fov, player)
    with atomic_file(target) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return target


def report_html(result: Result, target: Path, fov: float = 100.0, player: Player = "auto") -> str:
    """Make the report that will lie at `target`.

    The page asks no network for anything (its content security policy forbids it). Where the media file is not there,
    player, spectrogram and the doctor's findings are left out, and the page says so.

    Args:
        result: what was found.
        target: where the page will lie; a linked video's address is relative to it.
        fov: horizontal field of view of the camera, degrees; places the marks.
        player: video or sound inside the page, beside it, inside if it is small, or not at all.

    Raises:
        MediaError: the media file is there, but cannot be read.
        EncodingError: an impossible field of view.
    """
    if not 1 <= fov <= 170:
        raise EncodingError(f"a horizontal field of view of {fov} degrees is not possible; give 1..170")
    info = probe(result.path) if result.path is not None and result.path.is_file() else None
    data = page_data(result, fov, *examine(None if info is None else info.path))
    media = player_media(info, target, player)
    data |= {"media": {"kind": media.kind, "how": media.how, "type": media.type, "note": media.note}}
    data |= {"link": media.source if media.how == "link" else "", "strip": _strip(info)}
    if info is not None and info.video is not None and media.kind == "video":
        data |= {"size": [info.video.width, info.video.height]}
    return _assembled(data, media, f"{data['file'] or 'Sound events'} · earwitness")


def _strip(info: MediaInfo | None) -> str:
    if info is None or info.audio is None:
        return ""
    try:
        picture = spectrogram(info.path)
    except MediaError:  # the doctor has said what is wrong with it
        return ""
    return "data:image/png;base64," + b64encode(png(picture)).decode("ascii")


def _assembled(data: dict[str, Any], media: Media, title: str) -> str:
    parts = files("earwitness") / "assets" / "report"
    page = (parts / "report.html").read_text(encoding="utf-8")
    where = "blob:" if media.how != "link" else "blob: 'self' file:"
    filled = {
        "{{title}}": escape(title),
        "{{media-source}}": where,
        "{{style}}": (parts / "report.css").read_text(encoding="utf-8"),
        "{{program}}": (parts / "report.js").read_text(encoding="utf-8"),
        "{{data}}": json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
        "{{media}}": media.source if media.how == "embed" else "",
    }
    # Each mark is replaced where it stands in the template, never in what was filled in.
    pieces = [page]
    for mark, text in filled.items():
        pieces = [part for piece in pieces for part in _split(piece, mark, text)]
    return "".join(pieces)


class _Filled(str):
    """Text that is done."""


def _split(piece: str, mark: str, text: str) -> list[str]:
    if isinstance(piece, _Filled) or mark not in piece:
        return [piece]
    before, _, after = piece.partition(mark)
    return [before, _Filled(text), *_split(after, mark, text)]
