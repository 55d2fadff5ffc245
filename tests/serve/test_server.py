from __future__ import annotations

import socket
import sys
from inspect import signature

import pytest

from earwitness.cli.main import main
from earwitness.cli.serve import run


def test_the_default_address_is_this_machine() -> None:
    assert signature(run).parameters["host"].default == "127.0.0.1"


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
