"""Many files in one go: each on its own, so that a bad one costs nothing but itself."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from os.path import commonpath
from pathlib import Path
from typing import Any

from earwitness.batch.formats import Format, write
from earwitness.batch.journal import Journal
from earwitness.core.errors import EarwitnessError
from earwitness.core.files.atomic import remove_partial_files
from earwitness.core.files.digests import stamp
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.memory import give_back
from earwitness.detect.detector import Detector
from earwitness.media.input_files import find_media
from earwitness.results.detection import Detection

RENDER_SUFFIX = ".earwitness.mp4"
"""Not just .mp4: a folder that is both input and output must not lose its videos."""
INCREMENTAL_SUFFIX = ".growing.jsonl"


@dataclass(frozen=True, slots=True)
class Job:
    """A file and where its results go.

    Attributes:
        source: the file.
        target: path of the results without suffix.
        pictures: the file of its pictures, where they are kept apart from its sound.
    """

    source: Path
    target: Path
    pictures: Path | None = None

    def result(self, suffix: str) -> Path:
        """Path of the result with this suffix (not `with_suffix`: "take.1" is a stem)."""
        return self.target.with_name(self.target.name + suffix)


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that could not be done.

    Attributes:
        source: the input as it was named.
        error: why.
    """

    source: Path
    error: Exception

    @property
    def reason(self) -> str:
        """The error on one line that names the input."""
        text = " ".join(str(self.error).split()) or type(self.error).__name__
        if not isinstance(self.error, EarwitnessError):  # a defect of ours or of a codec
            text = f"unexpected {type(self.error).__name__} ({text}); please report this"
        return text if str(self.source) in text else f"{self.source}: {text}"


@dataclass(frozen=True, slots=True)
class Done:
    """A file that was done.

    Attributes:
        job: the file.
        detection: its events.
        written: the files made of it.
    """

    job: Job
    detection: Detection
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """A file that an earlier run has done.

    Attributes:
        job: the file.
        written: its results.
    """

    job: Job
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What to do.

    Attributes:
        jobs: one a file, each with its own target.
        failures: inputs that name nothing.
        clashes: file names that occur more than once, whose results therefore lie in subfolders of the output.
    """

    jobs: tuple[Job, ...]
    failures: tuple[Failure, ...]
    clashes: tuple[str, ...]


def plan(inputs: Sequence[str | Path], out: Path) -> BatchPlan:
    """Find the files that `inputs` (files, folders, globs) name, and give each its own target below `out`.

    Files below `out` are results of an earlier run and left out, unless they are named outright.
    """
    files: dict[Path, Path] = {}
    failures: list[Failure] = []
    for given in inputs:
        try:
            found = find_media([given])
        except EarwitnessError as error:
            failures.append(Failure(Path(given), error))
            continue
        outright = Path(given).is_file() or not (Path(given).is_dir() or glob.has_magic(str(given)))
        for file in found:
            if outright or not file.resolve().is_relative_to(out.resolve()):
                files.setdefault(file.resolve(), file)
    names = _names(list(files))
    jobs = tuple(Job(files[path], out / name) for path, name in names.items())
    clashes = sorted({path.stem for path, name in names.items() if name != Path(path.stem)})
    return BatchPlan(jobs, tuple(failures), tuple(clashes))


def _names(files: list[Path]) -> dict[Path, Path]:
    """Result names of absolute paths: the stem; where that is not unique with folders, then also with the suffix."""
    stems = Counter(file.stem.casefold() for file in files)  # case does not tell files apart on every system
    twins = {file for file in files if stems[file.stem.casefold()] > 1}
    top = _top(twins)
    names = {file: _below(file, top).with_name(file.stem) if file in twins else Path(file.stem) for file in files}
    taken = Counter(str(name).casefold() for name in names.values())
    return {
        file: name if taken[str(name).casefold()] == 1 else name.with_name(file.name) for file, name in names.items()
    }


def _top(files: Iterable[Path]) -> Path | None:
    """The deepest folder that holds all files; None where there is none, on several drives."""
    try:
        return Path(commonpath({file.parent for file in files}))
    except ValueError:
        return None


def _below(file: Path, top: Path | None) -> Path:
    """Path of a file from a folder that holds it; without one with the drive as a folder."""
    return Path(file.drive.strip(":\\/"), *file.parts[1:]) if top is None else file.relative_to(top)


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """What is done with each file.

    Attributes:
        formats: files to write.
        render: whether to draw the events into a copy of the video.
        threshold, swap_channels, allow_mono, track: as in `Detector.detect`.
        grow: whether to keep a file of the events so far while a file is being heard.
        fov: horizontal field of view of the camera, degrees, for looking and drawing.
    """

    formats: tuple[Format, ...]
    render: bool = False
    fov: float = DEFAULT_FOV_DEG
    threshold: float | None = None
    swap_channels: bool = False
    allow_mono: bool = False
    track: int = 0
    grow: bool = False

    def record(self) -> dict[str, Any]:
        """All of it as plain values, for run records."""
        formats = [{"name": chosen.name, **asdict(chosen.options)} for chosen in self.formats]
        return {**{field.name: getattr(self, field.name) for field in fields(self)}, "formats": formats}


def run_batch(
    detector: Detector,
    jobs: Sequence[Job],
    settings: BatchSettings,
    progress: Callable[[Job, float], None] | None = None,
) -> Iterator[Done | Failure]:
    """Do the files one after the other; what goes wrong with one is reported as its failure.

    Args:
        progress: called with a job and the done fraction of it, 0..1.

    Yields:
        One result a job, when its files are written.
    """
    for job in jobs:
        yield run_job(detector, job, settings, progress)


def run_job(
    detector: Detector, job: Job, settings: BatchSettings, progress: Callable[[Job, float], None] | None = None
) -> Done | Failure:
    """Do one file; what goes wrong is returned as its failure."""
    try:
        return _do(detector, job, settings, progress)
    except Exception as error:  # not even a defect of ours may cost the files that follow; it is reported
        return Failure(job.source, error)


def run_journaled(
    jobs: Sequence[Job], journal: Journal, run: Callable[[Sequence[Job]], Iterator[Done | Failure]]
) -> Iterator[Done | Failure | AlreadyDone]:
    """Do what the journal does not know to be done; each file is noted as soon as its results are in place.

    Args:
        run: does files, in any order.

    Yields:
        First what an earlier run has done, then the rest as `run` gives it.
    """
    due = []
    for job in jobs:
        written = journal.written(job.source, job.target)
        if written is None:
            due.append(job)
        else:
            yield AlreadyDone(job, written)
    for folder in {job.target.parent for job in due}:
        remove_partial_files(folder)
    stamps = {job.source: stamp(job.source) for job in due}
    for result in run(due):
        if isinstance(result, Done):
            journal.add(result.job.source, result.job.target, result.written, stamps[result.job.source])
        yield result


def _do(detector: Detector, job: Job, settings: BatchSettings, progress: Callable[[Job, float], None] | None) -> Done:
    detect_share = 0.5 if settings.render else 1.0

    def heard(done: float, total: float | None) -> None:
        if progress is not None and total:
            progress(job, min(1.0, done / total) * detect_share)

    def drawn(done: float) -> None:
        if progress is not None:
            progress(job, detect_share + done * (1 - detect_share))

    detection = detector.detect(
        job.source,
        heard,
        swap_channels=settings.swap_channels,
        allow_mono=settings.allow_mono,
        threshold=settings.threshold,
        pictures=job.pictures,
        track=settings.track,
        incremental=job.result(INCREMENTAL_SUFFIX) if settings.grow else None,
        fov=settings.fov,
    )
    written = []
    for chosen in settings.formats:
        written.append(job.result(chosen.suffix))
        write(detection, written[-1], chosen)
    if settings.render:
        from earwitness.render.video.annotated_video import render_video

        give_back()  # what hearing took and has freed, before drawing takes its own
        pictures, rendered = job.pictures or job.source, job.result(RENDER_SUFFIX)
        heard_there = job.pictures is None
        render_video(
            pictures, detection.table, rendered, detection.view.whole_fov, drawn,
            track=settings.track if heard_there else 0, sound_seconds=detection.duration if heard_there else None,
        )  # fmt: skip
        written.append(rendered)
    job.result(INCREMENTAL_SUFFIX).unlink(missing_ok=True)  # the finished result is there now
    return Done(job, detection, tuple(written))
