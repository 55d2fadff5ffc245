from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from earwitness.core.errors import CancelledError, MemoryLimitError, TimeLimitError, UsageError, WorkerError
from earwitness.core.isolation import Limits, run_isolated
from earwitness.core.isolation.process_limits import FileLimits

needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="looks for processes in /proc")
WORK = """
import ctypes, os, signal, subprocess, sys, threading, time

from earwitness.core.errors import NoAudioError


def add(a, b):
    return a + b


def whereabouts():
    return os.getpid(), signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def spin():
    while True:
        pass


def sleep(marker=None):
    if marker:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        with open(marker, "w") as file:
            file.write(f"{os.getpid()} {child.pid}")
    time.sleep(60)


def hold_the_lock():
    ctypes.PyDLL(None).sleep(60)  # as a decoder that never comes back and lets no other thread run


def grow(in_a_child=False):
    if in_a_child:
        subprocess.run([sys.executable, "-c", "held = bytearray(400_000_000); import time; time.sleep(60)"])
    held = bytearray(400_000_000)
    time.sleep(60)
    return len(held)


def refuse():
    raise NoAudioError("no sound here")


def raise_local():
    class LocalError(Exception):
        pass

    raise LocalError("cannot be pickled")


def want_too_much():
    return bytearray(1 << 62)


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def count(n, pause=0.0, report=None):
    for k in range(n):
        report.send("progress", k)
        time.sleep(pause)
    return n


def slow(path, seconds, report=None):
    if seconds is not None:
        report.allow(path, seconds)
    time.sleep(1.5)
    return "done"
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module that child processes can import."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "isolated_work.py").write_text(WORK)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("isolated_work")
    finally:
        sys.path.remove(str(folder))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_returns_what_the_function_returns_from_another_process(work: Any) -> None:
    assert run_isolated(work.add, 2, 3) == 5
    pid, ignores = run_isolated(work.whereabouts)
    assert pid != os.getpid()
    assert ignores, "Ctrl-C is the parent's to handle"
    assert not multiprocessing.active_children()


def test_progress_arrives_in_order(work: Any) -> None:
    seen: list[int] = []
    assert run_isolated(work.count, 5, on_progress=seen.append) == 5
    assert seen == [0, 1, 2, 3, 4]


def test_errors_arrive_as_they_are(work: Any) -> None:
    from earwitness.core.errors import NoAudioError

    with pytest.raises(NoAudioError, match="no sound here"):
        run_isolated(work.refuse)
    with pytest.raises(RuntimeError, match="LocalError: cannot be pickled"):
        run_isolated(work.raise_local)
    with pytest.raises(WorkerError, match=rf"my file: .* signal {int(signal.SIGSEGV)}"):
        run_isolated(work.crash, name="my file")
    with pytest.raises(MemoryLimitError):
        run_isolated(work.want_too_much)


@pytest.mark.parametrize("function", ["sleep", "hold_the_lock"])
def test_time_is_limited(work: Any, function: str) -> None:
    with pytest.raises(TimeLimitError, match=r"clip\.mp4: stopped"):
        run_isolated(getattr(work, function), limits=Limits(seconds=1), name="clip.mp4")
    assert not multiprocessing.active_children()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_processor_time_is_limited(work: Any) -> None:
    with pytest.raises(TimeLimitError, match="0 s of CPU time"):
        run_isolated(work.spin, limits=Limits(seconds=60, cpu_seconds=0.4))


@needs_proc
@pytest.mark.parametrize("in_a_child", [False, True])
def test_memory_is_limited_also_of_what_the_process_starts(work: Any, in_a_child: bool) -> None:
    with pytest.raises(MemoryLimitError, match="300 MB"):
        run_isolated(work.grow, in_a_child, limits=Limits(memory_mb=300))


@needs_proc
def test_cancelled_work_ends_at_once_with_all_its_processes(work: Any, tmp_path: Path) -> None:
    marker, cancelled = tmp_path / "pids", threading.Event()

    def cancel() -> None:
        while not marker.exists() or " " not in marker.read_text():
            time.sleep(0.02)
        times.append(time.monotonic())
        cancelled.set()

    times: list[float] = []
    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(CancelledError):
        run_isolated(work.sleep, str(marker), cancelled=cancelled)
    took = time.monotonic() - times[0]
    thread.join()
    pids = [int(pid) for pid in marker.read_text().split()]
    until = time.monotonic() + 2
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(alive, pids))
    assert took < 2


@needs_proc
def test_ctrl_c_ends_the_child_too(work: Any, tmp_path: Path) -> None:
    script, marker = tmp_path / "main.py", tmp_path / "pids"
    script.write_text(
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.path.insert(0, {str(Path(work.__file__).parent)!r})\n"
        "import isolated_work\n"
        "from earwitness.core.isolation import run_isolated\n"
        "if __name__ == '__main__':\n"
        f"    run_isolated(isolated_work.sleep, {str(marker)!r})\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True) as parent:
        while not marker.exists() or " " not in marker.read_text():
            assert parent.poll() is None
            time.sleep(0.02)
        parent.send_signal(signal.SIGINT)
        _, said = parent.communicate(timeout=10)
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert not any(alive(int(pid)) for pid in marker.read_text().split())


def test_limits_grow_with_what_a_file_declares(work: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "long.mp4"
    path.write_bytes(bytes(100_000))
    monkeypatch.setattr(
        "earwitness.core.isolation.process_limits.BASE_SECONDS", 1.0
    )  # here; not in the child, which says how much
    with pytest.raises(TimeLimitError):
        run_isolated(work.slow, path, None, limits=FileLimits(), on_progress=lambda value: None)
    assert run_isolated(work.slow, path, 100.0, limits=FileLimits(), on_progress=lambda value: None) == "done"


def test_a_small_file_gets_no_hours_by_its_header() -> None:
    limits = FileLimits()
    bomb, start = limits.for_media(1e9, 3_500), limits.start()
    assert bomb.cpu_seconds is not None
    assert start.cpu_seconds is not None
    assert bomb.cpu_seconds < start.cpu_seconds + 120
    three_hours = limits.for_media(3 * 3600, 86_000_000)
    assert three_hours.cpu_seconds is not None
    assert three_hours.cpu_seconds > 3 * 3600
    for seconds in (0.0, float("inf")):
        allowed = limits.for_media(seconds, 10**13)
        assert allowed.cpu_seconds is not None
        assert allowed.cpu_seconds < 30 * 24 * 3600, "there is an end"
    fixed = FileLimits(seconds=60, threads=4).for_media(3600, 10**9)
    assert (fixed.seconds, fixed.cpu_seconds) == (60, 240)


@pytest.mark.parametrize("name", ["seconds", "cpu_seconds", "memory_mb"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_limits_must_be_possible(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        Limits(**{name: value})
