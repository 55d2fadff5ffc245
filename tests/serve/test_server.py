from __future__ import annotations

import socket
import sys
from inspect import signature
from typing import Any

import pytest

from earwitness.cli.main import main
from earwitness.cli.serve import run
from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.detector import Detector
from earwitness.serve.sessions import Sessions


def test_the_default_address_is_this_machine() -> None:
    assert signature(run).parameters["host"].default == "127.0.0.1"


def test_what_is_seen_in_uploads_is_not_kept(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    asked: list[dict[str, Any]] = []

    def load(model: str, **options: Any) -> None:
        asked.append(options)
        raise ModelError("enough")

    monkeypatch.setattr(Detector, "load", load)
    for options in ({}, {"no_vision": True}):
        with pytest.raises(UsageError, match="enough"):
            run(port=free_port, **options)
    assert [(one["keep_seen"], one["vision"]) for one in asked] == [(False, "auto"), (False, None)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-mb", "0"], "megabytes is 0"),
        (["--max-memory", "nan"], "memory_mb is nan"),
        (["--model", "none"], "unknown model 'none'"),
        (["--allow-host", "http://a"], "--allow-host must be a name"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:"),
        (["--host", "no such name"], "cannot listen on no such name:"),
    ],
)
def test_wrong_usage_is_one_line(
    options: list[str],
    message: str,
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert message in usage_error(monkeypatch, capsys, "--port", str(free_port), *options)


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen on 127.0.0.1:{port}" in usage_error(monkeypatch, capsys, "--port", port)


def usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    monkeypatch.setattr(sys, "argv", ["earwitness", "serve", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.count("\n") == 1
    return said


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
