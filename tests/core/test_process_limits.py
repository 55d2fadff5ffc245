from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from earwitness.core.errors import MemoryLimitError, TimeLimitError, UsageError
from earwitness.core.isolation import each_within_limits, limits_for
from earwitness.core.isolation.process_limits import BASE_CPU_SECONDS, BASE_SECONDS, FileLimits, Limits


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan"), 1e9])
@pytest.mark.parametrize("name", ["seconds", "cpu_seconds", "memory_mb"])
def test_limits_must_be_positive_and_finite(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        Limits(**{name: value})


def test_limits_grow_with_the_length_as_far_as_the_size_is_plausible() -> None:
    limits = FileLimits()
    assert limits.start() == Limits(BASE_SECONDS, BASE_CPU_SECONDS, limits.memory_mb)
    hour, day = limits.for_media(3600, 10**9), limits.for_media(24 * 3600, 10**9)
    assert hour.cpu_seconds is not None
    assert day.cpu_seconds is not None
    assert BASE_CPU_SECONDS < hour.cpu_seconds < day.cpu_seconds
    tiny = limits.for_media(10 * 365 * 24 * 3600, 3500)
    assert tiny.cpu_seconds is not None
    assert tiny.cpu_seconds < 3 * BASE_CPU_SECONDS


def test_an_undeclared_length_is_estimated_from_the_size() -> None:
    assert FileLimits().for_media(0, 2_000_000) == FileLimits().for_media(1000, 2_000_000)


def test_a_fixed_limit_does_not_depend_on_the_file() -> None:
    limits = FileLimits(seconds=7, threads=2)
    assert limits.for_media(3600, 10**9) == limits.start() == Limits(7, 14, limits.memory_mb)


def test_the_errors_name_the_option() -> None:
    assert "--max-seconds" in str(Limits().time_error("a.wav"))
    assert "--max-memory" in str(Limits().memory_error("a.wav"))


SHORT = FileLimits(seconds=0.4)

if not hasattr(signal, "setitimer"):
    pytest.skip("this system has no timers of CPU time", allow_module_level=True)


def work(cpu_seconds: float) -> None:
    end = time.process_time() + cpu_seconds
    while time.process_time() < end:
        pass


def test_work_that_takes_too_long_ends_with_the_name_of_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(TimeLimitError, match=r"clip\.mp4: stopped after more than"),
        limits_for(tmp_path / "clip.mp4", SHORT),
    ):
        work(30)


def test_memory_that_grows_too_much_ends_it(tmp_path: Path) -> None:
    def grow() -> list[bytes]:
        held = []
        for _ in range(600):
            held.append(b"\1" * 1_000_000)
            work(0.005)
        return held

    limits = FileLimits(memory_mb=200)
    with pytest.raises(MemoryLimitError, match="took more memory than 200 MB"), limits_for(tmp_path / "clip", limits):
        grow()


def test_what_was_there_before_is_there_again(tmp_path: Path) -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGPROF, lambda number, _: seen.append(number))
    try:
        with limits_for(tmp_path):
            work(0.01)
        assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
        signal.raise_signal(signal.SIGPROF)
        assert seen == [signal.SIGPROF]
    finally:
        signal.signal(signal.SIGPROF, before)


def test_limits_within_limits(tmp_path: Path) -> None:
    with limits_for(tmp_path / "outer", FileLimits(seconds=60)):
        with pytest.raises(TimeLimitError, match="inner"), limits_for(tmp_path / "inner", SHORT):
            work(30)
        work(0.6)  # the outer limit counts on, and is far away
        assert signal.getitimer(signal.ITIMER_PROF) != (0.0, 0.0)


def test_each_item_has_the_limit_for_itself(tmp_path: Path) -> None:
    def items() -> Iterator[int]:
        for number in range(3):
            work(0.2)
            yield number

    got = []
    for number in each_within_limits(tmp_path / "clip.mp4", items(), FileLimits(seconds=1)):
        work(0.9)  # of the consumer: does not count
        got.append(number)
    assert got == [0, 1, 2]


def test_other_threads_have_no_limit(tmp_path: Path) -> None:
    done = []

    def run() -> None:
        with limits_for(tmp_path / "clip.mp4", SHORT):
            work(0.6)
        done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [True]
