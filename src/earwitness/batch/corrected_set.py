"""A training set in the folder layout of DCASE2025 from corrected results and their media files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from hashlib import file_digest
from io import BufferedReader
from itertools import groupby
from pathlib import Path, PureWindowsPath
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.core.classes.class_files import write_classes
from earwitness.core.errors import LabelError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.files.small_files import open_regular
from earwitness.core.geometry import DCASE_CAMERA, View
from earwitness.data.dcase.labels import CLIP_FRAMES, write_table
from earwitness.data.dcase.layout import ClipName
from earwitness.media.containers.sound_tracks import parse_track
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import LAYOUTS, Layout
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.metrics.evaluation import CORRECTED
from earwitness.results.detection import Detection
from earwitness.results.document import read_document
from earwitness.results.saved import read_result

RATE: Final = 24_000
FPS: Final = 30
_CLIP_SECONDS: Final = 5
_LEAST_REST_FRAMES: Final = 10
"""A shorter rest at the end of a file is not worth a clip."""
_FOLDS: Final = {"dev-train": 3, "dev-test": 4}
_ROOMS: Final = 900_000
_FIRST_ROOM: Final = 100_000
"""Numbers of rooms are made from the content of the media file; those of published sets are far smaller."""


@dataclass(frozen=True, slots=True)
class CorrectedSet:
    """Options of a set.

    Attributes:
        out: folder of the set.
        split: name of the split; "dev-train-..." or "dev-test-...".
        video: whether to write pictures.
        unknown_distance: distance of events that have none, metres; None leaves out clips with such events.
    """

    out: Path
    split: str = "dev-train-corrected"
    video: bool = True
    unknown_distance: float | None = None

    def __post_init__(self) -> None:
        """Check the split.

        Raises:
            UsageError: the name of the split has another form.
        """
        if self.split.startswith(tuple(f"{start}-" for start in _FOLDS)) and Path(self.split).name == self.split:
            return
        raise UsageError(f"--split must begin with dev-train- or dev-test-, not '{self.split}'")


@dataclass(slots=True)
class CorrectedReport:
    """What was made.

    Attributes:
        clips: number of clips.
        seconds: length of the media files, seconds.
        without_direction, without_distance: clips left out because of an event without direction or distance.
        uncorrected: names of results without corrections, whose events count as correct.
    """

    clips: int = 0
    seconds: float = 0.0
    without_direction: int = 0
    without_distance: int = 0
    uncorrected: list[str] = field(default_factory=list)


def find_corrected(inputs: Iterable[Path]) -> list[Path]:
    """The results to use: files as named, and those called NAME.corrected.json in and below folders.

    Raises:
        LabelError: an input is missing, or a folder has no corrected results.
    """
    found: list[Path] = []
    for given in inputs:
        if given.is_dir():
            inside = sorted(given.rglob(f"*{CORRECTED}.json"))
            if not inside:
                raise LabelError(f"{given}: no *{CORRECTED}.json; save corrections in the report (Edit, Save)")
            found += inside
        elif given.is_file():
            found.append(given)
        else:
            raise LabelError(f"{given}: no such file or folder")
    return list(dict.fromkeys(found))


def make_corrected_set(
    results: Sequence[Path],
    media: Sequence[Path],
    job: CorrectedSet,
    progress: Callable[[int, int], None] | None = None,
) -> CorrectedReport:
    """Write clips of 5 s with the labels of corrected results.

    The sound is read as it was for the detection (track, exchanged channels). Pictures are scaled to the geometry of
    DCASE2025 clips, a field of view of 100 degrees on 640x360, with black around narrower ones. Labels are written
    last, so that a clip with labels is complete. Clips that exist are replaced.

    Args:
        results: results as JSON.
        media: media files, or folders with them; by default a media file is expected beside its result.
        job: options of the set.
        progress: called with the numbers of finished and of all results.

    Raises:
        LabelError: a result cannot be read, its media file is missing or another one, or the set has other classes.
        MediaError: a media file cannot be read, or is mono.
    """
    report = CorrectedReport()
    for number, path in enumerate(results):
        result = _with_media(path, media)
        try:
            write_classes(job.out, result.table.vocabulary, job.out / "metadata_dev" / job.split)
        except LabelError as error:
            raise LabelError(f"{path}: {error}") from None
        if not result.settings.get("corrections"):
            report.uncorrected.append(path.name)
        _make_clips(result, job, report)
        if progress is not None:
            progress(number + 1, len(results))
    return report


def _with_media(path: Path, media: Sequence[Path]) -> Detection:
    """A result with its media file.

    Raises:
        LabelError: the media file was not found, or is another one.
    """
    document = read_document(path)
    name = PureWindowsPath(document.source.file or "").name
    places = [place / name if place.is_dir() else place for place in media]
    found = next((place for place in places if name and place.name == name and place.is_file()), None)
    if found is None and len(media) == 1 and media[0].is_file():
        found = media[0]
    result = read_result(path, found) if found is not None else read_result(path)
    if result.media_file is None:
        raise LabelError(
            f"{path}: its media file '{name or 'unknown'}' was not found; name it or its folder by --media"
        )
    if document.source.sha256 is not None and _digest(result.media_file) != document.source.sha256:
        raise LabelError(
            f"{path}: {result.media_file} is not the file that was analysed; name the right one by --media"
        )
    return result


def _digest(path: Path) -> str:
    with open_regular(path, LabelError) as file:
        return file_digest(cast("BufferedReader", file), "sha256").hexdigest()


def _make_clips(result: Detection, job: CorrectedSet, report: CorrectedReport) -> None:
    path = result.media_file
    assert path is not None
    fold = next(fold for start, fold in _FOLDS.items() if job.split.startswith(start))
    room = _FIRST_ROOM + int(_digest(path)[:12], 16) % _ROOMS
    table = result.table
    if job.unknown_distance is not None:
        table = table.with_columns(distance=np.where(np.isnan(table.distance), job.unknown_distance, table.distance))
    usable: dict[int, EventTable] = {}
    for start in _starts(table.num_frames):
        part = table.window(start, start + CLIP_FRAMES)
        if np.isnan(part.azimuth).any():
            report.without_direction += 1
        elif np.isnan(part.distance).any():
            report.without_distance += 1
        else:
            usable[start] = part
    names = {start: str(ClipName(fold, room, 1, 0, start)) for start in usable}
    for start, sound in _sounds(result, path, usable):
        write_wav(job.out / "stereo_dev" / job.split / f"{names[start]}.wav", sound, RATE)
    if job.video and result.has_video:
        targets = {start: job.out / "video_dev" / job.split / f"{name}.mp4" for start, name in names.items()}
        _write_pictures(path, result.view, targets)
    for start, part in usable.items():
        write_table(job.out / "metadata_dev" / job.split / f"{names[start]}.csv", part)
    report.clips += len(usable)
    report.seconds += result.duration


def _starts(frames: int) -> list[int]:
    """First frames of the clips of a file, one after the other; the last one may extend beyond its end."""
    rest = frames % CLIP_FRAMES
    whole = frames - rest
    return list(range(0, whole + (CLIP_FRAMES if rest >= _LEAST_REST_FRAMES or not whole else 0), CLIP_FRAMES))


def _sounds(result: Detection, path: Path, starts: Iterable[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the sound (2, samples) of each clip; beyond the end it is silent."""
    settings = result.settings
    layout: Layout = next((one for one in LAYOUTS if one == settings.get("layout")), "auto")
    reader = AudioReader(
        path, RATE, track=parse_track(str(settings.get("track", "auto"))), layout=layout,
        swap=settings.get("swap_channels") is True,
    )  # fmt: skip
    length, held = _CLIP_SECONDS * RATE, np.zeros((2, 0), np.float32)
    wanted, blocks = set(starts), iter(reader)
    for start in range(0, max(wanted, default=-1) + 1, CLIP_FRAMES):
        parts, known = [held], held.shape[1]
        while known < length and (block := next(blocks, None)) is not None:
            parts.append(block)
            known += block.shape[1]
        joined = np.concatenate(parts, axis=1)
        sound, held = joined[:, :length], joined[:, length:]
        if start in wanted:
            yield start, np.pad(sound, ((0, 0), (0, length - sound.shape[1])))


def _write_pictures(path: Path, view: View, targets: dict[int, Path]) -> None:
    """Write the pictures of clips; the last picture is held to the end of its clip."""
    reader, of_clip = PictureReader(path, fps=FPS), FPS * _CLIP_SECONDS
    place = _Placement(reader.width, reader.height, view)
    for clip, pictures in groupby(enumerate(reader), key=lambda item: item[0] // of_clip):
        target = targets.get(clip * CLIP_FRAMES)
        if target is None:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with MediaWriter(target, DCASE_CAMERA.width, DCASE_CAMERA.height, Fraction(FPS)) as writer:
            following = iter(pictures)
            _, shown = next(following)  # a group has at least one
            for number in range(of_clip):
                if number:
                    _, shown = next(following, (number, shown))
                writer.write_frame(place(shown.rgb), number / FPS, 1 / FPS)


class _Placement:
    """Scales pictures to the geometry of DCASE2025: columns stand for the same directions."""

    def __init__(self, width: int, height: int, view: View) -> None:
        """Prepare for pictures of `width` x `height` pixels."""
        share = np.tan(np.radians(view.whole_fov / 2)) / np.tan(np.radians(DCASE_CAMERA.horizontal_fov_deg / 2))
        self._size = (
            max(1, round(DCASE_CAMERA.width * share)),
            max(1, round(DCASE_CAMERA.width * share * height / width)),
        )
        self._corner = (DCASE_CAMERA.width - self._size[0]) // 2, (DCASE_CAMERA.height - self._size[1]) // 2

    def __call__(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture as (360, 640, 3), black around it or cut off at its edges."""
        canvas = Image.new("RGB", (DCASE_CAMERA.width, DCASE_CAMERA.height))
        canvas.paste(Image.fromarray(rgb).resize(self._size, Image.Resampling.BILINEAR), self._corner)
        return np.asarray(canvas)
