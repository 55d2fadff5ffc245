from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from earwitness.core.errors import UsageError
from earwitness.core.files import cache as module
from earwitness.core.files.cache import Digests, cache_folder, keep_within


def test_follows_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("EARWITNESS_CACHE", raising=False)
    assert cache_folder("models") == tmp_path / "xdg" / "earwitness" / "models"
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "mine"))
    assert cache_folder("models") == tmp_path / "mine" / "models"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder in which nothing chooses a cache folder."""
    for name in ("EARWITNESS_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux")
def test_the_default_lies_in_the_home_folder(home: Path) -> None:
    assert cache_folder("models") == home / ".cache" / "earwitness" / "models"


def test_a_cache_of_the_first_version_stays_in_use(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = home / "Library" / "Caches" / "earwitness"
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: library)
    assert cache_folder("models") == library / "models"
    former = home / ".cache" / "earwitness" / "models"
    former.mkdir(parents=True)
    assert cache_folder("models") == former
    assert cache_folder("logs") == library / "logs"
    (library / "models").mkdir(parents=True)
    assert cache_folder("models") == library / "models"


def test_without_a_home_folder_the_error_names_the_variable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache/earwitness"))
    with pytest.raises(UsageError, match="set EARWITNESS_CACHE"):
        cache_folder("models")


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "middle", "old", ".being-written")):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    keep_within(tmp_path, 300)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "middle", "old", ".being-written"}
    (tmp_path / "old").touch()
    keep_within(tmp_path, 299)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "old", ".being-written"}
    keep_within(tmp_path, 0)
    assert {path.name for path in tmp_path.iterdir()} == {".being-written"}


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
