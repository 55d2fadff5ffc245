from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import pytest

from earwitness.vision.observation_cache import ArrayReader, read_array, write_array


def test_numpy_reads_what_was_written_in_pieces(tmp_path: Path) -> None:
    whole = np.arange(24, dtype=np.float32).reshape(8, 3)
    with ZipFile(tmp_path / "a.npz", "w") as archive:
        write_array(archive, "numbers", (8, 3), np.float32, (whole[k : k + 3] for k in range(0, 8, 3)))
        write_array(archive, "names", (2,), "<U6", [np.array(["person"]), np.array(["bell"])])
        write_array(archive, "nothing", (0, 4), np.float32, [])
    with np.load(tmp_path / "a.npz") as arrays:
        np.testing.assert_array_equal(arrays["numbers"], whole)
        assert arrays["names"].tolist() == ["person", "bell"]
        assert arrays["nothing"].shape == (0, 4)


def test_what_numpy_wrote_is_read_in_pieces(tmp_path: Path) -> None:
    whole = np.arange(24, dtype=np.uint8).reshape(8, 3)
    np.savez_compressed(tmp_path / "a.npz", numbers=whole, names=np.array(["a", "bcd"]), objects=np.array([{}]))
    with ZipFile(tmp_path / "a.npz") as archive:
        reader = ArrayReader(archive, "numbers")
        assert len(reader) == 8
        np.testing.assert_array_equal(reader.read(5), whole[:5])
        assert reader.read(0).shape == (0, 3)
        np.testing.assert_array_equal(reader.read(5), whole[5:])
        assert read_array(archive, "names").tolist() == ["a", "bcd"]
        with pytest.raises(ValueError, match="another kind"):
            ArrayReader(archive, "objects")
        with pytest.raises(KeyError):
            ArrayReader(archive, "missing")


def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, numbers=np.zeros((50, 50)))
    data = bytearray(path.read_bytes())
    data[5000] ^= 1
    path.write_bytes(data)
    with ZipFile(path) as archive, pytest.raises(BadZipFile):
        read_array(archive, "numbers")
