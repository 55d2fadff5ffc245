"""Ambisonic recordings (STARSS23 and its kin) to stereo clips in the folder layout of DCASE2025, by any worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Final, Literal

import numpy as np

from earwitness.data.crops import Crop, different
from earwitness.data.dcase_csv import CLIP_FRAMES, write_table
from earwitness.data.foa import LOUDEST, RATE, FoaLabels, read_foa_labels, read_stereo
from earwitness.errors import LabelError
from earwitness.events import FRAME_SECONDS
from earwitness.geometry import DCASE_CAMERA
from earwitness.media.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.synthesis.view360 import PanoramaView, panorama_frames

Outcome = Literal["made", "kept", "rejected"]
_CLIP_SECONDS: Final = CLIP_FRAMES * FRAME_SECONDS


@dataclass(frozen=True, slots=True)
class StereoJob:
    """How clips are made; picklable.

    Attributes:
        out: folder of the data set.
        video: whether recordings with a video give clips with pictures.
        unknown_distance: metres to write for labels without a distance (STARSS22); None refuses them.
    """

    out: Path
    video: bool = True
    unknown_distance: float | None = None


@dataclass(slots=True)
class StereoReport:
    """What came of a run.

    Attributes:
        made: clips made now.
        kept: clips that were there already.
        rejected: crops too loud for a clip.
        in_metres: recordings whose labels held metres, which were understood as such.
    """

    made: int = 0
    kept: int = 0
    rejected: int = 0
    in_metres: set[str] = field(default_factory=set)


def make_clips(
    crops: Iterable[Crop],
    clips: int,
    job: StereoJob,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> StereoReport:
    """Make `clips` clips of the first `crops` that are different and not too loud; those that are there are kept.

    The files are the same whatever the number of workers and however often the run was interrupted.

    Raises:
        LabelError: labels that break the format or lack the distance.
        UnreadableMediaError: a recording that cannot be read.
    """
    report = StereoReport()
    draws = different(iter(crops))
    # As many crops as clips are wanting can never make too many; what was rejected is made up for in the next round.
    while wanting := clips - report.made - report.kept:
        batch = sorted(islice(draws, wanting), key=lambda crop: (crop.recording.split, crop.name))
        if not batch:
            break
        for crop, (outcome, in_metres) in zip(batch, _outcomes(batch, job, workers), strict=True):
            setattr(report, outcome, getattr(report, outcome) + 1)
            if in_metres:
                report.in_metres.add(crop.recording.name)
            if progress:
                progress(report.made + report.kept, clips)
    return report


def _outcomes(batch: list[Crop], job: StereoJob, workers: int) -> Iterator[tuple[Outcome, bool]]:
    if workers <= 1 or len(batch) < 2:
        yield from (make_clip(crop, job) for crop in batch)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        chunk = max(1, min(16, len(batch) // (4 * workers)))
        yield from executor.map(partial(make_clip, job=job), batch, chunksize=chunk)


def make_clip(crop: Crop, job: StereoJob) -> tuple[Outcome, bool]:
    """Make one clip; its labels are written last, so that a clip with labels is complete.

    Returns:
        What came of it, and whether the recording's labels held metres.
    """
    recording = crop.recording
    labels = _labels(recording.labels)
    target = job.out / "metadata_dev" / recording.split / f"{crop.name}.csv"
    if target.is_file():
        return "kept", labels.in_metres
    if not labels.has_distance and job.unknown_distance is None:
        raise LabelError(
            f"{recording.labels}: has no distances (as in STARSS22), which stereo labels need; give the metres to "
            "write instead with --unknown-distance, or leave these recordings out"
        )
    stereo = read_stereo(recording, crop.start, crop.deg)
    if np.abs(stereo).max(initial=0.0) > LOUDEST:
        return "rejected", labels.in_metres
    write_wav(job.out / "stereo_dev" / recording.split / f"{crop.name}.wav", stereo, RATE)
    if job.video and recording.video is not None:
        _write_view(crop, recording.video, job.out / "video_dev" / recording.split / f"{crop.name}.mp4")
    write_table(target, labels.seen(crop.start, crop.deg, unknown_distance=job.unknown_distance))
    return "made", labels.in_metres


def _write_view(crop: Crop, video: Path, out: Path) -> None:
    fps = crop.recording.fps
    first, count = round(crop.start * FRAME_SECONDS * fps), round(_CLIP_SECONDS * fps)
    rate = Fraction(fps).limit_denominator(1001)
    camera, view = DCASE_CAMERA, None
    with MediaWriter(out, camera.width, camera.height, rate, preset="superfast") as writer:
        for number, panorama in enumerate(panorama_frames(video, first, count, fps)):
            view = view or PanoramaView(panorama.width, panorama.height, panorama.format.name, crop.deg)
            writer.write_video_frame(view(panorama), float(number / rate))


@lru_cache(maxsize=256)
def _labels(path: Path) -> FoaLabels:
    return read_foa_labels(path)
