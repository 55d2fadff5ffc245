"""Engines that render the clips of a set: local processes or a Ray cluster; both write the same files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

from earwitness.core.errors import SynthesisError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.ray_cluster import connected
from earwitness.scenes.writing.render_job import RenderJob
from earwitness.scenes.writing.scene_clips import KeptClip, render_clip

Task = tuple[int, KeptClip | None]
_RAY_BATCH: Final = 8
_QUEUED_PER_CPU: Final = 2


class Engine(Protocol):
    """Renders clips."""

    def run(self, job: RenderJob, tasks: Sequence[Task]) -> Iterator[bool]:
        """Render the clips of `tasks` into the folder of the job; yields for each, in any order, whether it is new.

        Raises:
            SynthesisError: the engine failed; finished clips are kept.
        """


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes on this machine; with one worker, clips are rendered in this process.

    Attributes:
        workers: number of processes.
    """

    workers: int = 1

    def run(self, job: RenderJob, tasks: Sequence[Task]) -> Iterator[bool]:
        """See `Engine.run`."""
        if self.workers <= 1:
            yield from (render_clip(job, *task) for task in tasks)
            return
        indices, kept = zip(*tasks, strict=True) if tasks else ((), ())
        chunk = max(1, min(32, len(tasks) // (4 * self.workers)))
        try:
            with ProcessPoolExecutor(self.workers, mp_context=get_context("spawn")) as executor:
                yield from executor.map(render_clip, [job] * len(tasks), indices, kept, chunksize=chunk)
        except BrokenProcessPool as error:
            raise SynthesisError(
                f"a worker was killed ({error}); if memory ran out, use fewer --workers; finished clips are kept"
            ) from error


@dataclass(frozen=True, slots=True)
class RayCluster:
    """A Ray cluster: nodes render clips and this machine writes them, so that nodes need only the bank.

    Attributes:
        address: address of a running cluster; None uses the one that this process is connected to, or starts one on
            this machine and stops it afterwards.
        workers: CPUs of the cluster that is started.
    """

    address: str | None = None
    workers: int = 1

    def run(self, job: RenderJob, tasks: Sequence[Task]) -> Iterator[bool]:
        """See `Engine.run`."""
        # Existing clips are checked here, since only this machine has them.
        yield from (render_clip(job, *task) for task in tasks if task[1] is not None)
        missing = [index for index, kept in tasks if kept is None]
        if missing:
            with connected(self.address, self.workers) as ray:
                try:
                    yield from _render_on_cluster(ray, job, missing)
                except ray.exceptions.RayTaskError as error:
                    raise error.cause from None
                except ray.exceptions.RayError as error:
                    raise SynthesisError(f"the Ray cluster failed ({error}); finished clips are kept") from error


def _render_on_cluster(ray: Any, job: RenderJob, indices: Sequence[int]) -> Iterator[bool]:
    """Render clips on the cluster with a limited number of pending batches per CPU."""
    render = ray.remote(_render_batch).options(num_cpus=1)
    shared_job = ray.put(job)
    most = max(1, int(ray.cluster_resources().get("CPU", 1))) * _QUEUED_PER_CPU
    size = max(1, min(_RAY_BATCH, len(indices) // most))
    batches = (indices[start : start + size] for start in range(0, len(indices), size))
    running: list[Any] = [render.remote(shared_job, batch) for batch in islice(batches, most)]
    while running:
        (done,), running = ray.wait(running, num_returns=1)
        running.extend(render.remote(shared_job, batch) for batch in islice(batches, 1))
        for files in ray.get(done):
            _write(job.out, files)
            yield True


def _render_batch(job: RenderJob, indices: Sequence[int]) -> list[dict[str, bytes]]:
    """Render clips on a node; returns the files of each clip, labels last."""
    rendered = []
    for index in indices:
        with TemporaryDirectory() as folder:
            render_clip(replace(job, out=Path(folder)), index)
            paths = sorted(Path(folder).rglob("*"), key=lambda path: ("metadata_dev" in path.parts, path))
            files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths if path.is_file()}
        rendered.append(files)
    return rendered


def _write(out: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        with atomic_file(out / name) as temporary:
            temporary.write_bytes(content)
