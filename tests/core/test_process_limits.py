from __future__ import annotations

import pytest

from earwitness.core.errors import UsageError
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
