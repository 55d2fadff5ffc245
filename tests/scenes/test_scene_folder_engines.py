from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from earwitness.core.errors import BankError, ClusterError, SynthesisError
from earwitness.core.ray_cluster import connected
from earwitness.scenes import PoolConfig, SceneConfig
from earwitness.scenes.writing.scene_clips import RenderJob
from earwitness.scenes.writing.scene_folder import Processes, RayCluster, render_folder
from folders import digest

pytest.importorskip("pyroomacoustics")
TINY_BANK = Path(__file__).parents[1] / "data" / "bank"
ROOMS = PoolConfig(rooms=1, positions=4, paths=1, path_points=4, seed=3)


def job(folder: Path, name: str, **changes: Any) -> RenderJob:
    plain = RenderJob(TINY_BANK, folder / name, 11, None, ROOMS, SceneConfig(seconds=2.0), folder / "pools")
    return replace(plain, **changes)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("ray", reason="the Ray engine needs the extra 'ray'")
    with ExitStack() as stack:
        try:
            ray = stack.enter_context(connected(workers=1, attempts=1))
        except ClusterError as error:
            # Ray gives its processes 30 seconds to start, which a crowded machine may not.
            if "timed out during startup" in str(error):
                pytest.skip(f"this machine is too busy for Ray: {error}")
            raise
        yield ray


def test_ray_writes_the_same_bytes_and_goes_on_where_it_stopped(cluster: Any, tmp_path: Path) -> None:
    here, there = job(tmp_path, "here", video=True), job(tmp_path, "there", video=True)
    assert render_folder(here, 3) == 3
    assert render_folder(there, 1, engine=RayCluster()) == 1
    said: list[tuple[int, int]] = []
    assert render_folder(there, 3, engine=RayCluster(), progress=lambda *numbers: said.append(numbers)) == 2
    assert said == [(1, 3), (2, 3), (3, 3)]
    assert digest(here.out) == digest(there.out)
    assert cluster.is_initialized()


def test_errors_on_a_node_are_those_of_this_machine(cluster: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bank" / "bell" / "a.wav"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(b"junk" * 1000)
    with pytest.raises(BankError, match=r"a\.wav"):
        render_folder(job(tmp_path, "set", bank=tmp_path / "bank"), 2, engine=RayCluster())


def test_a_running_cluster_is_reached_by_its_address(cluster: Any, tmp_path: Path) -> None:
    environment = {**os.environ, "EARWITNESS_CACHE": str(tmp_path / "cache")}
    options = ["--bank", str(TINY_BANK), "--clips", "2", "--seed", "4", "--rooms", "1", "--seconds", "1"]
    for name, more in (
        ("here", []),
        ("there", ["--engine", "ray", "--address", cluster.get_runtime_context().gcs_address]),
    ):
        command = [sys.executable, "-m", "earwitness.cli.main", "synthesize", "--out", str(tmp_path / name)]
        subprocess.run([*command, *options, *more], env=environment, check=True, capture_output=True)
    assert digest(tmp_path / "here") == digest(tmp_path / "there")


def test_no_cluster_at_an_address_is_named() -> None:
    pytest.importorskip("ray", reason="the Ray engine needs the extra 'ray'")
    with pytest.raises(ClusterError, match=r"no Ray cluster at '127\.0\.0\.1:1'"), connected("127.0.0.1:1"):
        pass


def test_a_killed_worker_is_named_and_what_is_done_is_kept(tmp_path: Path) -> None:
    work = job(tmp_path, "set")
    render_folder(work, 1)
    # A worker that ends at once when it unpickles the job, as one that the system has no memory for.
    with pytest.raises(SynthesisError, match="worker was killed"):
        list(Processes(2).run(_Deadly(**vars(work)), [(1, None), (2, None)]))
    assert render_folder(work, 3) == 2


class _Deadly(RenderJob):
    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)
