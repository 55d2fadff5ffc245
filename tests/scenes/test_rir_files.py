from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.scenes import RirPool
from earwitness.scenes.acoustics.rir_files import SCALE, RoomPart, direct_window, left_out, save_rooms
from earwitness.scenes.acoustics.rooms import Room


def part(samples: int, onset: bool = True) -> RoomPart:
    rirs = [np.full((samples + number, 3), SCALE * (number + 1) / 64, dtype=np.float16) for number in range(2)]
    return RoomPart(
        Room((5.0, 4.0, 3.0), 0.3, (1.0,) * 7, (2.0, 2.0, 1.5), "hall"),
        rirs,
        np.array([-1, 0], dtype=np.int32),
        np.array([[1, 0, 0], [0, 2, 0]], dtype=np.float32),
        np.array([70, 140], dtype=np.int32) if onset else None,
    )


def test_saved_rooms_are_read_again(tmp_path: Path) -> None:
    save_rooms([part(10), part(20)], tmp_path / "pool", ["a.sofa: damaged"])
    pool = RirPool.load(tmp_path / "pool")
    assert (len(pool), pool.name, pool.rooms[1]) == (4, "pool", part(20).room)
    assert pool.rir(3).shape == (3, 21)
    assert np.allclose(pool.rir(3), 2 / 64)
    assert pool.room.tolist() == [0, 0, 1, 1]
    assert pool.onset is not None
    assert pool.onset.tolist() == [70, 140, 70, 140]
    assert left_out(tmp_path / "pool") == ["a.sofa: damaged"]


def test_pools_may_lack_onsets_and_reasons(tmp_path: Path) -> None:
    save_rooms([part(10, onset=False)], tmp_path / "pool")
    assert RirPool.load(tmp_path / "pool").onset is None
    assert left_out(tmp_path / "pool") is None
    assert left_out(tmp_path / "missing") is None


def test_saving_replaces_a_pool_and_leaves_no_temporary_files(tmp_path: Path) -> None:
    save_rooms([part(10)], tmp_path / "pool")
    save_rooms([part(30)], tmp_path / "pool")
    assert RirPool.load(tmp_path / "pool").rir(0).shape == (3, 30)
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]


def test_unwritable_caches_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BankError, match="EARWITNESS_CACHE"):
        save_rooms([part(10)], tmp_path / "file" / "pool")


@pytest.mark.parametrize("onset", [0, 5, 100])
def test_the_window_of_the_direct_sound_is_one_at_its_onset(onset: int) -> None:
    start, window = direct_window(onset)
    assert 0 <= start <= onset
    assert window[onset - start] == 1
    assert window.max() == 1
    assert window[-1] < 0.1
