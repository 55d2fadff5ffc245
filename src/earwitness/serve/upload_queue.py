"""Uploads are worked on one at a time, in the order in which they came, each for as long as its visitor waits."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import CancelledError, EarwitnessError, MemoryLimitError, TimeLimitError, WorkerError
from earwitness.core.isolation import run_isolated
from earwitness.serve.analysis import Summary, analyse
from earwitness.serve.upload_options import ServeLimits, VisitorOptions

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector

_TOLD_SECONDS: Final = 1.0
"""A visitor is told something at least so often, which also shows whether he is still there."""
_TURN_SECONDS: Final = 0.1
_LOG: Final = logging.getLogger("earwitness.serve")


class QueueFullError(EarwitnessError):
    """More visitors wait than the server takes."""


@dataclass(slots=True, eq=False)
class UploadJob:
    """One upload on its way.

    Attributes:
        media: the upload.
        options: what its visitor chose.
        cancelled: set when nobody waits for it any more.
        progress: what the visitor was last told.
        changed: set when there is something new to tell.
    """

    media: Path
    options: VisitorOptions
    cancelled: Event = field(default_factory=Event)
    progress: tuple[float, str] = (0.0, "starting")
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class JobQueue:
    """Runs jobs one at a time.

    Args:
        load: loads the model; must be picklable.
        limits: what the server takes on.
    """

    def __init__(self, load: Callable[[], Detector], limits: ServeLimits) -> None:
        self._load, self._limits = load, limits
        self._jobs: list[UploadJob] = []
        """The first one is worked on."""
        self._places = 0
        self.stopped = asyncio.Event()
        """Set when no more is taken on."""

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the queue; who still uploads has one too.

        Raises:
            QueueFullError: there is none.
        """
        if self.stopped.is_set() or self._places > self._limits.queue:
            raise QueueFullError("Too many are waiting; try again in a few minutes.")
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1

    def stop(self) -> None:
        """Cancel all jobs, and take on no more. May be called from a signal handler."""
        self.stopped.set()
        for job in list(self._jobs):
            job.cancelled.set()

    async def run(self, job: UploadJob) -> AsyncGenerator[dict[str, Any], None]:
        """Run a job when its turn comes; yields what to tell its visitor about once a second, at last its end.

        Closed before that, it ends the work.
        """
        self._jobs.append(job)
        task = asyncio.create_task(self._run(job))
        try:
            while not task.done():
                ahead = self._jobs.index(job)
                if ahead:
                    yield {"kind": "queued", "ahead": ahead}
                else:
                    share, doing = job.progress
                    yield {"kind": "progress", "share": round(share, 3), "doing": doing}
                waking = asyncio.ensure_future(job.changed.wait())
                try:
                    await asyncio.wait([task, waking], timeout=_TOLD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waking.cancel()
                job.changed.clear()
            yield _told(task, job.media)
        finally:
            job.cancelled.set()
            task.add_done_callback(_take_note)

    async def _run(self, job: UploadJob) -> Summary:
        loop = asyncio.get_running_loop()

        def report(value: tuple[float, str]) -> None:
            job.progress = value
            loop.call_soon_threadsafe(job.changed.set)

        def work() -> Summary:
            return run_isolated(
                analyse, self._load, job.media, job.options, self._limits, limits=self._limits.of_a_file,
                on_progress=report, cancelled=job.cancelled, name=job.media.name,
            )  # fmt: skip

        try:
            while self._jobs[0] is not job:
                if job.cancelled.is_set():
                    raise CancelledError(f"{job.media.name}: stopped")
                await asyncio.sleep(_TURN_SECONDS)
            return await asyncio.to_thread(work)  # ends soon after `cancelled` is set
        finally:
            self._jobs.remove(job)  # its process is gone: the next one's turn


def _take_note(task: asyncio.Task[Summary]) -> None:
    """Nobody is there any more to be told of an error."""
    if not task.cancelled():
        task.exception()


def _told(task: asyncio.Task[Summary], media: Path) -> dict[str, Any]:
    error = task.exception()
    if error is None:
        return {"kind": "result", **asdict(task.result())}
    return {"kind": "error", "message": _message(error, media)}


def _message(error: BaseException, media: Path) -> str:
    """An error in words for a visitor, whom where things lie on the server does not concern."""
    name = media.name
    match error:
        case TimeLimitError():
            return f"{name} took more time than this server gives to a file; cut it, or draw no video."
        case MemoryLimitError():
            return f"{name} took more memory than this server gives to a file; convert it to a smaller picture."
        case CancelledError():
            return f"{name} was not finished: it was stopped."
        case WorkerError():
            return f"{name} could not be read: its decoder crashed on it; convert the file."
        case EarwitnessError():
            return " ".join(str(error).replace(str(media), name).replace(str(media.parent), "").split())
    _LOG.error("an upload failed unexpectedly", exc_info=error)
    return f"{name} could not be analysed, by a defect of the program; whoever runs the server can see it in its log."
