from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from foreign_files import SECRET, file_data, names_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")


def test_an_upload_is_bytes_and_options_and_nothing_else(server: Any, secret: Path) -> None:
    cookie, before = server.visitor(), set(server.own)
    for name in names_of(secret):
        for query in (f"path={quote(name)}", f"upload={quote(name)}", f"file={quote(name)}&name=a.wav"):
            answer = server.ask(
                "POST", f"/api/detect?{query}", b"x", cookie=cookie, Content_Type="application/octet-stream"
            )
            assert answer.status == 400
    # JSON that names a file is the file, and no media; a name is a name.
    body = json.dumps(file_data(str(secret))).encode()
    for name in (str(secret), f"../../../../../..{secret}"):
        answer = server.upload(body, quote(name, safe=""), cookie=cookie)
        assert answer.status == 200
        assert answer.lines[-1]["kind"] == "error"
        assert str(secret.parent) not in answer.body.decode()
    assert set(server.own) <= before


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXTINF:2,\n{path}\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '{path}'\n",
        b"file '{path}'\n",
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 97\n",
        b"<?xml version='1.0'?><MPD><Period><BaseURL>file://{path}</BaseURL></Period></MPD>",
    ],
)
def test_uploads_that_name_other_files_open_none(server: Any, secret: Path, content: bytes) -> None:
    suffix = "m3u8" if content.startswith(b"#EXTM3U") else "wav"
    answer = server.upload(content.replace(b"{path}", str(secret).encode()), f"a.{suffix}")
    assert answer.lines[-1]["kind"] == "error"
    assert SECRET not in answer.body


def test_odd_options_are_refused_in_one_line(server: Any, wav: bytes) -> None:
    for query in (
        "&fov=nan", "&fov=inf", "&fov=1e9", "&fov=", "&fov=x", "&captions=other", "&video=2", "&more=1",
        "&fov=90&fov=91", "&name=b.wav", "&a=1" * 50,
    ):  # fmt: skip
        answer = server.upload(wav, query=query)
        assert answer.status == 400, query
        assert answer.body.count(b"\n") == 0
    assert server.upload(b"").status == 400


def test_an_upload_that_is_broken_off_leaves_nothing(server: Any, wav: bytes) -> None:
    before = set(server.own)
    head = (
        f"POST /api/detect?name=part.wav HTTP/1.1\r\nHost: localhost\r\nCookie: {server.visitor()}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(wav)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as link:
        link.sendall(head.encode() + wav[:-1])
        until = time.monotonic() + 30
        while not [path for path in server.own if path.name == "part.wav"]:
            assert time.monotonic() < until
            time.sleep(0.02)
    until = time.monotonic() + 30
    while set(server.own) - before:
        assert time.monotonic() < until
        time.sleep(0.02)
