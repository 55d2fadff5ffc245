"""The command `serve`: what it refuses before it listens."""

from __future__ import annotations

import socket

import pytest

from in_process import Command

pytest.importorskip("uvicorn", reason="needs the extra 'serve'")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--port", "70000"), "port"),
        (("--model", "nothing.onnx"), "nothing.onnx"),
        (("--classes", "unicorn"), "unicorn"),
        (("--device", "quantum"), "quantum"),
        (("--max-mb", "-1"), "megabytes"),
    ],
)
def test_unusable_options_are_named_in_one_line(earwitness: Command, options: tuple[str, str], named: str) -> None:
    result = earwitness("serve", "--no-vision", *options)
    assert result.code in (1, 2)
    assert named in result.err
    assert "listens" not in result.out


def test_a_port_in_use_is_named(earwitness: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = earwitness("serve", "--no-vision", "--port", port)
    assert result.code in (1, 2)
    assert str(port) in result.err
