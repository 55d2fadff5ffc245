"""What happens to one upload: listen, write, draw; within limits, and nothing stays longer than promised."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

from earwitness.batch.formats import Options, parse_formats, write
from earwitness.core.errors import EarwitnessError, UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.detect.detector import Detector
from earwitness.export.captions.captions import Style
from earwitness.media.containers.probe import probe
from earwitness.render.report import write_report
from earwitness.render.video.annotated_video import render_video
from earwitness.results.detection import Detection

Report = Callable[[float, str], None]
"""Told the done fraction, 0..1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes on.

    Attributes:
        megabytes: of an upload.
        minutes: that it may last.
        seconds: that working on it may take.
        queue: uploads that may wait.
        keep_minutes: after which results are removed.
    """

    megabytes: float = 500.0
    minutes: float = 30.0
    seconds: float = 1800.0
    queue: int = 10
    keep_minutes: float = 30.0

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not getattr(self, name) > 0:
                raise UsageError(f"a server's limits must be above 0; {name} is {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What the visitor chose; the names are those of the command line."""

    video: bool = True
    captions: Style = "terse"
    fov: float = DEFAULT_FOV_DEG
    mono: bool = False


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What came of an upload.

    Attributes:
        token: a random name, known to the visitor only, under which the results can be fetched.
        report: file name of the report.
        files: file names of all results.
        detection: what was found.
    """

    token: str
    report: str
    files: tuple[str, ...]
    detection: Detection


class UploadProcessor:
    """Works on uploads in folders of their own below `folder`, and clears them away.

    Args:
        detector: finds what sounds.
        folder: of the results.
        limits: what it takes on.
        uploads: folder that uploads lie in, at any depth; they are removed as late as results. Two visitors who upload
            the same may share a file, and who was refused may try again with other wishes.
    """

    def __init__(
        self, detector: Detector, folder: Path, limits: Limits | None = None, uploads: Path | None = None
    ) -> None:
        self.limits = limits or Limits()
        self._detector, self._folder, self._uploads = detector, folder, uploads
        self._born: dict[str, float] = {}
        self._lock = Lock()
        self._stopped = Event()

    def stop(self) -> None:
        """Break off what is being worked on, and take on nothing more."""
        self._stopped.set()

    def process(self, upload: Path, wishes: UploadOptions, progress: Report) -> UploadResult:
        """Listen to an upload.

        Raises:
            EarwitnessError: too large, too long, took too long, or not to be used; says so without a server's paths.
        """
        self.sweep()
        token = secrets.token_urlsafe(16)
        folder = self._folder / token
        try:
            return self._worked(upload, folder, wishes, progress)
        except EarwitnessError as error:
            shutil.rmtree(folder, ignore_errors=True)
            # Where things lie on the server is nobody's business.
            text = str(error).replace(str(folder / upload.name), upload.name).replace(str(upload), upload.name)
            error.args = (text,)
            raise
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _worked(self, upload: Path, folder: Path, wishes: UploadOptions, progress: Report) -> UploadResult:
        until = time.monotonic() + self.limits.seconds
        size = upload.stat().st_size / 1e6
        if size > self.limits.megabytes:
            raise UsageError(f"{upload.name} has {size:.0f} MB; this server takes {self.limits.megabytes:g} MB")
        minutes = probe(upload).duration / 60
        if minutes > self.limits.minutes:
            raise UsageError(f"{upload.name} lasts {minutes:.0f} minutes; this server takes {self.limits.minutes:g}")
        folder.mkdir(parents=True)
        media = folder / upload.name
        shutil.copyfile(upload, media)

        def heard(done: float, total: float | None) -> None:
            self._check(until, upload.name)
            if done / 60 > self.limits.minutes:  # the container did not say how long it is
                raise UsageError(f"{upload.name} lasts more than {self.limits.minutes:g} minutes, which is the limit")
            progress(0.4 * min(1.0, done / total) if total else 0.2, "listening")

        def drawn(share: float) -> None:
            self._check(until, upload.name)
            progress(0.4 + 0.5 * share, "drawing")

        detection = self._detector.detect(media, heard, allow_mono=wishes.mono, fov=wishes.fov)
        stem = media.stem
        formats = parse_formats(["csv,json,vtt,srt"], Options(captions=wishes.captions))
        names = [f"{stem}{chosen.suffix}" for chosen in formats]
        for name, chosen in zip(names, formats, strict=True):
            write(detection, folder / name, chosen)
        if wishes.video:
            names.append(f"{stem}.earwitness.mp4")
            fov, seconds = detection.view.whole_fov, detection.duration
            render_video(media, detection.table, folder / names[-1], fov, drawn, sound_seconds=seconds)
        progress(0.95, "writing the report")
        report = write_report(detection, folder / f"{stem}.report.html")
        self._check(until, upload.name)
        with self._lock:
            self._born[folder.name] = time.monotonic()
        return UploadResult(folder.name, report.name, (report.name, *names), detection)

    def _check(self, until: float, name: str) -> None:
        if self._stopped.is_set():
            raise UsageError(f"the server is being stopped; {name} was not finished")
        if time.monotonic() > until:
            raise UsageError(f"{name} took more than {self.limits.seconds:g} seconds, which is the limit; cut it")

    def find(self, token: str, name: str) -> Path | None:
        """A file of a result that is still kept; None for anything else, whatever its path looks like."""
        with self._lock:
            known = token in self._born
        if not known:
            return None
        folder = (self._folder / token).resolve()
        path = (folder / name).resolve()
        return path if path.parent == folder and path.is_file() else None

    def sweep(self) -> None:
        """Remove results that are older than promised."""
        with self._lock:
            oldest = time.monotonic() - self.limits.keep_minutes * 60
            old = [token for token, born in self._born.items() if born < oldest]
            for token in old:
                del self._born[token]
        for token in old:
            shutil.rmtree(self._folder / token, ignore_errors=True)
        self._sweep_uploads()

    def _sweep_uploads(self) -> None:
        oldest = time.time() - self.limits.keep_minutes * 60
        for path in self._uploads.rglob("*") if self._uploads else ():
            with suppress(FileNotFoundError):
                if path.is_file() and path.stat().st_mtime < oldest:
                    path.unlink()
