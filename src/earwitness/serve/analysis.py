"""Analysis of one upload, in its own process.

Slow imports wait until the upload has proved to be acceptable media.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from earwitness.core.errors import MediaError
from earwitness.core.isolation import Reporter
from earwitness.media.containers.probe import probe
from earwitness.serve.result_store import is_own_file
from earwitness.serve.upload_options import ServeLimits, VisitorOptions

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector
    from earwitness.detect.runner.runtime import Device
    from earwitness.results.detection import Detection


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


def load_detector(model: str, device: Device, vision: str | None) -> Detector:
    """Load a model for the page; visual observations of uploads are not kept in the user's cache."""
    from earwitness.detect.detector import Detector

    return Detector.load(model, device=device, vision=vision, keep_seen=False)


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

    def detected(done: float, total: float | None) -> None:
        _check_length(media.name, done, limits)  # some containers do not declare their length
        report((0.4 * min(1.0, done / total) if total else 0.2, "detecting events"))

    detection = detector.detect(media, detected, allow_mono=options.mono, fov=options.fov)
    names = _write(detection, media, options, report)
    report.send("progress", (0.95, "writing the report"))
    from earwitness.render.report import write_report

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

    events = detection.events
    if not events:
        return "No events."
    words = [f"{event.sound_class.name} {direction_in_degrees(event.azimuth)}" for event in events[:3]]
    count = "1 event" if len(events) == 1 else f"{len(events)} events"
    return f"{count}: {', '.join(words)}{', …' if len(events) > 3 else ''}"
