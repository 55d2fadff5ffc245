"""Converts ambisonic recordings (STARSS23 and similar) to stereo clips in the folder layout of DCASE2025."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import groupby, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

import numpy as np

from earwitness.core.errors import LabelError, MediaError, UsageError
from earwitness.core.files.atomic import remove_partial_files
from earwitness.core.files.cache import stamp
from earwitness.core.isolation import each_within_limits
from earwitness.core.memory import keep_freed_memory
from earwitness.data.dcase.labels import write_table
from earwitness.data.starss.crops import Crop, different, write_views
from earwitness.data.starss.foa import LOUDEST, RATE, FoaLabels, read_foa_labels, read_stereo
from earwitness.media.sound.wav import write_wav

Outcome = Literal["made", "kept", "rejected"]
Tried = tuple[Crop, Outcome | MediaError | LabelError, bool]
"""A crop, its outcome or error, and whether its labels contained metres."""
GROUP: Final = 64
"""Maximum number of crops of a recording in one task of a worker."""


@dataclass(frozen=True, slots=True)
class StereoJob:
    """Settings for making clips; picklable.

    Attributes:
        out: folder of the data set.
        video: whether to write the pictures of recordings with a video.
        unknown_distance: distance in metres for labels without one (STARSS22); None raises an error for them.
    """

    out: Path
    video: bool = True
    unknown_distance: float | None = None


@dataclass(slots=True)
class StereoReport:
    """Result of a run.

    Attributes:
        made: number of new clips.
        kept: number of clips that already existed.
        rejected: number of crops that are too loud.
        in_metres: recordings whose labels contained metres, and were interpreted as such.
        damaged: reason for each recording that cannot be read, or whose labels cannot be read.
        lost: number of crops of damaged recordings that were not made.
    """

    made: int = 0
    kept: int = 0
    rejected: int = 0
    in_metres: set[str] = field(default_factory=set)
    damaged: dict[str, str] = field(default_factory=dict)
    lost: int = 0


def make_clips(
    crops: Iterable[Crop],
    clips: int,
    job: StereoJob,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> StereoReport:
    """Make `clips` clips from the first `crops` that are unique and not too loud; existing clips are kept.

    The files do not depend on the number of workers or on interruptions. If a recording cannot be read, only its own
    clips are missing: they are not replaced by others, so that they can be made after it has been repaired.

    Raises:
        UsageError: labels have no distance, and none was set.
    """
    for folder in (job.out, *job.out.glob("*_dev/*/")):
        remove_partial_files(folder)
    report = StereoReport()
    draws = different(iter(crops))
    # Each round takes as many crops as clips are missing; rejected ones are replaced in the next round.
    while wanting := clips - report.made - report.kept - report.lost:
        batch = sorted(islice(draws, wanting), key=lambda crop: (crop.recording.split, crop.name))
        if not batch:
            break
        for crop, outcome, in_metres in _outcomes(batch, job, workers):
            if isinstance(outcome, MediaError | LabelError):
                report.damaged.setdefault(crop.recording.name, str(outcome))
                report.lost += 1
                continue
            setattr(report, outcome, getattr(report, outcome) + 1)
            if in_metres:
                report.in_metres.add(crop.recording.name)
            if progress:
                progress(report.made + report.kept, clips)
    return report


def _outcomes(batch: list[Crop], job: StereoJob, workers: int) -> Iterator[Tried]:
    groups = list(_groups(batch))
    if workers <= 1 or len(groups) < 2:
        for group in groups:
            yield from _tried(group, job)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        for made in executor.map(partial(_made, job=job), groups):
            yield from made


def _made(group: list[Crop], job: StereoJob) -> list[Tried]:
    return list(_tried(group, job))


def _tried(group: list[Crop], job: StereoJob) -> Iterator[Tried]:
    done = set[Crop]()
    try:
        recording = group[0].recording
        for made in each_within_limits(recording.video or recording.sound, make_group(group, job)):
            done.add(made[0])
            yield made
    except (MediaError, LabelError) as error:
        yield from ((crop, error, False) for crop in group if crop not in done)


def _groups(batch: list[Crop]) -> Iterator[list[Crop]]:
    """Groups of crops of one recording, sorted by start, so that each panorama is decoded once for all of them."""
    for _, crops in groupby(batch, key=lambda crop: (crop.recording.split, crop.recording.name)):
        ordered = sorted(crops, key=lambda crop: (crop.start, crop.deg))
        yield from (ordered[begin : begin + GROUP] for begin in range(0, len(ordered), GROUP))


def make_clip(crop: Crop, job: StereoJob) -> tuple[Outcome, bool]:
    """Make one clip; see `make_group`."""
    ((_, outcome, in_metres),) = make_group([crop], job)
    return outcome, in_metres


def make_group(crops: list[Crop], job: StereoJob) -> Iterator[tuple[Crop, Outcome, bool]]:
    """Make clips of one recording, sorted by start; labels are written last, so that a clip with labels is complete.

    Yields:
        Each finished crop, its outcome, and whether the recording's labels contained metres.

    Raises:
        LabelError: the labels are malformed.
        UsageError: labels have no distance, and none was set.
        MediaError: the recording cannot be read, or exceeds the limits of a file.
    """
    keep_freed_memory()
    recording = crops[0].recording
    labels = _labels(recording.labels, str(stamp(recording.labels)))
    pictured: list[Crop] = []
    for crop in crops:
        if _target(crop, job).is_file():
            yield crop, "kept", labels.in_metres
            continue
        if not labels.has_distance and job.unknown_distance is None:
            raise UsageError(
                f"{recording.labels}: has no distances (as in STARSS22), which stereo labels need; set one in metres "
                "with --unknown-distance, or leave these recordings out"
            )
        stereo = read_stereo(recording, crop.start, crop.deg)
        if np.abs(stereo).max(initial=0.0) > LOUDEST:
            yield crop, "rejected", labels.in_metres
            continue
        write_wav(_sound(crop, job), stereo, RATE)
        if job.video and recording.video is not None:
            pictured.append(crop)
        else:
            yield _finish(crop, labels, job)
    if pictured:
        yield from _with_views(pictured, labels, job)


def _with_views(crops: list[Crop], labels: FoaLabels, job: StereoJob) -> Iterator[tuple[Crop, Outcome, bool]]:
    """Write pictures and labels of crops whose sound exists; sound without pictures is deleted."""
    waiting = dict.fromkeys(crops)
    try:
        for crop in write_views(crops, job.out / "video_dev"):
            del waiting[crop]
            yield _finish(crop, labels, job)
    except MediaError:
        for crop in waiting:
            _sound(crop, job).unlink(missing_ok=True)
        raise


def _finish(crop: Crop, labels: FoaLabels, job: StereoJob) -> tuple[Crop, Outcome, bool]:
    write_table(_target(crop, job), labels.in_view(crop.start, crop.deg, unknown_distance=job.unknown_distance))
    return crop, "made", labels.in_metres


def _target(crop: Crop, job: StereoJob) -> Path:
    return job.out / "metadata_dev" / crop.recording.split / f"{crop.name}.csv"


def _sound(crop: Crop, job: StereoJob) -> Path:
    return job.out / "stereo_dev" / crop.recording.split / f"{crop.name}.wav"


@lru_cache(maxsize=256)
def _labels(path: Path, _stamp: str) -> FoaLabels:
    """Labels of a recording; its crops share them, and a changed file is read again."""
    return read_foa_labels(path)
