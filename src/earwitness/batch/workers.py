"""A batch in several processes, on this machine or on a Ray cluster; a crashing codec affects only one file.

Each process has its own detector. concurrent.futures does not serve here: when one process dies, all pending work is
lost, the file that killed it is unknown, and the processes survive a killed parent.
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
from earwitness.core.isolation.child_process import Child, Reporter, Watch, death_message, limit_cpu, portable
from earwitness.core.isolation.process_limits import FileLimits
from earwitness.core.ray_cluster import connected
from earwitness.detect.detector import Detector
from earwitness.media.containers.container import container_duration, open_media

Progress = Callable[[Job, float], None]

_POLL_SECONDS: Final = 0.2
"""Interval between checks of the limits."""


def run_workers(
    open_detector: Callable[[], Detector],
    jobs: Sequence[Job],
    settings: BatchSettings,
    workers: int,
    progress: Progress | None = None,
    limits: FileLimits | None = None,
) -> Iterator[Done | Failure]:
    """Process files in several processes; the results are those of `run_batch`, in order of completion.

    Args:
        open_detector: loads the model, once for each process; must be picklable.
        workers: number of processes.
        progress: called with a job and its done fraction, 0..1.
        limits: limits of each file; by default `FileLimits()`.

    Yields:
        One result for each job, after its files are written. A process that dies or reaches a limit is replaced; its
        job is a `Failure`.
    """
    waiting = deque(jobs)
    pool: list[Worker] = []
    try:
        while waiting or pool:
            while waiting and len(pool) < workers:
                pool.append(Worker(open_detector, settings, limits))
                pool[-1].submit(waiting.popleft())
            connection.wait([worker.channel for worker in pool], _POLL_SECONDS)
            for worker in list(pool):
                message = worker.poll()
                if isinstance(message, float) and progress is not None:
                    progress(worker.job, message)
                if message is None or isinstance(message, float):
                    continue
                yield message
                if waiting and worker.alive:
                    worker.submit(waiting.popleft())
                else:
                    worker.stop()
                    pool.remove(worker)
    finally:
        for worker in pool:
            worker.kill()


class Worker:
    """The parent's handle of a process that processes one file after the other.

    Args:
        open_detector: loads the model in the process; must be picklable.
        settings: settings of each file.
        limits: limits of each file; by default `FileLimits()`.
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
        """The connection to the process; readable when there is a message."""
        return self._child.channel

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._child.process.pid

    @property
    def job(self) -> Job:
        """The job submitted last."""
        assert self._job is not None
        return self._job

    def submit(self, job: Job) -> None:
        """Start a job."""
        self._job, self._watch = job, Watch(self._child, self._limits.start(), str(job.source))
        try:
            self.channel.send(job)
        except OSError:
            self.alive = False  # `poll` then returns a failure

    def poll(self) -> float | Done | Failure | None:
        """Return the next message without waiting: progress 0..1, a result, or None if there is none yet."""
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
        """Ask the process to exit, and wait for it."""
        if self.alive:
            with suppress(OSError):
                self.channel.send(None)
                self._child.process.join()
        self.kill()

    def kill(self) -> None:
        """Kill the process; an unfinished file keeps its temporary name."""
        self.alive = False
        self._child.kill()


def _work(
    channel: Connection[Any, Any], open_detector: Callable[[], Detector], settings: BatchSettings, limits: FileLimits
) -> None:
    """Main loop of a worker process."""
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
        except Exception as error:  # for example, the model can no longer be loaded; report it as `run_job` does
            result = Failure(job.source, error)
        report.send("result", _portable(result, limits))


def _allow(job: Job, report: Reporter) -> None:
    """Raise the limits with the length of a file; if it cannot be opened, detection reports that."""
    with suppress(EarwitnessError), open_media(job.pictures or job.source) as container:
        report.allow(job.pictures or job.source, container_duration(container) or 0.0)


def _portable(result: Done | Failure, limits: FileLimits) -> Done | Failure:
    """Return a result whose error can be pickled."""
    if not isinstance(result, Failure):
        return result
    if isinstance(result.error, MemoryError):  # the system refused memory before the parent noticed
        return Failure(result.source, limits.start().memory_error(str(result.source)))
    return Failure(result.source, portable(result.error))


def run_on_ray(
    open_detector: Callable[[], Detector],
    jobs: Sequence[Job],
    settings: BatchSettings,
    workers: int,
    address: str | None = None,
    limits: FileLimits | None = None,
) -> Iterator[Done | Failure]:
    """Process files on a cluster; the results are those of `run_batch`, in order of completion.

    Args:
        open_detector: loads the model, once for each actor; must be picklable, and every node needs the model.
        workers: number of actors, each with its own CPU.
        address: address of a running cluster; None starts one on this machine, and stops it afterwards.
        limits: limits of each file, as in `run_workers`.

    Yields:
        One result for each job. An actor that dies is replaced; its job is a `Failure`.

    Raises:
        ClusterError: no cluster can be reached or started.
    """
    if not jobs:
        return
    with connected(address, workers) as ray:
        waiting = deque(jobs)
        running: dict[Any, tuple[Any, Job]] = {}

        def submit(actor: Any) -> None:
            job = waiting.popleft()
            running[actor.run.remote(job)] = actor, job

        # No automatic restarts: after a crash, Ray must not attribute the next job to the dead actor.
        actor_class = ray.remote(num_cpus=1, max_restarts=0)(_BatchActor)
        for _ in range(min(workers, len(jobs))):
            submit(actor_class.remote(open_detector, settings, limits))
        while running:
            (ready,), _ = ray.wait(list(running), num_returns=1)
            actor, job = running.pop(ready)
            try:
                yield ray.get(ready)
            except ray.exceptions.RayTaskError as error:  # the model is missing or cannot be loaded
                yield Failure(job.source, error.cause)
            except ray.exceptions.RayError as error:
                yield Failure(job.source, WorkerError(f"{job.source}: the process that read it died ({error})"))
                actor = actor_class.remote(open_detector, settings, limits)
            if waiting:
                submit(actor)


class _BatchActor:
    """An actor that runs jobs in a worker process within limits, and outlives that process."""

    def __init__(
        self, open_detector: Callable[[], Detector], settings: BatchSettings, limits: FileLimits | None
    ) -> None:
        self._open, self._settings, self._limits = open_detector, settings, limits
        self._worker: Worker | None = None

    def run(self, job: Job) -> Done | Failure:
        self._worker = worker = self._worker or Worker(self._open, self._settings, self._limits)
        worker.submit(job)
        message = None
        while message is None or isinstance(message, float):
            connection.wait([worker.channel], _POLL_SECONDS)
            message = worker.poll()
        if not worker.alive:
            worker.kill()
            self._worker = None
        return message
