from __future__ import annotations

import pytest

from earwitness.vision.picture_similarity import similarity, similarity_in_place, structure
from edited_video import walk


def test_similarity() -> None:
    one, other = (structure(walk(seed, 1)[0][::4, ::4]) for seed in (1, 2))
    assert similarity_in_place(one, one) == pytest.approx(1, abs=1e-5)
    assert similarity_in_place(one, 0.2 * one) == pytest.approx(1, abs=1e-5)
    assert similarity(one[:, :60], one[:, 20:]) == pytest.approx(1, abs=1e-3)
    assert similarity_in_place(one[:, :60], one[:, 20:]) < 0.4
    assert similarity(one, other) < 0.35
