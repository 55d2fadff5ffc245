from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from earwitness.core.files import digests as module
from earwitness.core.files.digests import Digests


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as settled at once, so that tests need not wait."""
    monkeypatch.setattr(module, "_SETTLED_NS", -(10**12))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.usefixtures("settled")
def test_files_are_read_once_until_they_change(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.wav", tmp_path / "digests.json"
    path.write_bytes(b"one")
    first = Digests()
    assert first.of(path) == first.of(path) == digest(b"one")
    assert first.read == 1
    first.save(cache)
    again = Digests.load(cache)
    assert again.of(path) == digest(b"one")
    assert again.read == 0


@pytest.mark.usefixtures("settled")
def test_a_change_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"one")
    before = path.stat()
    known = Digests()
    known.of(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert known.of(path) == digest(b"two")
    other = tmp_path / "b.wav"
    other.write_bytes(b"six")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert known.of(path) == digest(b"six")


def test_a_file_that_changed_a_moment_ago_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"one")
    known = Digests()
    assert known.of(path) == known.of(path) == digest(b"one")
    assert known.read == 2
    assert not known.known


def test_files_that_are_not_there(tmp_path: Path) -> None:
    known = Digests()
    assert known.of(None) == "missing"
    assert known.of(tmp_path / "none.wav") == "unreadable"


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"a": 1}', b"\xff\xfe", b'{"a": [1, 2, 3]}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "digests.json"
    path.write_bytes(content)
    assert Digests.load(path).known == {}
