from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def script(load_script: Callable[[str], ModuleType]) -> ModuleType:
    return load_script("measure_direction_limit")


def sources(elevation_deg: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-90, 90, 40_000), rng.normal(size=40_000) * elevation_deg


def biases(line: str) -> list[float]:
    return [float(value) for value in line.split("|")[1].split()]


def test_directions_of_sources_at_ear_level_are_exact_without_noise(script: ModuleType) -> None:
    exact = script.lines(*sources(0.0), seed=0)[0]
    assert max(map(abs, biases(exact))) < 1.0
    assert float(exact.split("|")[2]) < 1.0


def test_unknown_elevation_and_noise_pull_the_far_sides_to_the_front(script: ModuleType) -> None:
    printed = script.lines(*sources(20.0), seed=0)
    far = [biases(line)[-1] for line in printed]
    assert far[0] < -5.0
    assert far[-1] < far[0]
    errors = [float(line.split("|")[2]) for line in printed]
    assert errors == sorted(errors)
