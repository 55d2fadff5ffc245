from __future__ import annotations

from io import BytesIO

import pytest

from earwitness.media.containers.chunks import AIFF, CAF, RIFF, WAVE64, ChunkStyle, chunks, trailing_data


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
