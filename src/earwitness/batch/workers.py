"""A batch in several processes, each with a detector of its own: a file that crashes a codec costs only itself.

Not concurrent.futures: there a process that dies takes all other work with it, nobody knows on which file it died, and
the processes outlive a parent that was killed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any, Final

from earwitness.batch.jobs import BatchSettings, Done, Failure, Job, run_job
from earwitness.core.errors import EarwitnessError, WorkerError
from earwitness.core.isolation.child_process import Child, Reporter, Watch, limit_cpu, portable
from earwitness.core.isolation.isolated_call import death_message
from earwitness.core.isolation.process_limits import FileLimits
from earwitness.detect.detector import Detector
from earwitness.media.containers.container import container_duration, open_media

Progress = Callable[[Job, float], None]

_POLL_SECONDS: Final = 0.2
"""Between two looks at the limits."""


def run_workers(
    open_detector: Callable[[], Detector],
    jobs: Sequence[Job],
    settings: BatchSettings,
    workers: int,
    progress: Progress | None = None,
    limits: FileLimits | None = None,
) -> Iterator[Done | Failure]:
    """Do files in processes; the results are those of `run_batch`, in the order in which they are ready.

    Args:
        open_detector: loads the model, once a process; must be picklable.
        workers: number of processes.
        progress: called with a job and the done fraction of it, 0..1.
        limits: of each file; by default `FileLimits()`.

    Yields:
        One result a job, when its files are written. A process that dies, or reaches a limit, is replaced; its job is
        a failure.
    """
    waiting = deque(jobs)
    crew: list[Worker] = []
    try:
        while waiting or crew:
            while waiting and len(crew) < workers:
                crew.append(Worker(open_detector, settings, limits))
                crew[-1].give(waiting.popleft())
            connection.wait([worker.channel for worker in crew], _POLL_SECONDS)
            for worker in list(crew):
                answer = worker.answer()
                if isinstance(answer, float) and progress is not None:
                    progress(worker.job, answer)
                if answer is None or isinstance(answer, float):
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


class Worker:
    """The parent's end of a process that does one file after the other.

    Args:
        open_detector: loads the model, in the process; must be picklable.
        settings: what is done with each file.
        limits: of each file; by default `FileLimits()`.
    """

    def __init__(
        self, open_detector: Callable[[], Detector], settings: BatchSettings, limits: FileLimits | None = None
    ) -> None:
        self._limits = limits or FileLimits()
        self._child = Child(_work, open_detector, settings, self._limits)
        self.alive = True
        self._job: Job | None = None
        self._watch: Watch | None = None

    @property
    def channel(self) -> Connection[Any, Any]:
        """Ready to be read when there is an answer."""
        return self._child.channel

    @property
    def pid(self) -> int | None:
        """The process."""
        return self._child.process.pid

    @property
    def job(self) -> Job:
        """What it was last given."""
        assert self._job is not None
        return self._job

    def give(self, job: Job) -> None:
        """Have it do a file."""
        self._job, self._watch = job, Watch(self._child, self._limits.start(), str(job.source))
        try:
            self.channel.send(job)
        except OSError:
            self.alive = False  # and `answer` says so

    def answer(self) -> float | Done | Failure | None:
        """The next message without waiting: progress 0..1, a result, or None where there is none yet."""
        assert self._watch is not None
        try:
            self._watch.check()
            if not self.channel.poll():
                return None
            kind, value = self.channel.recv()
        except EarwitnessError as error:  # a limit
            self.alive = False
            return Failure(self.job.source, error)
        except (EOFError, OSError):
            self.alive = False
            return Failure(self.job.source, self._death())
        if kind == "limits":
            self._watch.limits = value
            return None
        return value  # type: ignore[no-any-return]

    def _death(self) -> EarwitnessError:
        assert self._watch is not None
        if self._child.out_of_cpu:
            return self._watch.limits.time_error(str(self.job.source))
        return WorkerError(death_message(str(self.job.source), self._child))

    def stop(self) -> None:
        """Let it end by itself, if it still can."""
        if self.alive:
            with suppress(OSError):
                self.channel.send(None)
                self._child.process.join()
        self.kill()

    def kill(self) -> None:
        """End it now; what it was writing is left unfinished under a temporary name."""
        self.alive = False
        self._child.kill()


def _work(
    channel: Connection[Any, Any], open_detector: Callable[[], Detector], settings: BatchSettings, limits: FileLimits
) -> None:
    """The life of a worker process."""
    report = Reporter(channel, limits)
    detector: Detector | None = None
    while True:
        try:
            job = channel.recv()
        except EOFError:
            return
        if job is None:
            return
        try:
            limit_cpu(limits.start().cpu_seconds)
            detector = detector or open_detector()
            _allow(job, report)
            result = run_job(detector, job, settings, lambda job, share: report(float(share)))
        except Exception as error:  # the model went bad meanwhile: as run_job, so that the rest can be told
            result = Failure(job.source, error)
        report.send("result", _portable(result, limits))


def _allow(job: Job, report: Reporter) -> None:
    """Have the limits grow with the length of a file; what cannot be opened is said by who reads it."""
    with suppress(EarwitnessError), open_media(job.pictures or job.source) as container:
        report.allow(job.pictures or job.source, container_duration(container) or 0.0)


def _portable(result: Done | Failure, limits: FileLimits) -> Done | Failure:
    """The same, with an error that survives the way between processes."""
    if not isinstance(result, Failure):
        return result
    if isinstance(result.error, MemoryError):  # the system refused before the parent saw anything
        return Failure(result.source, limits.start().memory_error(str(result.source)))
    return Failure(result.source, portable(result.error))
