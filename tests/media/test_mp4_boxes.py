from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.media.containers.mp4_boxes import boxes, says_ambisonic, second_file


def box(name: bytes, contents: bytes = b"") -> bytes:
    return (8 + len(contents)).to_bytes(4, "big") + name + contents


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    return path


def test_boxes_with_sizes_of_all_kinds(tmp_path: Path) -> None:
    large = (1).to_bytes(4, "big") + b"free" + (24).to_bytes(8, "big") + bytes(8)
    to_end = bytes(4) + b"mdat" + bytes(30)
    path = written(tmp_path, box(b"ftyp", b"isom") + large + to_end)
    assert list(boxes(path)) == [(b"ftyp", 0, 12), (b"free", 12, 24), (b"mdat", 36, 38)]


@pytest.mark.parametrize("data", [b"", b"1234567", (7).to_bytes(4, "big") + b"free" + bytes(40)])
def test_invalid_boxes_end_the_list(tmp_path: Path, data: bytes) -> None:
    assert list(boxes(written(tmp_path, data))) == []


def test_an_appended_file_is_found(tmp_path: Path) -> None:
    one = box(b"ftyp", b"isom") + box(b"mdat", bytes(50))
    assert second_file(written(tmp_path, one)) is None
    assert second_file(written(tmp_path, one + one)) == len(one)


@pytest.mark.parametrize(("ordering", "gains", "expected"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_only_ambix_is_declared_ambisonic(tmp_path: Path, ordering: int, gains: int, expected: bool) -> None:
    fields = bytes([0, 0]) + (1).to_bytes(4, "big") + bytes([ordering, gains]) + (4).to_bytes(4, "big")
    path = written(tmp_path, box(b"ftyp") + box(b"moov", bytes(20) + box(b"SA3D", fields)))
    assert says_ambisonic(path) is expected
    assert not says_ambisonic(written(tmp_path, box(b"moov", bytes(40))))
