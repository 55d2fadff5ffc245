from __future__ import annotations

import socket
import sys
import time
from typing import Any

import pytest

from serve_visits import wait_until_empty

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")


def test_work_ends_when_its_visitor_leaves_and_the_next_one_need_not_wait(
    server: Any, long_wav: bytes, wav: bytes
) -> None:
    cookie = server.visitor()
    head = (
        f"POST /api/detect?name=long.wav&video=true HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(long_wav)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as link:
        link.sendall(head.encode() + long_wav)
        while b"model" not in link.recv(65536):
            pass
        assert server.children()
    left = time.monotonic()
    wait_until_empty(server)
    assert time.monotonic() - left < 2
    assert not [path for path in server.own if "long" in path.name], "nothing of it is kept"
    assert server.upload(wav).lines[-1]["kind"] == "result"


def test_the_queue_has_an_end(server: Any, wav: bytes) -> None:
    cookie = server.visitor()
    head = (
        f"POST /api/detect?name=slow.wav HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(wav)}\r\n\r\n"
    )
    links = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(3)]
    try:
        for link in links:
            link.sendall(head.encode() + wav[:-1])
        time.sleep(0.5)
        assert server.upload(wav).status == 503
        links[0].sendall(wav[-1:])
        answer = b""
        while b'"result"' not in answer:
            answer += links[0].recv(65536)
    finally:
        for link in links:
            link.close()
    wait_until_empty(server)
