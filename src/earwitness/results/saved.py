"""Results read back from files: everything that can be made of a detection can be made of its JSON."""

from __future__ import annotations

from math import ceil
from pathlib import Path, PureWindowsPath

from earwitness.core.errors import LabelError, one_line
from earwitness.core.events import FRAME_RATE
from earwitness.media.containers.probe import probe
from earwitness.results.detection import Detection, ModelId, has_moving_pictures
from earwitness.results.document import Document, read_document, table_of
from earwitness.results.visual import EventKey, Pictures, SavedVisual


def read_result(path: str | Path, media: str | Path | None = None) -> Detection:
    """Read a result: `NAME.json` as earwitness writes it, or `NAME.csv` in the DCASE2025 format.

    Args:
        path: the file.
        media: the video or sound that it belongs to; by default a file beside the JSON file, of the name that it
            gives. A JSON file's own word is not taken for any other place: it may come from somebody who would like to
            have a file of yours in a report.

    Raises:
        LabelError: neither format, or broken (says which key or line).
        MediaError: `media` was named and cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        return _from_json(path, media)
    if path.suffix.lower() == ".csv":
        return _from_csv(path, media)
    raise LabelError(f"{path}: events come as .json or .csv; this is neither")


def _from_json(path: Path, media: str | Path | None) -> Detection:
    document = read_document(path)
    file, has_video = document.source.file, document.source.has_video
    named = None if file is None else Path(file)
    found = None if file is None else _beside(file, path.parent)
    if media is not None:
        named = found = Path(media)
        has_video = has_moving_pictures(probe(media))
    return Detection(
        table_of(document, path),
        ModelId(one_line(document.model.name), one_line(document.model.sha256)),
        duration=document.source.duration,
        path=named,
        media=found,
        trusted=False,
        has_video=has_video,
        sha256=document.source.sha256,
        warnings=[one_line(warning) for warning in document.warnings],
        settings=dict(document.settings),
        visual=_visual(document),
    )


def _visual(document: Document) -> SavedVisual | None:
    events = {
        EventKey(event.class_index, event.source, event.track.frames[0]): event.visual
        for event in document.events
        if event.visual is not None and event.track.frames
    }
    if document.visual is None and not events:
        return None
    return SavedVisual(document.visual or Pictures(), events)


def _beside(file: str, folder: Path) -> Path | None:
    """The file of this name in a folder; None where there is none, or a link leads out of the folder."""
    beside = folder / PureWindowsPath(file).name  # which takes either slash
    try:
        inside = beside.is_file() and beside.resolve().parent == folder.resolve()
    except (OSError, ValueError):  # no name that a file can have
        return None
    return beside if inside else None


def _from_csv(path: Path, media: str | Path | None) -> Detection:
    from earwitness.data.dcase.labels import CLIP_FRAMES, read_rows

    rows = read_rows(path, unique=True)
    info = None if media is None else probe(media)
    seconds = 0.0 if info is None else info.duration
    last = int(rows.frame.max()) + 1 if len(rows) else 0
    # A video may be a little shorter than the last label's 100 ms.
    frames = max(last, ceil(seconds * FRAME_RATE)) if seconds else max(last, CLIP_FRAMES)
    try:
        table = rows.to_table(frames)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from None
    duration = seconds or table.duration
    unknown = ModelId(name="unknown (DCASE CSV)", sha256="")
    if info is None:
        return Detection(table, unknown, duration, has_video=True)
    return Detection(table, unknown, duration, path=info.path, has_video=has_moving_pictures(info))
