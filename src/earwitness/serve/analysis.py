"""Analysis of one upload in its own process, with the limits of the server and the options of a visitor.

Slow imports wait until the upload has proved to be acceptable media.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from earwitness.core.errors import MediaError, UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.isolation import FileLimits, Reporter
from earwitness.core.isolation.process_limits import MEMORY_MB
from earwitness.media.containers.probe import probe
from earwitness.media.input_files import MEDIA_SUFFIXES
from earwitness.serve.result_store import is_own_file

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector
    from earwitness.detect.runner.runtime import Device
    from earwitness.results.detection import Detection
    from earwitness.results.selection import ClassChoice


_NAME_BYTES: Final = 150
"""Longest stem of an upload; result names add to it, and file systems allow 255 bytes."""
_UNSAFE: Final = re.compile(r"[^\w .,+()\[\]&'-]")


@dataclass(frozen=True, slots=True)
class ServeLimits:
    """Limits of the server.

    Attributes:
        megabytes: largest upload, and so the largest request.
        minutes: longest recording.
        seconds: longest processing of an upload, by the clock and in CPU time.
        queue: number of uploads that may wait.
        keep_minutes: time after which results are removed.
        memory_mb: largest memory for processing an upload, MB.
    """

    megabytes: float = 500.0
    minutes: float = 30.0
    seconds: float = 1800.0
    queue: int = 10
    keep_minutes: float = 30.0
    memory_mb: float = MEMORY_MB

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not 0 < getattr(self, name) < 1e9:
                raise UsageError(f"a server's limits must be above 0; {name} is {getattr(self, name)}")

    @property
    def upload_bytes(self) -> int:
        """Largest upload, bytes."""
        return round(self.megabytes * 1e6)

    @property
    def of_a_file(self) -> FileLimits:
        """Limits of the process that handles an upload."""
        return FileLimits(memory_mb=self.memory_mb, most_seconds=self.seconds)


class VisitorOptions(BaseModel):
    """Options of a visitor, from the query of a request; the names are those of the command line.

    Attributes:
        name: name of the file, from which result names are made.
        video: whether to write an annotated video.
        captions: style of the captions.
        fov: horizontal field of view of the camera, degrees.
        mono: whether to accept mono sound.
        classes, exclude: names of the classes to keep and to leave out, separated by commas; empty: all.
        labels: "any": also sounds that are none of the classes; the model and the server's tagger decide what is said.
        find: words for the sounds to keep; empty: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(max_length=1000)
    video: bool = True
    captions: Literal["terse", "full"] = "terse"
    fov: float = Field(DEFAULT_FOV_DEG, ge=20, le=160)
    mono: bool = False
    classes: str = Field("", max_length=1000)
    exclude: str = Field("", max_length=1000)
    labels: Literal["classes", "any"] = "classes"
    find: str = Field("", max_length=1000)

    @property
    def file_name(self) -> str:
        """A safe name for the upload on disk: without folders, not hidden, with a known media suffix, not too long."""
        last = PurePosixPath(self.name.replace("\\", "/")).name
        stem, dot, suffix = _UNSAFE.sub("_", last).strip(" .").rpartition(".")
        if not dot or f".{suffix.lower()}" not in MEDIA_SUFFIXES:
            stem, suffix = f"{stem}{dot}{suffix}", "media"  # the content determines the type
        stem = stem.encode()[:_NAME_BYTES].decode(errors="ignore").strip(" .-")
        return f"{stem or 'upload'}.{suffix}"


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of an upload for its visitor.

    Attributes:
        events: the first events in words.
        note: why pictures were not analysed; "" if they were.
        warnings: warnings about the recording.
        report: file name of the report.
        files: file names of all results, the report first.
    """

    events: str
    note: str
    warnings: tuple[str, ...]
    report: str
    files: tuple[str, ...]


def load_detector(model: str, device: Device, vision: str | None, choice: ClassChoice) -> Detector:
    """Load a model for the page; visual observations of uploads are not kept in the user's cache."""
    from earwitness.detect.detector import Detector

    return Detector.load(
        model, device=device, vision=vision, keep_seen=False, classes=choice.only, exclude=choice.without
    )


def analyse(
    load: Callable[[], Detector], media: Path, options: VisitorOptions, limits: ServeLimits, *, report: Reporter
) -> Summary:
    """Detect events in an upload and write all results beside it.

    Args:
        load: loads the model.
        media: the upload, alone in its folder.
        options: the visitor's options.
        limits: limits of the server.
        report: receives the done fraction, 0..1, and the current step.

    Raises:
        EarwitnessError: the upload is too long, or cannot be used.
    """
    if not is_own_file(media, media.parent):
        raise MediaError(f"{media.name} is not an uploaded file")
    report.send("progress", (0.0, "opening"))
    info = probe(media)
    _check_length(media.name, info.duration, limits)
    report.allow(media, info.duration)
    report.send("progress", (0.0, "loading the model"))
    detector = load()
    from earwitness.detect.detect_settings import DetectSettings
    from earwitness.results.selection import ClassChoice

    choice = ClassChoice.of(options.classes, options.exclude)
    settings = DetectSettings(allow_mono=options.mono, fov=options.fov, labels=options.labels, find=options.find)
    choice.kept(detector.card.vocabulary)  # an unknown name is refused before the work
    detector.plan(settings)

    def detected(done: float, total: float | None) -> None:
        _check_length(media.name, done, limits)  # some containers do not declare their length
        report((0.4 * min(1.0, done / total) if total else 0.2, "detecting events"))

    detection = choice.apply(detector.detect(media, detected, settings=settings))
    names = _write(detection, media, options, report)
    report.send("progress", (0.95, "writing the report"))
    from earwitness.render.report_page import write_report

    page = write_report(detection, media.with_name(f"{media.stem}.report.html"))
    return Summary(
        _in_words(detection), detection.vision_off_reason, tuple(detection.warnings), page.name, (page.name, *names)
    )  # fmt: skip


def _check_length(name: str, seconds: float, limits: ServeLimits) -> None:
    if seconds / 60 > limits.minutes:
        raise MediaError(f"{name} is longer than this server's limit of {limits.minutes:g} minutes; cut it")


def _write(detection: Detection, media: Path, options: VisitorOptions, report: Reporter) -> list[str]:
    from earwitness.batch.formats import Options, parse_formats, write
    from earwitness.render.video.annotated_video import VideoOptions, render_video
    from earwitness.render.video.frame_source import KeptSound

    formats = parse_formats(["csv,json,vtt,srt"], Options(captions=options.captions))
    names = [f"{media.stem}{chosen.suffix}" for chosen in formats]
    for name, chosen in zip(names, formats, strict=True):
        write(detection, media.with_name(name), chosen)
    if options.video:
        names.append(f"{media.stem}.earwitness.mp4")
        render_video(
            detection, media, media.with_name(names[-1]), VideoOptions(sound=KeptSound(seconds=detection.duration)),
            lambda share: report((0.4 + 0.5 * share, "drawing")),
        )  # fmt: skip
    return names


def _in_words(detection: Detection) -> str:
    from earwitness.export.wording import direction_in_degrees
    from earwitness.results.selection import left_out_sentence

    events, left_out = detection.events, left_out_sentence(detection)
    words = [f"{event.sound_class.name} {direction_in_degrees(event.azimuth)}" for event in events[:3]]
    count = "1 event" if len(events) == 1 else f"{len(events)} events"
    found = f"{count}: {', '.join(words)}{', …' if len(events) > 3 else ''}" if events else "No events."
    return f"{found.removesuffix('.')}. {left_out}" if left_out else found
