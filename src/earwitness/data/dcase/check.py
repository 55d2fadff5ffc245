"""Checks a DCASE2025 data set for problems that would impair training or scoring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

import numpy as np

from earwitness.core.errors import EarwitnessError, LabelError
from earwitness.core.events import FRAME_SECONDS
from earwitness.core.isolation import limits_for
from earwitness.core.vocabulary import DCASE2025
from earwitness.data.clips import same_clips
from earwitness.data.dcase.labels import CLIP_FRAMES, METRES_BELOW_CM, LabelRows, are_metres, read_rows
from earwitness.data.dcase.layout import Clip, DcaseFolder, scan
from earwitness.media.containers.container import PacketSource, open_media, picture_stream
from earwitness.media.containers.probe import probe
from earwitness.media.sound.wav import read_pcm, wav_info

Kind = Literal["missing", "mispaired", "malformed", "out of range", "format", "clipped", "silent", "leak", "suspicious"]
RATE: Final = 24_000
PICTURE_SIZE: Final = (640, 360)
MAX_STEREO_AZIMUTH: Final = 90
WIDEST_ONSCREEN_DEG: Final = 51
"""Largest azimuth of a source in a picture 100 degrees wide; see `geometry.Camera.sees`."""
SILENT_PEAK: Final = 1e-4
CLIPPED_SAMPLES: Final = 4
"""Minimum run of samples at full scale that counts as clipping; fewer can be the peak of a loud sound."""
_FULL_SCALE: Final = 32767 / 32768
_SPLIT_FOLDS: Final = (("dev-train-synth", 1), ("dev-train", 3), ("dev-test", 4))


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem.

    Attributes:
        kind: kind of problem.
        where: file or folder, relative to the data set.
        what: description, and what to do.
    """

    kind: Kind
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class ClipReport:
    """Report on the files of one clip; `rows` is None if labels are missing or damaged."""

    clip: Clip
    seconds: float
    rows: LabelRows | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class SetReport:
    """Report on a data set.

    Attributes:
        folder: files of the data set.
        clips: report on each clip, in the order of the folder.
        problems: all problems, sorted.
    """

    folder: DcaseFolder
    clips: tuple[ClipReport, ...]
    problems: tuple[Problem, ...]


def check(
    root: Path | str, workers: int = 1, progress: Callable[[int, int], None] | None = None, frames: int = CLIP_FRAMES
) -> SetReport:
    """Open and check every file of a data set.

    Args:
        root: folder of the data set.
        workers: number of processes.
        progress: called with (clips done, number of clips).
        frames: length of a clip in 100-ms frames.

    Raises:
        LabelError: `root` is not such a data set.
    """
    folder = scan(root)
    parts = {(clip.split, part) for clip in folder.clips for part in ("labels", "picture") if getattr(clip, part)}
    reports: list[ClipReport] = []
    for report in _each(partial(_check_clip, folder.root, parts, frames), folder.clips, workers):
        reports.append(report)
        if progress:
            progress(len(reports), len(folder.clips))
    problems = [problem for report in reports for problem in report.problems]
    problems += _check_set(folder, parts, reports)
    return SetReport(folder, tuple(reports), tuple(sorted(problems)))


def _each(work: Callable[[Clip], ClipReport], clips: tuple[Clip, ...], workers: int) -> Iterator[ClipReport]:
    if workers <= 1:
        yield from map(work, clips)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        yield from executor.map(work, clips, chunksize=max(1, min(64, len(clips) // (4 * workers))))


def _check_clip(root: Path, parts: set[tuple[str, str]], frames: int, clip: Clip) -> ClipReport:
    problems: list[Problem] = []

    def report(kind: Kind, path: Path | None, what: str) -> None:
        problems.append(Problem(kind, str(path.relative_to(root)) if path else f"{clip.split}/{clip.name}", what))

    def without_path(error: EarwitnessError, path: Path) -> str:
        return str(error).removeprefix(str(path)).lstrip(":, ")

    seconds, rows = 0.0, None
    _check_pairing(clip, parts, report)
    if clip.sound:
        try:
            seconds = _check_sound(clip.sound, frames, report)
        except EarwitnessError as error:
            report("malformed", clip.sound, without_path(error, clip.sound))
    if clip.labels:
        try:
            rows = read_rows(clip.labels, num_frames=frames, unique=True, vocabulary=clip.vocabulary)
            _check_labels(clip.labels, rows, report)
        except LabelError as error:
            what = without_path(error, clip.labels)
            report("out of range" if " must " in what and "header" not in what else "malformed", clip.labels, what)
    if clip.picture:
        try:
            with limits_for(clip.picture):
                _check_picture(clip.picture, frames * FRAME_SECONDS, report)
        except EarwitnessError as error:
            report("malformed", clip.picture, without_path(error, clip.picture))
    return ClipReport(clip, seconds, rows, tuple(problems))


_Report = Callable[[Kind, Path | None, str], None]


def _check_pairing(clip: Clip, parts: set[tuple[str, str]], report: _Report) -> None:
    if clip.sound is None:
        for path in (clip.labels, clip.picture):
            if path is not None:
                report("mispaired", path, "no sound of this name in the split; copy the .wav or delete this file")
        return
    # If the whole split has no such files (a set without pictures), the problem is reported once, not for each clip.
    if clip.labels is None and (clip.split, "labels") in parts:
        report("missing", clip.sound, "has no labels, while other clips of the split do; a silent clip needs a header")
    if clip.picture is None and (clip.split, "picture") in parts:
        report("missing", clip.sound, "has no picture, while other clips of the split do")
    expected = next((fold for prefix, fold in _SPLIT_FOLDS if clip.split.startswith(prefix)), None)
    if expected is None:
        return
    name = clip.parsed
    if name is None:
        report("malformed", clip.sound, "is not named fold_room_mix_deg_start, so its room is unknown")
    elif name.fold != expected:
        report("leak", clip.sound, f"belongs to fold {name.fold}, but {clip.split} contains fold {expected}")


def _check_sound(path: Path, frames: int, report: _Report) -> float:
    info = wav_info(path)
    if (info.rate, info.channels) != (RATE, 2):
        report("format", path, f"is {info.rate} Hz with {info.channels} channels, expected {RATE} Hz stereo")
    if info.samples != round(frames * FRAME_SECONDS * info.rate):
        report("format", path, f"lasts {info.seconds:.3f} s, expected {frames * FRAME_SECONDS:g} s")
    if not info.samples:
        return 0.0
    sound = read_pcm(path)
    level = np.abs(sound)
    if level.max() < SILENT_PEAK:
        report("silent", path, f"its peak is {level.max():.1e}")
    elif info.channels == 2 and np.array_equal(sound[0], sound[1]):
        report("suspicious", path, "both channels are identical, so it has no direction; was it converted from mono?")
    if _longest_run(level >= _FULL_SCALE) >= CLIPPED_SAMPLES:
        share = float((level >= _FULL_SCALE).mean())
        report("clipped", path, f"{share:.2%} of its samples are at full scale; create it again at a lower level")
    return info.seconds


def _longest_run(marked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Length of the longest run of True along the last axis."""
    if not marked.any():
        return 0
    edges = np.diff(np.pad(marked.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    # Starts and ends of runs alternate within each channel.
    return int((np.flatnonzero(edges.ravel() == -1) - np.flatnonzero(edges.ravel() == 1)).max())


def _check_labels(path: Path, rows: LabelRows, report: _Report) -> None:
    def first(bad: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], kind: Kind, what: Callable[[int], str]) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            more = f" (and {int(bad.sum()) - 1} more rows)" if bad.sum() > 1 else ""
            report(kind, path, f"row {row + 1}: {what(row)}{more}")

    azimuth, distance = rows.azimuth, rows.distance_cm
    beyond = np.abs(azimuth) > MAX_STEREO_AZIMUTH
    first(beyond, "out of range", lambda row: f"azimuth {azimuth[row]:g} must lie in -90..90 in stereo labels")
    first(
        (azimuth % 1 != 0) | (distance % 1 != 0), "malformed",
        lambda row: f"azimuth {azimuth[row]:g} and distance {distance[row]:g} must be whole degrees and centimetres",
    )  # fmt: skip
    first(distance == 0, "out of range", lambda row: "distance is 0 cm, which has no relative error")
    first(
        rows.onscreen & (np.abs(azimuth) > WIDEST_ONSCREEN_DEG) & ~beyond, "out of range",
        lambda row: f"is on screen at azimuth {azimuth[row]:g}, outside a picture 100 degrees wide",
    )  # fmt: skip


def _check_picture(path: Path, seconds: float, report: _Report) -> None:
    video = probe(path).video
    if video is None:
        report("malformed", path, "has no video track")
        return
    if (video.width, video.height) != PICTURE_SIZE:
        report("format", path, f"is {video.width}x{video.height}, expected {PICTURE_SIZE[0]}x{PICTURE_SIZE[1]}")
    if video.duration is not None and abs(video.duration - seconds) > FRAME_SECONDS:
        report("format", path, f"lasts {video.duration:.2f} s, expected {seconds:g} s")
    with open_media(path) as container:
        stream = picture_stream(container)
        assert stream is not None
        declared, there = stream.frames, sum(1 for packet in PacketSource(container, stream).packets() if packet.size)
    # A truncated file whose index comes first can be opened, and declares the complete number of pictures.
    if there < declared:
        report("malformed", path, f"is truncated: it has {there} of {declared} pictures; copy it again")


def _check_set(folder: DcaseFolder, parts: set[tuple[str, str]], reports: list[ClipReport]) -> Iterator[Problem]:
    for path in folder.strays:
        yield Problem("mispaired", str(path.relative_to(folder.root)), "belongs to no clip: wrong folder or suffix")
    for split in folder.splits:
        if split.startswith("dev") and (split, "labels") not in parts:
            yield Problem("missing", f"metadata_dev/{split}", "no labels for this split at all")
    for name, count in Counter(clip.name for clip in folder.clips).items():
        if count > 1:
            splits = ", ".join(clip.split for clip in folder.clips if clip.name == name)
            yield Problem("leak", name, f"is in {count} splits ({splits}); a clip must be in one split only")
    yield from _shared_rooms(folder)
    yield from _shared_sound(folder)
    for split in folder.splits:
        distances = LabelRows.concatenate(
            report.rows for report in reports if report.rows is not None and report.clip.split == split
        ).distance_cm
        if are_metres(distances):
            what = f"half of the distances are below {METRES_BELOW_CM} cm: they seem to be metres, not centimetres"
            yield Problem("suspicious", f"metadata_dev/{split}", what)


def _shared_rooms(folder: DcaseFolder) -> Iterator[Problem]:
    """Rooms of real recordings that occur in both training and test splits."""
    rooms: dict[str, set[int]] = {"dev-train": set(), "dev-test": set()}
    for clip in folder.clips:
        name, kind = clip.parsed, "-".join(clip.split.split("-")[:2])
        if name is not None and kind in rooms and not clip.split.startswith("dev-train-synth"):
            rooms[kind].add(name.room)
    for room in sorted(rooms["dev-train"] & rooms["dev-test"]):
        yield Problem("leak", f"room {room}", "is in training and test; scores on it would be too high")


def _shared_sound(folder: DcaseFolder) -> Iterator[Problem]:
    """Clips of the test splits whose sound occurs in training under another name; equal names are reported already."""
    train, test = (
        [clip for clip in folder.clips if clip.split.startswith(f"dev-{part}")] for part in ("train", "test")
    )
    for one, other in same_clips(train, test):
        if one.name != other.name:
            yield Problem("leak", other.id, f"has the same sound as {one.id}; scores on it would be too high")


def label_statistics(rows: list[LabelRows], frames: int = CLIP_FRAMES) -> dict[str, list[int]]:
    """Label counts over many clips.

    Returns:
        frames, onscreen: (classes,) labelled frames of each class, and those on screen.
        clips: (classes,) number of clips with each class.
        polyphony: (7,) frames with 0 to 5, and with 6 or more, simultaneous events.
    """
    classes = len(rows[0].vocabulary if rows else DCASE2025)
    labelled, onscreen, clips = (np.zeros(classes, dtype=np.int64) for _ in range(3))
    polyphony = np.zeros(7, dtype=np.int64)
    for part in rows:
        labelled += np.bincount(part.class_index, minlength=classes)
        onscreen += np.bincount(part.class_index[part.onscreen], minlength=classes)
        clips[np.unique(part.class_index)] += 1
        events = np.minimum(np.bincount(part.frame, minlength=frames)[:frames], 6)
        polyphony += np.bincount(events, minlength=7)
    return {
        "frames": labelled.tolist(), "onscreen": onscreen.tolist(), "clips": clips.tolist(),
        "polyphony": polyphony.tolist(),
    }  # fmt: skip
