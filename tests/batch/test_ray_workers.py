"""The same batch on a cluster of one machine: the bytes are those of processes here."""

from __future__ import annotations

import importlib
import os
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
from earwitness.batch.planning import plan
from earwitness.batch.ray_workers import run_on_ray
from earwitness.batch.workers import run_workers
from earwitness.core.errors import ClusterError, WorkerError
from earwitness.core.ray_cluster import connected
from earwitness.detect.detector import Detector
from earwitness.media.sound.wav import write_wav

Burst = Callable[..., NDArray[np.float32]]
SETTINGS = BatchSettings(parse_formats(["csv,json"]))

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
    list(run_workers(partial(Detector.load, meter_model), whole, SETTINGS, 1))
    crashing = importlib.import_module("crashing_detectors").CrashingDetector
    results = list(run_on_ray(partial(crashing.load, meter_model), there.jobs, SETTINGS, 2))
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
    assert list(run_on_ray(partial(Detector.load, meter_model), [], SETTINGS, 1, "127.0.0.1:1")) == []
