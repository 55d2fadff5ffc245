from __future__ import annotations

import pytest

import long_film
from earwitness.vision.observe import Observation


@pytest.fixture(scope="session")
def observation() -> Observation:
    return long_film.observation()
