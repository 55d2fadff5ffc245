from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from earwitness.core.errors import UsageError
from earwitness.core.files.cache import cache_folder, keep_within


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
