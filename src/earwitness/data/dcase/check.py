"""Checks a DCASE2025 data set: what is there, and everything about it that would spoil training or scoring."""

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
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.data.dcase.labels import CLIP_FRAMES, METRES_BELOW_CM, LabelRows, are_metres, read_rows
from earwitness.data.dcase.layout import Clip, DcaseFolder, scan
from earwitness.data.same_sound import same_clips
from earwitness.media.containers.container import PacketSource, open_media, picture_stream
from earwitness.media.containers.probe import probe
from earwitness.media.sound.pcm import read_pcm, wav_info

Kind = Literal["missing", "mispaired", "malformed", "out of range", "format", "clipped", "silent", "leak", "suspicious"]
RATE: Final = 24_000
PICTURE_SIZE: Final = (640, 360)
MAX_STEREO_AZIMUTH: Final = 90
WIDEST_ONSCREEN_DEG: Final = 51
"""Beyond it no source is in a picture 100 degrees wide; see `geometry.Camera.sees`."""
SILENT_PEAK: Final = 1e-4
CLIPPED_SAMPLES: Final = 4
"""So many samples in a row at full scale are clipping; fewer can be a loud sound's own peak."""
_FULL_SCALE: Final = 32767 / 32768
_SPLIT_FOLDS: Final = (("dev-train-synth", 1), ("dev-train", 3), ("dev-test", 4))


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong.

    Attributes:
        kind: what sort of damage.
        where: file or folder, relative to the data set.
        what: what is wrong, and what to do.
    """

    kind: Kind
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class ClipReport:
    """What the files of one clip hold; labels None where they are missing or damaged."""

    clip: Clip
    seconds: float
    rows: LabelRows | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class SetReport:
    """What a data set holds.

    Attributes:
        folder: its files.
        clips: each clip's report, in the folder's order.
        problems: all that is wrong, sorted.
    """

    folder: DcaseFolder
    clips: tuple[ClipReport, ...]
    problems: tuple[Problem, ...]


def check(
    root: Path | str, workers: int = 1, progress: Callable[[int, int], None] | None = None, frames: int = CLIP_FRAMES
) -> SetReport:
    """Open and check every file of a data set.

    Args:
        root: its folder.
        workers: processes.
        progress: called with (clips done, clips in all).
        frames: length of a clip, in 100-ms frames.

    Raises:
        LabelError: `root` is no such data set.
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

    def say(kind: Kind, path: Path | None, what: str) -> None:
        problems.append(Problem(kind, str(path.relative_to(root)) if path else f"{clip.split}/{clip.name}", what))

    def shorten(error: EarwitnessError, path: Path) -> str:
        return str(error).removeprefix(str(path)).lstrip(":, ")

    seconds, rows = 0.0, None
    _check_pairing(clip, parts, say)
    if clip.sound:
        try:
            seconds = _check_sound(clip.sound, frames, say)
        except EarwitnessError as error:
            say("malformed", clip.sound, shorten(error, clip.sound))
    if clip.labels:
        try:
            rows = read_rows(clip.labels, num_frames=frames, unique=True)
            _check_labels(clip.labels, rows, say)
        except LabelError as error:
            what = shorten(error, clip.labels)
            say("out of range" if " must " in what and "header" not in what else "malformed", clip.labels, what)
    if clip.picture:
        try:
            _check_picture(clip.picture, frames * FRAME_SECONDS, say)
        except EarwitnessError as error:
            say("malformed", clip.picture, shorten(error, clip.picture))
    return ClipReport(clip, seconds, rows, tuple(problems))


_Say = Callable[[Kind, Path | None, str], None]


def _check_pairing(clip: Clip, parts: set[tuple[str, str]], say: _Say) -> None:
    if clip.sound is None:
        for path in (clip.labels, clip.picture):
            if path is not None:
                say("mispaired", path, "no sound of this name in the split; copy the .wav or remove this file")
        return
    # A part that the whole split lacks (a set without pictures) is one finding of the set, not one a clip.
    if clip.labels is None and (clip.split, "labels") in parts:
        say("missing", clip.sound, "has no labels, while other clips of the split do; a silent clip needs a header")
    if clip.picture is None and (clip.split, "picture") in parts:
        say("missing", clip.sound, "has no picture, while other clips of the split do")
    expected = next((fold for prefix, fold in _SPLIT_FOLDS if clip.split.startswith(prefix)), None)
    if expected is None:
        return
    name = clip.parsed
    if name is None:
        say("malformed", clip.sound, "is not named fold_room_mix_deg_start, so its room is unknown")
    elif name.fold != expected:
        say("leak", clip.sound, f"is of fold {name.fold}, but {clip.split} holds fold {expected}")


def _check_sound(path: Path, frames: int, say: _Say) -> float:
    info = wav_info(path)
    if (info.rate, info.channels) != (RATE, 2):
        say("format", path, f"is {info.rate} Hz with {info.channels} channels, expected {RATE} Hz stereo")
    if info.samples != round(frames * FRAME_SECONDS * info.rate):
        say("format", path, f"lasts {info.seconds:.3f} s, expected {frames * FRAME_SECONDS:g} s")
    if not info.samples:
        return 0.0
    sound = read_pcm(path)
    level = np.abs(sound)
    if level.max() < SILENT_PEAK:
        say("silent", path, f"its peak is {level.max():.1e}")
    elif info.channels == 2 and np.array_equal(sound[0], sound[1]):
        say("suspicious", path, "both channels are the same, so it carries no direction; was it made from mono?")
    if _longest_run(level >= _FULL_SCALE) >= CLIPPED_SAMPLES:
        share = float((level >= _FULL_SCALE).mean())
        say("clipped", path, f"{share:.2%} of its samples stand at full scale; make it again at a lower level")
    return info.seconds


def _longest_run(marked: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> int:
    """Longest run of marks along the last axis."""
    if not marked.any():
        return 0
    edges = np.diff(np.pad(marked.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    # Starts and ends of runs alternate, channel after channel.
    return int((np.flatnonzero(edges.ravel() == -1) - np.flatnonzero(edges.ravel() == 1)).max())


def _check_labels(path: Path, rows: LabelRows, say: _Say) -> None:
    def first(bad: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], kind: Kind, what: Callable[[int], str]) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            more = f" (and {int(bad.sum()) - 1} rows more)" if bad.sum() > 1 else ""
            say(kind, path, f"row {row + 1}: {what(row)}{more}")

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


def _check_picture(path: Path, seconds: float, say: _Say) -> None:
    video = probe(path).video
    if video is None:
        say("malformed", path, "holds no moving pictures")
        return
    if (video.width, video.height) != PICTURE_SIZE:
        say("format", path, f"is {video.width}x{video.height}, expected {PICTURE_SIZE[0]}x{PICTURE_SIZE[1]}")
    if video.duration is not None and abs(video.duration - seconds) > FRAME_SECONDS:
        say("format", path, f"lasts {video.duration:.2f} s, expected {seconds:g} s")
    with open_media(path) as container:
        stream = picture_stream(container)
        assert stream is not None
        declared, there = stream.frames, sum(1 for packet in PacketSource(container, stream).packets() if packet.size)
    # A file whose index comes first opens well, and says how many pictures it should have, when its end is missing.
    if there < declared:
        say("malformed", path, f"is cut short: {there} of {declared} pictures are there; copy it again")


def _check_set(folder: DcaseFolder, parts: set[tuple[str, str]], reports: list[ClipReport]) -> Iterator[Problem]:
    for path in folder.strays:
        yield Problem("mispaired", str(path.relative_to(folder.root)), "belongs to no clip: wrong folder or suffix")
    for split in folder.splits:
        if split.startswith("dev") and (split, "labels") not in parts:
            yield Problem("missing", f"metadata_dev/{split}", "no labels for this split at all")
    for name, count in Counter(clip.name for clip in folder.clips).items():
        if count > 1:
            splits = ", ".join(clip.split for clip in folder.clips if clip.name == name)
            yield Problem("leak", name, f"is in {count} splits ({splits}); a clip belongs to one")
    yield from _shared_rooms(folder)
    yield from _shared_sound(folder)
    for split in folder.splits:
        distances = LabelRows.concatenate(
            report.rows for report in reports if report.rows is not None and report.clip.split == split
        ).distance_cm
        if are_metres(distances):
            what = f"half of the distances are below {METRES_BELOW_CM} cm: they are metres where the format wants cm"
            yield Problem("suspicious", f"metadata_dev/{split}", what)


def _shared_rooms(folder: DcaseFolder) -> Iterator[Problem]:
    """Rooms of real recordings that both training and test use."""
    rooms: dict[str, set[int]] = {"dev-train": set(), "dev-test": set()}
    for clip in folder.clips:
        name, kind = clip.parsed, "-".join(clip.split.split("-")[:2])
        if name is not None and kind in rooms and not clip.split.startswith("dev-train-synth"):
            rooms[kind].add(name.room)
    for room in sorted(rooms["dev-train"] & rooms["dev-test"]):
        yield Problem("leak", f"room {room}", "is in training and test; scores on it would be too good")


def _shared_sound(folder: DcaseFolder) -> Iterator[Problem]:
    """Clips of the test splits whose sound training has under another name; those of one name are named already."""
    train, test = (
        [clip for clip in folder.clips if clip.split.startswith(f"dev-{part}")] for part in ("train", "test")
    )
    for one, other in same_clips(train, test):
        if one.name != other.name:
            yield Problem("leak", other.id, f"holds the same sound as {one.id}; scores on it would be too good")


def label_statistics(rows: list[LabelRows], frames: int = CLIP_FRAMES) -> dict[str, list[int]]:
    """Counts over many clips.

    Returns:
        frames, onscreen: (classes,) labelled frames of each class, and those on screen; clips: (classes,) with it;
        polyphony: (7,) frames with 0 .. 5 and with 6 or more simultaneous events.
    """
    labelled, onscreen, clips = (np.zeros(NUM_CLASSES, dtype=np.int64) for _ in range(3))
    polyphony = np.zeros(7, dtype=np.int64)
    for part in rows:
        labelled += np.bincount(part.class_index, minlength=NUM_CLASSES)
        onscreen += np.bincount(part.class_index[part.onscreen], minlength=NUM_CLASSES)
        clips[np.unique(part.class_index)] += 1
        events = np.minimum(np.bincount(part.frame, minlength=frames)[:frames], 6)
        polyphony += np.bincount(events, minlength=7)
    return {
        "frames": labelled.tolist(), "onscreen": onscreen.tolist(), "clips": clips.tolist(),
        "polyphony": polyphony.tolist(),
    }  # fmt: skip
