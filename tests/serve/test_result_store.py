from __future__ import annotations

import time
from pathlib import Path

import pytest

from earwitness.serve.result_store import ResultStore, Sessions, StoredResult, is_own_file


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results", keep_seconds=600, most_bytes=100)


def finished(store: ResultStore, session: str, size: int = 10) -> StoredResult:
    result = store.open(session)
    (result.folder / "a.csv").write_bytes(bytes(size))
    store.finish(result, "a.report.html")
    return result


def test_a_result_is_found_by_its_visitor_when_it_is_finished(store: ResultStore) -> None:
    result = store.open("me")
    (result.folder / "a.csv").write_bytes(b"x")
    assert store.find("me", result.token, "a.csv") is None
    store.finish(result, "a.report.html")
    assert store.find("me", result.token, "a.csv") == (result, result.folder / "a.csv")
    assert store.find("you", result.token, "a.csv") is None
    assert store.find("", result.token, "a.csv") is None
    assert store.find("me", "other", "a.csv") is None
    for name in ("", ".", "..", "../a.csv", "b.csv", "a.csv/", "a.csv\0", "/etc/passwd", str(result.folder / "a.csv")):
        assert store.find("me", result.token, name) is None


def test_results_are_kept_as_long_as_promised(store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> None:
    old, begun = finished(store, "me"), time.monotonic()
    working = store.open("me")
    monkeypatch.setattr(time, "monotonic", lambda: begun + 500)
    new = finished(store, "me")
    assert store.find("me", old.token, "a.csv")
    monkeypatch.setattr(time, "monotonic", lambda: begun + 700)
    store.sweep()
    assert store.find("me", old.token, "a.csv") is None
    assert not old.folder.exists()
    assert store.find("me", new.token, "a.csv")
    assert working.folder.exists(), "what is worked on stays"


def test_the_oldest_go_early_where_all_take_too_much(store: ResultStore) -> None:
    results = [finished(store, "me", 900) for _ in range(4)]  # 20 times 100 bytes may be stored
    there = [store.find("me", result.token, "a.csv") is not None for result in results]
    assert there == [False, False, True, True]
    large = finished(store, "me", 10_000)
    assert store.find("me", large.token, "a.csv"), "the newest stays whatever it takes"


def test_what_is_no_file_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "a").write_bytes(b"x")
    (tmp_path / "b").write_bytes(b"x")
    (folder / "link").symlink_to(tmp_path / "b")
    (folder / "own-link").symlink_to(folder / "a")
    assert is_own_file(folder / "a", folder)
    for path in (folder / "link", folder / "own-link", folder, folder / "none", tmp_path / "b", Path("/dev/zero"),
                 folder / ".." / "b", folder / ("x" * 5000), folder / "\0"):  # fmt: skip
        assert not is_own_file(path, folder), path


def test_a_cookie_is_taken_by_the_server_that_made_it() -> None:
    mine, other = Sessions("s"), Sessions("s")
    cookie = mine.new().split(";")[0]
    assert mine.find(cookie)
    assert mine.find(f"a=b; {cookie}; c=d") == mine.find(cookie)
    assert "HttpOnly" in mine.new()
    assert "SameSite=Lax" in mine.new()
    for header in (
        None,
        "",
        "s=",
        "s=x",
        "s=x.y",
        cookie[:-1],
        cookie.replace("s=", "t="),
        "s=é.ü",
        "\0",
        ";;==;",
        f"{cookie}0",
    ):
        assert mine.find(header) is None
    assert other.find(cookie) is None
