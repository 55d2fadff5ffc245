from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from earwitness.media.containers.chunks import (
    AIFF,
    CAF,
    RIFF,
    WAVE64,
    ChunkStyle,
    boxes,
    chunks,
    says_ambisonic,
    second_file,
    trailing_data,
)


def chunk(style: ChunkStyle, name: bytes, contents: bytes) -> bytes:
    size = len(contents) + (style.head_bytes if style.counts_head else 0)
    head = name.ljust(style.name_bytes, b"\0") + size.to_bytes(
        style.size_bytes, "big" if style.big_endian else "little"
    )
    return head + contents + bytes(style.padding(len(contents)))


@pytest.mark.parametrize("style", [RIFF, WAVE64, AIFF, CAF])
def test_chunks_of_all_styles_are_iterated(style: ChunkStyle) -> None:
    data = chunk(style, b"one ", b"12345") + chunk(style, b"two ", b"") + chunk(style, b"end ", b"abc")
    file = BytesIO(data)
    found = []
    for name, size, begin in chunks(file, style):
        assert file.tell() == begin
        found.append((name, file.read(size)))
    assert found == [(b"one ", b"12345"), (b"two ", b""), (b"end ", b"abc")]


def trailing(data: bytes) -> tuple[str, int, int] | None:
    samples = b"\x11\x99" * 50
    found = trailing_data(BytesIO(samples + data), RIFF, len(samples), len(samples) + len(data))
    return None if found is None else (found.kind, found.start, found.size)


@pytest.mark.parametrize(
    "data",
    [b"", bytes(500), chunk(RIFF, b"LIST", b"title"), b"ID3" + bytes(50), chunk(RIFF, b"bext", bytes(9)) + bytes(7)],
)
def test_chunks_tags_and_zeros_are_no_trailing_data(data: bytes) -> None:
    assert trailing(data) is None


def test_samples_and_a_second_file_are_trailing_data() -> None:
    assert trailing(b"\x80\xff" * 100) == ("sound", 100, 200)
    assert trailing(b"RIFF" + bytes(4) + b"WAVE" + b"\x01" * 60) == ("file", 100, 72)


def test_a_missing_padding_byte_is_tolerated() -> None:
    samples, following = b"\x11" * 101, chunk(RIFF, b"LIST", b"title!")
    size = len(samples) + len(following)
    assert trailing_data(BytesIO(samples + following), RIFF, len(samples), size, padding=1) is None


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
