"""Reading of saved results; a result read from JSON supports every export of the original."""

from __future__ import annotations

from math import ceil
from pathlib import Path, PureWindowsPath

from earwitness.core.classes.class_files import classes_of
from earwitness.core.errors import LabelError, one_line
from earwitness.core.events import FRAME_RATE
from earwitness.media.containers.probe import probe
from earwitness.results.detection import Detection, EventIntervals, ModelId, has_moving_pictures
from earwitness.results.document import Document, read_document, table_of
from earwitness.results.visual import EventKey, Pictures, SavedVisual


def read_result(path: str | Path, media: str | Path | None = None) -> Detection:
    """Read a result: `NAME.json` as earwitness writes it, or `NAME.csv` in the DCASE2025 format.

    Args:
        path: the file.
        media: the media file that it belongs to; by default a file of the recorded name beside the JSON file. Other
            locations named in the JSON file are not opened: an untrusted result could otherwise include any file of the
            user in a report.

    Raises:
        LabelError: an unknown format, or an invalid file (the message names the key or line).
        MediaError: `media` cannot be read.
    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        return _from_json(path, media)
    if path.suffix.lower() == ".csv":
        return _from_csv(path, media)
    raise LabelError(f"{path}: not a result; name a .json or .csv file")


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
        left_out=tuple(slug for slug in document.vocabulary.slugs if slug in document.classes_left_out),
        intervals={
            EventKey(event.class_index, event.source, event.track.frames[0]): EventIntervals(
                event.azimuth_interval_deg, event.distance_interval_m
            )
            for event in document.events
            if event.track.frames and (event.azimuth_interval_deg or event.distance_interval_m)
        },
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
    """The file of this name in a folder; None if there is none, or if it is a link to another folder."""
    beside = folder / PureWindowsPath(file).name  # accepts both kinds of slash
    try:
        inside = beside.is_file() and beside.resolve().parent == folder.resolve()
    except (OSError, ValueError):  # not a valid file name
        return None
    return beside if inside else None


def _from_csv(path: Path, media: str | Path | None) -> Detection:
    from earwitness.data.dcase.labels import CLIP_FRAMES, read_rows

    rows = read_rows(path, unique=True, vocabulary=classes_of(path.parent))
    info = None if media is None else probe(media)
    seconds = 0.0 if info is None else info.duration
    last = int(rows.frame.max()) + 1 if len(rows) else 0
    # A video may end slightly before the last 100 ms label frame.
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
