"""A batch on a Ray cluster: as `run_workers`, on any machines that see the same files under the same names."""

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
    """Do files on a cluster; the results are those of `run_batch`, in the order in which they are ready.

    Args:
        open_detector: loads the model, once an actor; must be picklable, and its model be there on every node.
        workers: number of actors, each with a processor of its own.
        address: of a running cluster; None starts one on this machine, and ends it afterwards.
        limits: of each file, as in `run_workers`.

    Yields:
        One result a job. An actor that dies is replaced; its job is a failure.

    Raises:
        ClusterError: there is no cluster, or none can be started.
    """
    if not jobs:
        return
    with connected(address, workers) as ray:
        waiting = deque(jobs)
        running: dict[Any, tuple[Any, Job]] = {}

        def give(actor: Any) -> None:
            job = waiting.popleft()
            running[actor.run.remote(job)] = actor, job

        # Restarting is ours to do: after a crash, the next job must not be thought of as that of a dead actor.
        hearer = ray.remote(num_cpus=1, max_restarts=0)(_Hearer)
        for _ in range(min(workers, len(jobs))):
            give(hearer.remote(open_detector, settings, limits))
        while running:
            (ready,), _ = ray.wait(list(running), num_returns=1)
            actor, job = running.pop(ready)
            try:
                yield ray.get(ready)
            except ray.exceptions.RayTaskError as error:  # the model cannot be loaded, or is not there
                yield Failure(job.source, error.cause)
            except ray.exceptions.RayError as error:
                yield Failure(job.source, WorkerError(f"{job.source}: the process that read it died ({error})"))
                actor = hearer.remote(open_detector, settings, limits)
            if waiting:
                give(actor)


class _Hearer:
    """An actor: a worker process within limits, which the actor outlives."""

    def __init__(
        self, open_detector: Callable[[], Detector], settings: BatchSettings, limits: FileLimits | None
    ) -> None:
        self._open, self._settings, self._limits = open_detector, settings, limits
        self._worker: Worker | None = None

    def run(self, job: Job) -> Done | Failure:
        self._worker = worker = self._worker or Worker(self._open, self._settings, self._limits)
        worker.give(job)
        answer = None
        while answer is None or isinstance(answer, float):
            connection.wait([worker.channel], _POLL_SECONDS)
            answer = worker.answer()
        if not worker.alive:
            worker.kill()
            self._worker = None
        return answer
