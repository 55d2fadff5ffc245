"""A batch on a Ray cluster, like `run_workers`; its nodes need access to the same files under the same paths."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection
from typing import Any, Final

from earwitness.batch.jobs import BatchSettings, Done, Failure, Job
from earwitness.batch.workers import Worker
from earwitness.core.errors import WorkerError
from earwitness.core.isolation import FileLimits
from earwitness.core.ray_cluster import connected
from earwitness.detect.detector import Detector

_POLL_SECONDS: Final = 0.2


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
