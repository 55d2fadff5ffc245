from __future__ import annotations

import os
from pathlib import Path

import pytest

from earwitness.core.files.cache import cache_folder, keep_within


def test_follows_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("EARWITNESS_CACHE", raising=False)
    assert cache_folder("models") == tmp_path / "xdg" / "earwitness" / "models"
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "mine"))
    assert cache_folder("models") == tmp_path / "mine" / "models"


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
