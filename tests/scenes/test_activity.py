from __future__ import annotations

import numpy as np
import pytest

from earwitness.scenes.bank.activity import BLOCK_SAMPLES, THRESHOLD_DB, loud_level, sounding_blocks


def blocks_of(*levels_db: float) -> np.ndarray:
    """100 blocks of a square wave at each level."""
    wave = np.tile([1.0, -1.0], 50 * BLOCK_SAMPLES).astype(np.float32)
    return np.concatenate([wave * np.float32(10 ** (level / 20)) for level in levels_db])


@pytest.mark.parametrize(("below_db", "active"), [(THRESHOLD_DB + 1, True), (THRESHOLD_DB - 1, False)])
def test_blocks_are_active_relative_to_the_loud_parts(below_db: float, active: bool) -> None:
    for gain_db in (0.0, -40.0):
        found = sounding_blocks(blocks_of(gain_db, gain_db + below_db))
        assert found[:99].all()
        assert (found[102:198] == active).all()


def test_loud_level_is_the_rms_and_silence_is_inactive() -> None:
    assert loud_level(blocks_of(-6.0)) == pytest.approx(10 ** (-6 / 20), rel=1e-3)
    assert not sounding_blocks(np.zeros(5 * BLOCK_SAMPLES + 1, np.float32)).any()
    assert sounding_blocks(np.zeros(5 * BLOCK_SAMPLES + 1, np.float32)).size == 6
