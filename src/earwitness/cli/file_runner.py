"""Who hears the files of `detect`: processes of their own here, or a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from earwitness.batch.jobs import BatchSettings, Done, Failure, Job
from earwitness.batch.workers import run_workers
from earwitness.cli.extras import needs
from earwitness.core.isolation import FileLimits
from earwitness.detect.detector import Detector


@dataclass(frozen=True)
class FileRunner:
    """Who hears the files.

    Attributes:
        detector: the model, loaded here.
        load: loads it elsewhere.
        jobs: files at a time.
        on_ray: whether a Ray cluster does it; at `address`, or started here.
        limits: of each file.
    """

    detector: Detector
    load: Callable[[], Detector]
    jobs: int = 1
    on_ray: bool = False
    address: str | None = None
    limits: FileLimits = field(default_factory=FileLimits)

    def run(
        self,
        due: Sequence[Job],
        settings: BatchSettings,
        progress: Callable[[Job, float], None],
    ) -> Iterator[Done | Failure]:
        """Do files, each within the limits: a crash in a codec, or a file without end, must cost that file alone."""
        if self.on_ray:
            with needs("--engine ray", "ray"):
                import ray  # noqa: F401 - only to name the extra before work begins
            from earwitness.batch.ray_workers import run_on_ray

            return run_on_ray(self.load, due, settings, self.jobs, self.address, self.limits)
        self.detector.unload()  # it was loaded to see that it can be, and for its record
        return run_workers(self.load, due, settings, self.jobs, progress, self.limits)
