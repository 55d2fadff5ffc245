"""A queue that processes uploads one at a time, in order of arrival, while their visitors wait."""

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
from earwitness.serve.analysis import ServeLimits, Summary, VisitorOptions, analyse

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector

_MESSAGE_SECONDS: Final = 1.0
"""Longest time between messages to a visitor, which also detect a closed connection."""
_TURN_SECONDS: Final = 0.1
_LOG: Final = logging.getLogger("earwitness.serve")


class QueueFullError(EarwitnessError):
    """The queue is full."""


@dataclass(slots=True, eq=False)
class UploadJob:
    """One upload in the queue.

    Attributes:
        media: the upload.
        options: its visitor's options.
        cancelled: set when its visitor has disconnected.
        progress: done fraction, 0..1, and the current step.
        changed: set when `progress` has changed.
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
        limits: limits of the server.
    """

    def __init__(self, load: Callable[[], Detector], limits: ServeLimits) -> None:
        self._load, self._limits = load, limits
        self._jobs: list[UploadJob] = []
        """The first one is being processed."""
        self._places = 0
        self.stopped = asyncio.Event()
        """Set when the queue accepts no more jobs."""

    @contextmanager
    def place(self) -> Iterator[None]:
        """Reserve a place in the queue, already during the upload.

        Raises:
            QueueFullError: the queue is full.
        """
        if self.stopped.is_set() or self._places > self._limits.queue:
            raise QueueFullError("Too many uploads are waiting; try again in a few minutes.")
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1

    def stop(self) -> None:
        """Cancel all jobs, and accept no more. May be called from a signal handler."""
        self.stopped.set()
        for job in list(self._jobs):
            job.cancelled.set()

    async def run(self, job: UploadJob) -> AsyncGenerator[dict[str, Any], None]:
        """Run a job when its turn comes; yields a message for its visitor about every second, finally the result.

        Closing the generator cancels the job.
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
                    await asyncio.wait([task, waking], timeout=_MESSAGE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    waking.cancel()
                job.changed.clear()
            yield _outcome(task, job.media)
        finally:
            job.cancelled.set()
            task.add_done_callback(_retrieve_exception)

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
            self._jobs.remove(job)  # its process has ended; the next job may run


def _retrieve_exception(task: asyncio.Task[Summary]) -> None:
    """Retrieve the exception of a cancelled job, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()


def _outcome(task: asyncio.Task[Summary], media: Path) -> dict[str, Any]:
    """The last message of a job: its result or its error."""
    error = task.exception()
    if error is None:
        return {"kind": "result", **asdict(task.result())}
    return {"kind": "error", "message": _message(error, media)}


def _message(error: BaseException, media: Path) -> str:
    """An error message for a visitor, without paths of the server."""
    name = media.name
    match error:
        case TimeLimitError():
            return f"{name} exceeded this server's time limit; cut it, or do not draw the video."
        case MemoryLimitError():
            return f"{name} exceeded this server's memory limit; convert it to a smaller picture."
        case CancelledError():
            return f"{name} was not finished: the job was stopped."
        case WorkerError():
            return f"{name} could not be read: its decoder crashed on it; convert the file."
        case EarwitnessError():
            return " ".join(str(error).replace(str(media), name).replace(str(media.parent), "").split())
    _LOG.error("an upload failed unexpectedly", exc_info=error)
    return f"{name} could not be analysed because of a bug; the server's operator finds the details in its log."
