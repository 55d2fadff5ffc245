"""A batch in several processes, each with a detector of its own: a file that crashes a codec costs only itself.

Not concurrent.futures: there a process that dies takes all other work with it, nobody knows on which file it died, and
the processes outlive a parent that was killed.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final

from earwitness.batch.jobs import BatchSettings, Done, Failure, Job, run_job
from earwitness.core.errors import WorkerError
from earwitness.detect.detector import Detector

Progress = Callable[[Job, float], None]

_REPORT_SECONDS: Final = 0.2
"""Progress is sent no more often than this."""


def run_workers(
    open_detector: Callable[[], Detector],
    jobs: Sequence[Job],
    settings: BatchSettings,
    workers: int,
    progress: Progress | None = None,
) -> Iterator[Done | Failure]:
    """Do files in processes; the results are those of `run_batch`, in the order in which they are ready.

    Args:
        open_detector: loads the model, once a process; must be picklable.
        workers: number of processes.
        progress: called with a job and the done fraction of it, 0..1.

    Yields:
        One result a job, when its files are written. A process that dies is replaced; its job is a failure.
    """
    waiting = deque(jobs)
    crew: list[_Worker] = []
    try:
        while waiting or crew:
            while waiting and len(crew) < workers:
                crew.append(_Worker.start(open_detector, settings))
                crew[-1].give(waiting.popleft())
            ready = connection.wait([worker.channel for worker in crew])
            for worker in [worker for worker in crew if worker.channel in ready]:
                answer = worker.receive()
                if isinstance(answer, float):
                    if progress is not None:
                        progress(worker.job, answer)
                    continue
                yield answer
                if waiting and worker.alive:
                    worker.give(waiting.popleft())
                else:
                    worker.stop()
                    crew.remove(worker)
    finally:
        for worker in crew:
            worker.kill()


@dataclass(slots=True)
class _Worker:
    """The parent's end of a process."""

    process: SpawnProcess
    channel: Connection[Job | None, float | Done | Failure]
    alive: bool = True
    _job: Job | None = None

    @classmethod
    def start(cls, open_detector: Callable[[], Detector], settings: BatchSettings) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, open_detector, settings), daemon=True)
        with _out_of_reach():
            process.start()
        theirs.close()  # so that the end of the process is the end of the channel
        return cls(process, ours)

    @property
    def job(self) -> Job:
        assert self._job is not None
        return self._job

    def give(self, job: Job) -> None:
        self._job = job
        try:
            self.channel.send(job)
        except OSError:
            self.alive = False  # and `receive` says so

    def receive(self) -> float | Done | Failure:
        try:
            return self.channel.recv()
        except (EOFError, OSError):
            self.alive = False
            self.process.join()
            return Failure(self.job.source, WorkerError(f"{self.job.source}: {_death(self.process.exitcode)}"))

    def stop(self) -> None:
        """Let it end by itself."""
        if self.alive:
            self.channel.send(None)
            self.process.join()
        self.channel.close()

    def kill(self) -> None:
        """End it now; what it was writing is left unfinished under a temporary name."""
        self.process.kill()
        self.process.join()
        self.channel.close()


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """Processes that are started within are out of Ctrl-C's reach from their first moment on; here it waits so long."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # when it starts, it lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _death(code: int | None) -> str:
    how = f"was ended by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
    return f"the process that read it {how}, most likely by a crash on this file or for want of memory; leave it out"


def _work(
    channel: Connection[float | Done | Failure, Job | None],
    open_detector: Callable[[], Detector],
    settings: BatchSettings,
) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent decides what to do
    threading.Thread(target=_end_with_parent, daemon=True).start()
    detector: Detector | None = None
    while True:
        try:
            job = channel.recv()
        except EOFError:
            return
        if job is None:
            return
        try:
            detector = detector or open_detector()
            result = run_job(detector, job, settings, _Reporter(channel))
        except Exception as error:  # the model went bad meanwhile: as run_job, so that the rest can be told
            result = Failure(job.source, error)
        channel.send(_portable(result))


class _Reporter:
    """Sends progress, but not too often."""

    def __init__(self, channel: Connection[float | Done | Failure, Job | None]) -> None:
        self._channel, self._last = channel, 0.0

    def __call__(self, job: Job, share: float) -> None:
        now = time.monotonic()
        if now - self._last >= _REPORT_SECONDS:
            self._last = now
            self._channel.send(float(share))


def _portable(result: Done | Failure) -> Done | Failure:
    """The same, with an error that survives the way between processes."""
    if isinstance(result, Failure):
        try:
            pickle.loads(pickle.dumps(result.error))
        except Exception:  # whatever a foreign error's pickling raises
            return Failure(result.source, RuntimeError(f"{type(result.error).__name__}: {result.error}"))
    return result


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
