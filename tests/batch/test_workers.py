from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.batch.formats import parse_formats
from earwitness.batch.jobs import BatchSettings, Done, Failure
from earwitness.batch.planning import Plan, plan
from earwitness.batch.workers import run_on_ray, run_workers
from earwitness.core.errors import (
    ClusterError,
    MemoryLimitError,
    MissingExtraError,
    TimeLimitError,
    UnreadableMediaError,
    WorkerError,
)
from earwitness.core.isolation import FileLimits
from earwitness.core.ray_cluster import connected
from earwitness.detect.detector import Detector
from earwitness.media.sound.wav import write_wav

Burst = Callable[..., NDArray[np.float32]]
SETTINGS = BatchSettings(parse_formats(["csv"]))


FRAGILE = """
import ctypes, os, signal, time
from pathlib import Path
from earwitness.core.errors import MissingExtraError, ModelError
from earwitness.detect.detector import Detector


class FragileDetector(Detector):
    def detect(self, path, *args, **options):
        if "crash" in Path(path).name:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "stuck" in Path(path).name:
            ctypes.PyDLL(None).sleep(60)  # as a decoder that never comes back and lets no other thread run
        if "spin" in Path(path).name:
            while True:
                pass
        if "greedy" in Path(path).name:
            held = bytearray(2_000_000_000)
            time.sleep(60)
        if "extra" in Path(path).name:
            raise MissingExtraError("the light detector", "vision")
        if "local" in Path(path).name:

            class LocalError(Exception):
                pass

            raise LocalError("cannot be pickled")
        return super().detect(path, *args, **options)


def open_nothing():
    raise ModelError("the model is gone")
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module that worker processes can import: a detector that dies of some files, or fails in odd ways."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "fragile_detectors.py").write_text(FRAGILE)
    monkeypatch.syspath_prepend(tmp_path / "modules")
    return importlib.import_module("fragile_detectors")


@pytest.fixture
def todo(tmp_path: Path, make_burst: Burst) -> Plan:
    for name in ("a", "b-crash", "c-local", "d-extra", "e"):
        write_wav(tmp_path / f"{name}.wav", make_burst(2, (0.5, 1, 20)), 24_000)
    (tmp_path / "f.wav").write_bytes(b"junk" * 50)
    return plan([tmp_path], tmp_path / "out")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_that_dies_costs_its_file_alone(meter_model: Path, todo: Plan, fragile: Any, workers: int) -> None:
    shares: list[float] = []
    results = list(
        run_workers(
            partial(fragile.FragileDetector.load, meter_model),
            todo.jobs,
            SETTINGS,
            workers,
            lambda job, share: shares.append(share),
        )
    )
    assert len(results) == 6
    done = {result.job.source.stem for result in results if isinstance(result, Done)}
    failed = {result.source.stem: result for result in results if isinstance(result, Failure)}
    assert done == {"a", "e"}
    assert isinstance(failed["b-crash"].error, WorkerError)
    assert f"signal {int(signal.SIGSEGV)}" in failed["b-crash"].reason
    assert "LocalError: cannot be pickled" in failed["c-local"].reason
    assert isinstance(failed["d-extra"].error, MissingExtraError)
    assert "earwitness[vision]" in failed["d-extra"].reason
    assert isinstance(failed["f"].error, UnreadableMediaError)
    assert all(0 <= share <= 1 for share in shares)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="limits of memory are read in /proc here")
@pytest.mark.parametrize(
    ("name", "limits", "kind"),
    [
        ("stuck", FileLimits(seconds=3), TimeLimitError),
        ("greedy", FileLimits(memory_mb=1500), MemoryLimitError),
    ],
)
def test_a_file_that_takes_too_much_costs_itself_alone(
    meter_model: Path, make_burst: Burst, fragile: Any, tmp_path: Path, name: str, limits: FileLimits, kind: type
) -> None:
    for stem in (f"a-{name}", "b"):
        write_wav(tmp_path / f"{stem}.wav", make_burst(2, (0.5, 1, 20)), 24_000)
    jobs = plan([tmp_path], tmp_path / "out").jobs
    load = partial(fragile.FragileDetector.load, meter_model)
    failed, *rest = run_workers(load, jobs, SETTINGS, 1, limits=limits)
    assert isinstance(failed, Failure)
    assert isinstance(failed.error, kind)
    assert failed.reason.startswith(str(jobs[0].source))
    assert "--max-" in failed.reason
    assert len(rest) == 1
    if name == "greedy":  # within 3 s by the clock, a busy machine may not even load the model
        assert isinstance(rest[0], Done)
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_processor_time_is_counted_anew_for_each_file(
    meter_model: Path, make_burst: Burst, fragile: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stem in ("a", "b-spin", "c"):
        write_wav(tmp_path / f"{stem}.wav", make_burst(2, (0.5, 1, 20)), 24_000)
    jobs = plan([tmp_path], tmp_path / "out").jobs
    load = partial(fragile.FragileDetector.load, meter_model)
    # By the clock there is time for all on a busy machine; the process that loops ends by its processor time.
    limits = FileLimits(most_seconds=3)
    monkeypatch.setattr("earwitness.core.isolation.child_process.Watch.check", lambda watch: None)
    results = {result.job.source.stem if isinstance(result, Done) else result.source.stem: result
               for result in run_workers(load, jobs, SETTINGS, 1, limits=limits)}  # fmt: skip
    assert isinstance(results["a"], Done)
    assert isinstance(results["c"], Done)
    looped = results["b-spin"]
    assert isinstance(looped, Failure)
    assert isinstance(looped.error, TimeLimitError)


def test_a_model_that_cannot_be_loaded_is_said_for_each_file(todo: Plan, fragile: Any) -> None:
    results = list(run_workers(fragile.open_nothing, todo.jobs[:2], SETTINGS, 2))
    assert [type(result) for result in results] == [Failure, Failure]
    assert all("the model is gone" in result.reason for result in results if isinstance(result, Failure))


def test_no_jobs_start_no_process() -> None:
    assert list(run_workers(Detector.load, [], SETTINGS, 2)) == []


def test_what_is_not_asked_for_any_more_is_ended(meter_model: Path, todo: Plan) -> None:
    results = run_workers(partial(Detector.load, meter_model), todo.jobs, SETTINGS, 2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform == "win32", reason="looks for the process in /proc")
def test_processes_end_when_their_parent_is_killed(meter_model: Path, todo: Plan, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import multiprocessing, os, time\n"
        "from functools import partial\n"
        "from earwitness.batch import workers\n"
        "from earwitness.batch.jobs import BatchSettings\n"
        "from earwitness.detect.detector import Detector\n"
        "if __name__ == '__main__':\n"
        f"    load = partial(Detector.load, {str(meter_model)!r})\n"
        "    worker = workers.Worker(load, BatchSettings(()))\n"
        "    print(worker.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split(")")[1][:4]:
        assert time.monotonic() < deadline, "the process is still there"
        time.sleep(0.05)


RAY_SETTINGS = BatchSettings(parse_formats(["csv,json"]))

CRASHING = """
import os
from earwitness.detect.detector import Detector


class CrashingDetector(Detector):
    def detect(self, path, *args, **options):
        if "crash" in str(path):
            os._exit(3)
        return super().detect(path, *args, **options)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("ray", reason="the Ray engine needs the extra 'ray'")
    modules = tmp_path_factory.mktemp("modules")
    (modules / "crashing_detectors.py").write_text(CRASHING)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.syspath_prepend(modules)
        for name in (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
        ):  # sums depend on the number of threads
            patch.setenv(name, "1")
        before = os.environ.get("PYTHONPATH", "")
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(modules), before])))
        try:
            ray = stack.enter_context(connected(workers=2, attempts=1))
        except ClusterError as error:
            pytest.skip(f"Ray does not start on this machine: {error}")
        yield ray


def test_the_bytes_are_the_same_and_a_crash_costs_its_file_alone(
    cluster: Any, meter_model: Path, make_burst: Burst, tmp_path: Path
) -> None:
    for number, name in enumerate(("a", "b", "crash", "d")):
        write_wav(tmp_path / f"{name}.wav", make_burst(2, (0.5, 1, 20 + number)), 24_000)
    (tmp_path / "e.wav").write_bytes(b"junk" * 50)
    here, there = plan([tmp_path], tmp_path / "here"), plan([tmp_path], tmp_path / "there")
    whole = [job for job in here.jobs if job.source.stem != "crash"]
    list(run_workers(partial(Detector.load, meter_model), whole, RAY_SETTINGS, 1))
    crashing = importlib.import_module("crashing_detectors").CrashingDetector
    results = list(run_on_ray(partial(crashing.load, meter_model), there.jobs, RAY_SETTINGS, 2))
    assert {result.job.source.stem for result in results if isinstance(result, Done)} == {"a", "b", "d"}
    failed = {result.source.stem: result for result in results if isinstance(result, Failure)}
    assert failed.keys() == {"crash", "e"}
    assert isinstance(failed["crash"].error, WorkerError)
    assert "\n" not in failed["crash"].reason
    names = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert len(names) == 6
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == names
    assert all((tmp_path / "here" / n).read_bytes() == (tmp_path / "there" / n).read_bytes() for n in names)


def test_nothing_to_do_needs_no_cluster(meter_model: Path) -> None:
    assert list(run_on_ray(partial(Detector.load, meter_model), [], RAY_SETTINGS, 1, "127.0.0.1:1")) == []
