from __future__ import annotations

import os
from pathlib import Path

import pytest

from earwitness.core.errors import LabelError, ModelError
from earwitness.core.files.small_files import parse_json, read_bytes, read_json, read_text


def test_reads_a_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{"a": [1, 2.5]}')
    assert read_bytes(path, 100, LabelError).startswith(b"\xef\xbb\xbf")
    assert read_text(path, 100, LabelError) == '{"a": [1, 2.5]}'
    assert read_json(path, 100, LabelError) == {"a": [1, 2.5]}


def test_what_is_no_regular_file_of_sane_size_is_refused_at_once(tmp_path: Path) -> None:
    pipe, sparse = tmp_path / "pipe", tmp_path / "sparse"
    os.mkfifo(pipe)
    with sparse.open("wb") as file:
        file.truncate(6 * 2**30)
    for path, said in (
        (tmp_path, "it is a folder"),
        (pipe, "it is a pipe"),
        (Path("/dev/zero"), "it is a device"),
        (sparse, "has 6,442,450,944 bytes"),
        (tmp_path / "gone", "cannot be read"),
        (tmp_path / "nul\0", "cannot be read"),
        (tmp_path / ("n" * 300), "cannot be read"),
    ):
        with pytest.raises(ModelError, match=said):
            read_bytes(path, 1000, ModelError)


def test_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes("frame".encode("utf-16"))
    with pytest.raises(LabelError, match="is not UTF-8 text"):
        read_text(path, 100, LabelError)


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"a": NaN}', "[Infinity]", "-Infinity", "1e999", "9" * 5000, "[" * 100_000, '{"a":' * 100_000],
    ids=lambda text: text[:12] or "nothing",
)
def test_json_that_cannot_be_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(ModelError, match="x: not usable as JSON") as caught:
        parse_json(text, "x", ModelError)
    assert len(str(caught.value)) < 300
    assert "\n" not in str(caught.value)
