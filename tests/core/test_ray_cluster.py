"""Connecting to Ray, with a stand-in for Ray itself; the engines are tested with the real one where it is installed."""

from __future__ import annotations

import socket
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from earwitness.core.errors import ClusterError
from earwitness.core.ray_cluster import connected


class Ray:
    """Records what it is asked to do; `init` fails `failures` times."""

    def __init__(self, failures: int = 0, running: bool = False) -> None:
        self.failures, self.running, self.started, self.stops = failures, running, [], 0

    def is_initialized(self) -> bool:
        return self.running

    def init(self, **options: Any) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the node did not answer")
        self.running = True
        self.started.append(options)

    def shutdown(self) -> None:
        self.running = False
        self.stops += 1


def use(monkeypatch: pytest.MonkeyPatch, ray: Ray) -> Ray:
    names = ("is_initialized", "init", "shutdown")
    module = SimpleNamespace(**{name: getattr(ray, name) for name in names})
    monkeypatch.setitem(sys.modules, "ray", module)
    return ray


def test_a_local_cluster_has_the_workers_and_is_stopped_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, Ray())
    with pytest.raises(KeyError), connected(workers=3):
        {}["lost"]
    assert ray.started[0]["num_cpus"] == 3
    assert not ray.running


def test_a_connection_that_exists_is_used_and_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, Ray(running=True))
    with connected():
        pass
    assert ray.running
    assert not ray.started


def test_a_slow_start_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, Ray(failures=1))
    with connected():
        assert len(ray.started) == 1


def test_a_cluster_that_never_starts_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, Ray(failures=2))
    with pytest.raises(ClusterError, match=r"this machine.*did not answer"), connected():
        pass
    assert not ray.running


def test_an_address_that_does_not_answer_is_refused_before_ray_tries_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, Ray())
    with socket.socket() as closed:  # bound but not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        address = f"ray://127.0.0.1:{closed.getsockname()[1]}"
        with pytest.raises(ClusterError, match="ray status"), connected(address):
            pass
    assert not ray.started


def test_the_address_auto_is_passed_to_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = use(monkeypatch, Ray())
    with connected("auto", workers=4):
        pass
    assert ray.started[0]["address"] == "auto"
    assert "num_cpus" not in ray.started[0]
