from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.acoustics.rooms import BAND_CENTRES_HZ, REFERENCE_BANDS
from earwitness.scenes.sampling.room_kinds import MICROPHONE_MARGIN, ROOM_KINDS, draw_room_of_kind


def test_rooms_are_within_the_ranges_of_their_kinds() -> None:
    kinds = {kind.name: kind for kind in ROOM_KINDS}
    rng = np.random.default_rng(4)
    rooms = [draw_room_of_kind(rng) for _ in range(120)]
    assert {room.kind for room in rooms} == set(kinds)
    for room in rooms:
        kind = kinds[room.kind]
        for side, (low, high) in zip(room.size, (kind.length, kind.width, kind.height), strict=True):
            assert low <= side <= high
        for place, side in zip(room.microphone[:2], room.size[:2], strict=True):
            margin = min(MICROPHONE_MARGIN, side / 3)
            assert margin - 1e-9 <= place <= side - margin + 1e-9
        assert room.rt60 >= room.shortest_rt60 - 1e-9
        assert len(room.band_factors) == len(BAND_CENTRES_HZ)
        assert np.mean([room.band_factors[band] for band in REFERENCE_BANDS]) == pytest.approx(1)
