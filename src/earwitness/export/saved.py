"""Results read back from files: everything that can be made of a detection can be made of its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path, PureWindowsPath
from typing import Any

from earwitness.errors import LabelError, one_line
from earwitness.events import FRAME_RATE, EventTable, SoundEvent
from earwitness.export.json_events import Document, Model, read_document, table_of
from earwitness.geometry import DEFAULT_FOV_DEG, View
from earwitness.media.probe import MediaInfo, probe


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A result from a file.

    Attributes:
        table: what sounds in each 100-ms frame.
        model: what found it.
        duration: of the sound, seconds.
        path: the media file, as far as it is known.
        media: where that file lies now, if not at `path`.
        trusted: whether `path` may be opened: a document may come from somebody who would like to see a file of yours.
        sha256: of the media file's contents when it was listened to; None where that is not known.
        has_video: whether that has moving pictures.
        warnings: what speaks against trusting the result.
        settings: everything that was chosen.
        seen: everything that was seen in the pictures; None where nobody looked.
        visual: what looking did to each of `events`, as far as the file says; empty where nobody looked.
    """

    table: EventTable
    model: Model
    duration: float
    path: Path | None = None
    sha256: str | None = None
    has_video: bool = False
    warnings: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Any] | None = None
    visual: tuple[dict[str, Any] | None, ...] = ()
    media: Path | None = None
    trusted: bool = True

    @property
    def events(self) -> list[SoundEvent]:
        """The sounds from start to end, in order of time."""
        return self.table.events()

    @property
    def media_file(self) -> Path | None:
        """The media file, if it is there."""
        file = self.media or (self.path if self.trusted else None)
        return file if file is not None and file.is_file() else None

    @property
    def view(self) -> View:
        """What its pictures show, as far as the file says."""
        fov, seen = self.settings.get("fov"), self.seen or {}
        match seen.get("width"), seen.get("content"):
            case int(width), [int(left), _, int(right), _] if 0 <= left < right <= width:
                share = (right - left) / width
            case _:
                share = 1.0
        if not isinstance(fov, int | float) or not 1 <= fov <= 170:
            fov = DEFAULT_FOV_DEG
        return View(float(fov), share)


def read_result(path: str | Path, media: str | Path | None = None) -> Saved:
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


def _from_json(path: Path, media: str | Path | None) -> Saved:
    document = read_document(path)
    file, has_video = document.source.file, document.source.has_video
    named = None if file is None else Path(file)
    found = None if file is None else _beside(file, path.parent)
    if media is not None:
        named = found = Path(media)
        has_video = _shows(probe(media))
    table = table_of(document, path)
    model = Model(name=one_line(document.model.name), sha256=one_line(document.model.sha256))
    return Saved(
        table, model, document.source.duration, named, document.source.sha256, has_video,
        [one_line(warning) for warning in document.warnings], dict(document.settings), document.visual,
        _visual(document, table), found, trusted=False,
    )  # fmt: skip


def _visual(document: Document, table: EventTable) -> tuple[dict[str, Any] | None, ...]:
    """What looking did to each event of the table; a file that was edited may have its events in another order."""
    known = {
        (event.class_index, event.source, event.track.frames[0]): event.visual
        for event in document.events
        if event.visual is not None and event.track.frames
    }
    if not known:
        return ()
    keys = ((event.sound_class.index, event.source, int(event.table.frame[0])) for event in table.iter_events())
    return tuple(known.get(key) for key in keys)


def _beside(file: str, folder: Path) -> Path | None:
    """The file of this name in a folder; None where there is none, or a link leads out of the folder."""
    beside = folder / PureWindowsPath(file).name  # which takes either slash
    try:
        inside = beside.is_file() and beside.resolve().parent == folder.resolve()
    except (OSError, ValueError):  # no name that a file can have
        return None
    return beside if inside else None


def _from_csv(path: Path, media: str | Path | None) -> Saved:
    from earwitness.data.dcase_csv import CLIP_FRAMES, read_rows

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
    unknown = Model(name="unknown (DCASE CSV)", sha256="")
    file = None if info is None else info.path
    return Saved(table, unknown, duration, file, None, info is None or _shows(info))


def _shows(info: MediaInfo) -> bool:
    return info.video is not None and not info.video.is_still
