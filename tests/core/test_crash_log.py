from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import pytest

from earwitness.core.crash_log import describe, write_log


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_the_log_holds_the_trace_and_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    error = raised(ZeroDivisionError("broken\nsecond line"))
    path = write_log(error)
    assert path is not None
    assert path.parent == tmp_path / "cache" / "logs"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert "ZeroDivisionError: broken" in text
    assert "in raised" in text
    assert write_log(error) == path
    said = describe(error, path)
    assert said.count("\n") == 0
    assert "ZeroDivisionError: broken" in said
    assert str(path) in said


def test_where_the_cache_cannot_be_written_the_temporary_folder_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = write_log(ValueError("x"))
    assert path is not None
    assert path.parent == tmp_path
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    assert write_log(ValueError("x")) is None
    assert "details" not in describe(ValueError("x"), None)


def test_old_logs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path))
    old = tmp_path / "logs" / "earwitness-old.log"
    old.parent.mkdir()
    old.write_bytes(bytes(2**21))
    assert write_log(ValueError("x")) is not None
    assert not old.exists()


def test_a_recursion_without_end_is_logged_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path))

    def again(depth: int) -> int:
        return again(depth + 1)

    with pytest.raises(RecursionError) as caught:
        again(0)
    path = write_log(caught.value)
    assert path is not None
    assert path.stat().st_size < 500_000
    assert "nests too deep" in describe(caught.value, path)
