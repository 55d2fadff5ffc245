from __future__ import annotations

import pytest

from earwitness.export.wording import direction_in_degrees, direction_in_words


@pytest.mark.parametrize(
    ("azimuth", "degrees", "words"),
    [(23.4, "23° left", "left"), (-0.6, "1° right", "ahead"), (0.4, "ahead", "ahead"), (-51, "51° right", "far right"),
     (float("nan"), "unknown", "")],
)  # fmt: skip
def test_wording(azimuth: float, degrees: str, words: str) -> None:
    assert direction_in_degrees(azimuth) == degrees
    assert direction_in_words(azimuth) == words
