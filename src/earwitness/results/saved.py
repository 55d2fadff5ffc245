"""Results read back from files: everything that can be made of a detection can be made of its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from earwitness.core.errors import LabelError
from earwitness.core.events import FRAME_RATE, EventTable, SoundEvent
from earwitness.core.geometry import DEFAULT_FOV_DEG, View
from earwitness.media.containers.probe import MediaInfo, probe
from earwitness.results.document import Document, Model, read_document, table_of


@dataclass(frozen=True, slots=True, eq=False)
class Saved:
    """A result from a file.

    Attributes:
        table: what sounds in each 100-ms frame.
        model: what found it.
        duration: of the sound, seconds.
        path: the media file, as far as it is known.
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

    @property
    def events(self) -> list[SoundEvent]:
        """The sounds from start to end, in order of time."""
        return self.table.events()

    @property
    def media_file(self) -> Path | None:
        """The media file, if it is there."""
        return self.path if self.path is not None and self.path.is_file() else None

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
        media: the video or sound that it belongs to. By default a JSON file's own word is taken, and where that file
            has moved, one of the same name beside the JSON file.

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
    found = None if file is None else _moved(Path(file), path.parent)
    if media is not None:
        found, has_video = Path(media), _shows(probe(media))
    table = table_of(document, path)
    return Saved(
        table, document.model, document.source.duration, found, document.source.sha256, has_video,
        list(document.warnings), dict(document.settings), document.visual, _visual(document, table),
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


def _moved(file: Path, folder: Path) -> Path:
    """The file where it was, or else beside its events."""
    beside = folder / file.name
    return beside if not file.is_file() and beside.is_file() else file


def _from_csv(path: Path, media: str | Path | None) -> Saved:
    from earwitness.data.dcase.labels import CLIP_FRAMES, read_rows

    rows = read_rows(path)
    info = None if media is None else probe(media)
    seconds = 0.0 if info is None else info.duration
    last = int(rows.frame.max()) + 1 if len(rows) else 0
    # A video may be a little shorter than the last label's 100 ms.
    frames = max(last, ceil(seconds * FRAME_RATE)) if seconds else max(last, CLIP_FRAMES)
    table = rows.to_table(frames)
    duration = seconds or table.duration
    unknown = Model(name="unknown (DCASE CSV)", sha256="")
    return Saved(table, unknown, duration, None if info is None else info.path, None, info is None or _shows(info))


def _shows(info: MediaInfo) -> bool:
    return info.video is not None and not info.video.is_still
