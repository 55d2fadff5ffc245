"""What an attacker tries, against a really started server: other files, visitors and websites, endless work."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_within_seconds_and_leaves_nothing_whatever_it_does(
    start_server: Any, meter_model: Path, long_wav: bytes, wav: bytes, tmp_path: Path, number: int
) -> None:
    with start_server(meter_model, tmp_path / "places") as server:
        links = []
        for data, cut in ((long_wav, 0), (wav, 0), (wav, 1)):  # one is worked on, one waits, one uploads
            head = (
                f"POST /api/detect?name=x.wav HTTP/1.1\r\nHost: localhost\r\nCookie: {server.visitor()}\r\n"
                f"Content-Type: application/octet-stream\r\nContent-Length: {len(data)}\r\n\r\n"
            )
            links.append(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            links[-1].sendall(head.encode() + data[: len(data) - cut])
        while b"model" not in links[0].recv(65536):
            pass
        children = server.children()
        assert len(children) == 1
        os.kill(children[0], signal.SIGSTOP)  # as a decoder that hangs and answers to nothing
        begun = time.monotonic()
        server.process.send_signal(number)
        said = server.process.communicate(timeout=30)[0]
        assert time.monotonic() - begun < 5
        for link in links:
            link.close()
    assert server.process.returncode == 0
    assert "Traceback" not in said
    assert said.count("\n") == 1, said
    assert not list((tmp_path / "places").glob("earwitness*"))
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)
