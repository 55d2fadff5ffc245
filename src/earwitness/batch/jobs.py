"""Processing of many files; a failure affects only its own file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from earwitness.batch.formats import Format, write
from earwitness.batch.journal import Journal
from earwitness.core.crash_log import describe, write_log
from earwitness.core.errors import EarwitnessError, one_line
from earwitness.core.files.atomic import remove_partial_files
from earwitness.core.files.cache import stamp
from earwitness.core.memory import release_memory
from earwitness.detect.detect_settings import DetectSettings
from earwitness.detect.detector import Detector
from earwitness.export.event_clips import INDEX_SUFFIX, write_clips
from earwitness.media.containers.sound_tracks import parse_track
from earwitness.render.video import MarkerStyle
from earwitness.results.detection import Detection

RENDER_SUFFIX: Final = ".earwitness.mp4"
"""Not just .mp4, so that videos are not overwritten where the input folder is also the output folder."""
INCREMENTAL_SUFFIX: Final = ".growing.jsonl"
RESULT_SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True)
class Job:
    """A file and the path of its results.

    Attributes:
        source: the file.
        target: path of the results without suffix.
        pictures: the file of its pictures, if separate from its sound.
    """

    source: Path
    target: Path
    pictures: Path | None = None

    def result(self, suffix: str) -> Path:
        """Path of the result with this suffix (not `with_suffix`: "take.1" is a stem)."""
        return self.target.with_name(self.target.name + suffix)


@dataclass(frozen=True, slots=True)
class Failure:
    """An input that failed.

    Attributes:
        source: the input as the user named it.
        error: the error.
    """

    source: Path
    error: Exception

    @property
    def reason(self) -> str:
        """The error on one line that names the input."""
        text = " ".join(str(self.error).split()) or type(self.error).__name__
        if isinstance(self.error, OSError):
            text = f"{self.error.strerror or text}; check folder, permissions and disk space"
        elif not isinstance(self.error, EarwitnessError):  # a bug in earwitness or a codec
            text = describe(self.error, write_log(self.error))
        source = one_line(str(self.source))
        return text if source in text else f"{source}: {text}"


@dataclass(frozen=True, slots=True)
class Done:
    """A finished file.

    Attributes:
        job: the file.
        detection: its events.
        written: the result files.
        notes: what the user should know about the annotated video, one sentence each.
    """

    job: Job
    detection: Detection
    written: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlreadyDone:
    """A file finished by an earlier run.

    Attributes:
        job: the file.
        written: its results.
    """

    job: Job
    written: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Settings that apply to each file.

    Attributes:
        formats: formats to write.
        render: whether to write an annotated video.
        detect: how each file is analysed, without the settings that name its own files.
        grow: whether to write the events found so far while a file is processed.
        clips: whether to cut a clip for each event.
        style: style of the markers in annotated videos.
    """

    formats: tuple[Format, ...]
    render: bool = False
    detect: DetectSettings = field(default_factory=DetectSettings)
    grow: bool = False
    clips: bool = False
    style: MarkerStyle = "clean"

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of the results of a file."""
        others = ((RENDER_SUFFIX, self.render), (INDEX_SUFFIX, self.clips))
        return (*(chosen.suffix for chosen in self.formats), *(suffix for suffix, wanted in others if wanted))

    def record(self) -> dict[str, Any]:
        """The settings as plain values, for the journal."""
        formats = [{"name": chosen.name, **asdict(chosen.options)} for chosen in self.formats]
        flags = {"render": self.render, "grow": self.grow, "clips": self.clips}
        style = {"style": self.style} if self.render and self.style != "clean" else {}
        return {"formats": formats, **flags, **style, **self.detect.record()}


def run_batch(
    detector: Detector,
    jobs: Sequence[Job],
    settings: BatchSettings,
    progress: Callable[[Job, float], None] | None = None,
) -> Iterator[Done | Failure]:
    """Process files one after the other.

    Args:
        progress: called with a job and its done fraction, 0..1.

    Yields:
        One result for each job, after its files are written; an error is a `Failure`.
    """
    for job in jobs:
        yield run_job(detector, job, settings, progress)


def run_job(
    detector: Detector, job: Job, settings: BatchSettings, progress: Callable[[Job, float], None] | None = None
) -> Done | Failure:
    """Process one file; an error is returned as a `Failure`."""
    try:
        return _process(detector, job, settings, progress)
    except Exception as error:  # even a bug must not stop the remaining files; it is reported
        return Failure(job.source, error)


def run_journaled(
    jobs: Sequence[Job],
    journal: Journal,
    run: Callable[[Sequence[Job]], Iterator[Done | Failure]],
    suffixes: Sequence[str] | None = None,
) -> Iterator[Done | Failure | AlreadyDone]:
    """Process the files that are not finished according to the journal; each is recorded once its results are written.

    Args:
        run: processes files, in any order.
        suffixes: suffixes of the results of a finished file; by default those in the journal.

    Yields:
        First the files finished by an earlier run, then the results of `run`.
    """
    due = []
    for job in jobs:
        names = None if suffixes is None else [job.result(suffix).name for suffix in suffixes]
        written = journal.written(job.source, job.target, names)
        if written is None:
            due.append(job)
        else:
            yield AlreadyDone(job, written)
    for folder in {journal.path.parent, *(job.target.parent for job in due)}:
        remove_partial_files(folder)
    journal.begin((job.source, job.target) for job in due)
    stamps = {job.source: stamp(job.source) for job in due}
    for result in run(due):
        if isinstance(result, Done):
            journal.add(result.job.source, result.job.target, result.written, stamps[result.job.source])
        yield result


def _process(
    detector: Detector, job: Job, settings: BatchSettings, progress: Callable[[Job, float], None] | None
) -> Done:
    detect_share = 0.5 if settings.render else 1.0

    def detected(done: float, total: float | None) -> None:
        if progress is not None and total:
            progress(job, min(1.0, done / total) * detect_share)

    def drawn(done: float) -> None:
        if progress is not None:
            progress(job, detect_share + done * (1 - detect_share))

    growing = job.result(INCREMENTAL_SUFFIX) if settings.grow else None
    own = replace(settings.detect, pictures=job.pictures, incremental=growing)
    detection = detector.detect(job.source, detected, settings=own)
    written: list[Path] = []
    notes: list[str] = []
    for chosen in settings.formats:
        written.append(job.result(chosen.suffix))
        write(detection, written[-1], chosen)
    if settings.render:
        from earwitness.render.video.annotated_video import VideoOptions, render_video
        from earwitness.render.video.frame_source import KeptSound

        release_memory()  # return the freed memory of detection to the system before rendering needs its own
        pictures, rendered = job.pictures or job.source, job.result(RENDER_SUFFIX)
        sound = None
        if job.pictures is None:
            sound = KeptSound(parse_track(str(detection.settings["track"])), detection.duration)
        render_video(detection, pictures, rendered, VideoOptions(settings.style, sound=sound), drawn, notes.append)
        written.append(rendered)
    if settings.clips:
        written.append(write_clips(detection, job.target))
    if settings.grow:
        job.result(INCREMENTAL_SUFFIX).unlink(missing_ok=True)  # replaced by the finished result
    return Done(job, detection, tuple(written), tuple(notes))
