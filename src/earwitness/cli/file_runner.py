"""Who hears the files of `detect`: this process, several of them, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from earwitness.batch.jobs import BatchSettings, Done, Failure, Job, run_batch
from earwitness.batch.workers import run_workers
from earwitness.cli.extras import needs
from earwitness.detect.detector import Detector


@dataclass(frozen=True)
class FileRunner:
    """Who hears the files.

    Attributes:
        detector: the model, loaded here.
        load: loads it elsewhere.
        jobs: files at a time.
        on_ray: whether a Ray cluster does it; at `address`, or started here.
    """

    detector: Detector
    load: Callable[[], Detector]
    jobs: int = 1
    on_ray: bool = False
    address: str | None = None

    def run(
        self,
        due: Sequence[Job],
        settings: BatchSettings,
        progress: Callable[[Job, float], None],
        *,
        alone: bool,
    ) -> Iterator[Done | Failure]:
        """Do files; one that is alone needs no process of its own."""
        if self.on_ray:
            with needs("--engine ray", "ray"):
                import ray  # noqa: F401 - only to name the extra before work begins
            from earwitness.batch.ray_workers import run_on_ray

            return run_on_ray(self.load, due, settings, self.jobs, self.address)
        if alone and self.jobs == 1:
            return run_batch(self.detector, due, settings, progress)
        # A crash in a codec must not take the other files with it.
        return run_workers(self.load, due, settings, self.jobs, progress)
