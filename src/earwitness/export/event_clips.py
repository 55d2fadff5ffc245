"""A piece of the recording for each event, with a table of them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from earwitness.core.errors import EncodingError, NoVideoError, UnreadableMediaError, one_line
from earwitness.core.files.atomic import atomic_file
from earwitness.media.containers.sound_tracks import parse_track
from earwitness.media.cutting import Cut, cut_sound, cut_video

if TYPE_CHECKING:
    from earwitness.core.events import SoundEvent
    from earwitness.results.detection import Detection

ClipKind = Literal["auto", "sound", "video"]
CLIP_KINDS: Final[tuple[ClipKind, ...]] = ("auto", "sound", "video")
INDEX_SUFFIX: Final = ".clips.csv"
FOLDER_SUFFIX: Final = ".clips"
COLUMNS: Final = ("clip", "start_s", "end_s", "class", "name", "events", "azimuth_deg", "distance_m", "score")
_LONGEST_STEM: Final = 80
_UNSAFE: Final = re.compile(r"[^\w-]+")


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How clips are cut.

    Attributes:
        kind: sound (WAV), video (MP4), or video where the recording has pictures.
        padding: seconds before and after each event.
        merge: events of one class that are not further apart, seconds, share a clip.
    """

    kind: ClipKind = "auto"
    padding: float = 0.5
    merge: float = 0.0


@dataclass(slots=True)
class EventClip:
    """A clip to cut.

    Attributes:
        start, end: seconds, with padding.
        events: the events in it, all of one class.
    """

    start: float
    end: float
    events: list[SoundEvent] = field(default_factory=list)


def plan_clips(result: Detection, settings: ClipSettings) -> list[EventClip]:
    """Return the clips of a result in order of time; padded events of one class that overlap share a clip."""
    end = max(result.duration, 0.1)
    last: dict[int, EventClip] = {}
    clips: list[EventClip] = []
    for event in result.table.iter_events():
        start, stop = max(0.0, event.start - settings.padding), min(end, event.end + settings.padding)
        before = last.get(event.sound_class.index)
        together = before is not None and event.start - settings.merge <= before.events[-1].end
        if before is not None and (together or start <= before.end):
            before.end = max(before.end, stop)
            before.events.append(event)
        elif stop > start:
            clips.append(EventClip(start, stop, [event]))
            last[event.sound_class.index] = clips[-1]
    return clips


def write_clips(result: Detection, target: Path, settings: ClipSettings | None = None) -> Path:
    """Cut the clips of a result into the folder `<target>.clips`, and list them in `<target>.clips.csv`.

    Clips of an earlier run that the list names are replaced; other files of the folder are not touched.

    Args:
        result: the events and their recording.
        target: path without suffix.
        settings: how clips are cut.

    Returns:
        The list.

    Raises:
        UnreadableMediaError: the recording was not found, or cannot be read.
        NoVideoError: video was asked for, and there is none.
        EncodingError: a file cannot be written.
    """
    settings = settings or ClipSettings()
    source = result.media_file
    if source is None:
        raise UnreadableMediaError(f"{result.path or target}: the recording was not found; name it with --media FILE")
    is_video = settings.kind == "video" or (settings.kind == "auto" and result.has_video)
    if is_video and not result.has_video:
        raise NoVideoError(f"{source}: has no moving pictures; ask for clips of sound")
    folder = target.with_name(target.name + FOLDER_SUFFIX)
    index = target.with_name(target.name + INDEX_SUFFIX)
    _clear(folder, index)
    stem = _UNSAFE.sub("_", target.name)[:_LONGEST_STEM].strip("_-") or "clip"
    found = plan_clips(result, settings)
    suffix = ".mp4" if is_video else ".wav"
    cuts = [
        Cut(clip.start, clip.end, folder / f"{stem}_{number:04d}_{clip.start:.1f}s_{_slug(clip)}{suffix}")
        for number, clip in enumerate(found, start=1)
    ]
    track = parse_track(str(result.settings.get("track", "auto")))
    (cut_video if is_video else cut_sound)(source, cuts, track)
    written = [(cut, clip) for cut, clip in zip(cuts, found, strict=True) if cut.path.exists()]
    with atomic_file(index) as temporary:
        temporary.write_text(_table(written), encoding="utf-8")
    return index


def is_clip(path: Path) -> bool:
    """Whether a media file is a clip that `write_clips` has cut."""
    folder = path.parent
    return folder.name.endswith(FOLDER_SUFFIX) and folder.with_name(f"{folder.name}.csv").is_file()


def _slug(clip: EventClip) -> str:
    return _UNSAFE.sub("_", clip.events[0].sound_class.slug)[:_LONGEST_STEM] or "event"


def _clear(folder: Path, index: Path) -> None:
    """Delete the clips that the list of an earlier run names."""
    if folder.exists() and not folder.is_dir():
        raise EncodingError(f"{folder}: is a file, not a folder; move it")
    if index.is_file() and folder.is_dir():
        for row in csv.DictReader(StringIO(index.read_text(encoding="utf-8", errors="replace"))):
            old = folder / Path(row.get("clip") or "").name
            if old.suffix in (".mp4", ".wav") and old.is_file():
                old.unlink()
        index.unlink()


def _table(written: list[tuple[Cut, EventClip]]) -> str:
    sink = StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cut, clip in written:
        longest = max(clip.events, key=lambda event: event.end - event.start)
        azimuth = "" if longest.azimuth != longest.azimuth else f"{longest.azimuth:.1f}"
        distance = "" if longest.distance != longest.distance else f"{longest.distance:.2f}"
        kind = longest.sound_class
        writer.writerow([
            f"{cut.path.parent.name}/{cut.path.name}", f"{cut.start:.3f}", f"{cut.end:.3f}", kind.slug,
            one_line(kind.name), len(clip.events), azimuth, distance, f"{longest.score:.3f}",
        ])  # fmt: skip
    return sink.getvalue()
