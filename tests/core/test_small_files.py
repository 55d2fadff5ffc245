from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from earwitness.core.errors import LabelError, ModelError
from earwitness.core.files.small_files import (
    open_zip,
    parse_json,
    read_bytes,
    read_entry,
    read_head,
    read_json,
    read_text,
)


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
        if path != sparse:
            with pytest.raises(ModelError, match=said):
                read_head(path, 10, ModelError)


def test_a_file_without_a_stated_size_is_read_whole_and_within_the_limit() -> None:
    path = Path("/proc/self/limits")  # of the kernel: a regular file of 0 bytes that has content
    if not path.exists():
        pytest.skip("needs the files of /proc")
    content = path.read_bytes()
    assert read_bytes(path, 10**6, ModelError) == content
    assert read_head(path, 5, ModelError) == content[:5]
    with pytest.raises(ModelError, match="grew beyond 10 bytes"):
        read_bytes(path, 10, ModelError)


def test_the_head_of_a_short_file_is_all_of_it(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"abc")
    assert read_head(tmp_path / "short", 10, ModelError) == b"abc"
    assert read_bytes(tmp_path / "short", 3, ModelError) == b"abc"
    with pytest.raises(ModelError, match="has 3 bytes"):
        read_bytes(tmp_path / "short", 2, ModelError)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list open files")
def test_files_are_closed_also_if_they_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 100)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert len(read_bytes(path, 100, LabelError)) == 100
        assert len(read_head(path, 10, LabelError)) == 10
        for unusable in (path, tmp_path):  # too large, not a file
            with pytest.raises(LabelError):
                read_bytes(unusable, 99, LabelError)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


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


def marked(data: bytes, offset: int, value: int) -> bytes:
    """An archive whose entries all have a byte of their headers changed; the local header lacks two leading bytes."""
    changed = bytearray(data)
    for sign, shift in ((b"PK\1\2", 2), (b"PK\3\4", 0)):
        place = changed.find(sign)
        while place >= 0:
            changed[place + offset + shift] = value
            place = changed.find(sign, place + 1)
    return bytes(changed)


def damaged(data: bytes) -> bytes:
    return data[:45] + b"\xff" * 20 + data[65:]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"", "not a usable archive"),
        (lambda data: b"PK junk", "not a usable archive"),
        (lambda data: data[:-30], "not a usable archive"),
        (damaged, "not a usable archive"),
        (lambda data: marked(data, 6, 1), "is encrypted"),
        (lambda data: marked(data, 8, 99), "not a usable archive"),
    ],
)
def test_damaged_and_encrypted_archives_are_one_kind_of_error(
    tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("entry", bytes(range(256)) * 4)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ModelError, match=said), open_zip(path, ModelError, 10**6) as archive:
        read_entry(archive, "entry", 10**6)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b", "C:\\x", "a\\..\\b"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ModelError, match="points outside"), open_zip(path, ModelError, 100):
        pass


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("one", b"x")
            archive.writestr("one", b"y")
    with pytest.raises(ModelError, match="occurs twice"), open_zip(path, ModelError, 100):
        pass


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(10**7))
    assert path.stat().st_size < 20_000
    with pytest.raises(ModelError, match="more than 1,000,000 bytes"), open_zip(path, ModelError, 10**6):
        pass
    with pytest.raises(ModelError, match="more than 1,000 bytes"), open_zip(path, ModelError, 10**8) as archive:
        read_entry(archive, "bomb", 1000)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with pytest.raises(ModelError, match="no such file"), open_zip(path, ModelError, 100):
        pass
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one", b"x")
    with pytest.raises(ModelError, match="other"), open_zip(path, ModelError, 100) as archive:
        read_entry(archive, "other", 10)
    with open_zip(path, ModelError, 100) as archive:
        assert read_entry(archive, "one", 1) == b"x"
