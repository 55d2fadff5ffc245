from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.cache import cache_folder


def test_follows_the_users_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("EARWITNESS_CACHE", raising=False)
    assert cache_folder("models") == tmp_path / "xdg" / "earwitness" / "models"
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "mine"))
    assert cache_folder("models") == tmp_path / "mine" / "models"
