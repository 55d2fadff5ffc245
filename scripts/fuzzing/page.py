"""Requests to the page in the browser (`earwitness serve`), byte by byte, to a server within this process."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fuzzing.damage import mutated
from fuzzing.odd_values import ODD_TEXTS, as_text, odd_value

_PATHS: Final = (
    "/", "/api/detect", "/api/detect", "/api/detect", "/results/a/b", "/results/..%2f..%2fetc%2fpasswd/x", "/page.js",
    "/results/%00/%00", "/gradio_api/file=/etc/passwd", "/../../etc/passwd", "//etc/passwd", "/file=/etc/passwd",
    "/api/detect/", "http://127.0.0.1:9/x", "*", "/" + "a" * 9000, "/%", "/%ff%fe",
)  # fmt: skip
_HOSTS: Final = (
    "localhost", "localhost", "localhost", "127.0.0.1", "evil.example", "", "localhost:0", "[::1", "a@localhost",
    "localhost:99999", "127.1", "\xff", "localhost\tlocalhost",
)  # fmt: skip
_ORIGINS: Final = (
    "null",
    "http://evil.example",
    "http://localhost",
    "file://",
    "http://localhost.evil.example",
    "x" * 9000,
)
_LIMIT_BYTES: Final = 2_000_000
_PATIENCE_SECONDS: Final = 1.0
"""For an answer to a request that may be incomplete."""
_ALIVE_SECONDS: Final = 60.0
_WORK_SECONDS: Final = 100.0
_SECRET: Final = b"root:"


class Page:
    """A server with a small model, and its visitors.

    Args:
        model: what it listens with.
        folder: for its uploads.
    """

    def __init__(self, model: Path, folder: Path) -> None:
        import uvicorn

        from earwitness.serve.analysis import ServeLimits, load_detector
        from earwitness.serve.guard import AllowedHosts
        from earwitness.serve.result_store import ResultStore, Sessions
        from earwitness.serve.server import build_application
        from earwitness.serve.upload_queue import JobQueue

        limits = ServeLimits(megabytes=_LIMIT_BYTES / 1e6, minutes=1, seconds=120, queue=4, memory_mb=1500)
        queue = JobQueue(partial(load_detector, str(model), "cpu", None), limits)
        self._store = ResultStore(folder, 60, limits.upload_bytes)
        app = build_application(queue, self._store, Sessions("fuzz"), limits, AllowedHosts("127.0.0.1", ()))
        listener = socket.create_server(("127.0.0.1", 0))
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(app, http="h11", ws="none", log_level="critical", proxy_headers=False, lifespan="off")
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
        self._cookie = b""

    def ask(self, request: Path) -> None:
        """Send a request and judge its answer; afterwards the page must still be there.

        Raises:
            AssertionError: no answer of HTTP, an error of the server, another file, or a message of several lines.
        """
        cookie = self._new_cookie()
        data = request.read_bytes().replace(b"{cookie}", cookie).replace(b"{port}", str(self._port).encode())
        answer = self._sent(data, _PATIENCE_SECONDS)
        if answer:
            status = int(answer[9:12]) if answer.startswith(b"HTTP/1.1 ") else 0
            assert status in (*range(200, 500), 503, 507), answer[:300]
            assert _SECRET not in answer, "another file was sent"
            assert b"Traceback" not in answer, answer[:300]
        for line in answer.splitlines():
            if line.startswith((b'{"kind": "error"', b'{"kind":"error"')):
                message = json.loads(line)["message"]
                assert message.strip(), "an error without words"
                assert "\n" not in message, message
                assert "cannot go on" not in message, message
        assert self._new_cookie(), "the page does not answer any more"

    def _new_cookie(self) -> bytes:
        answer = self._sent(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer[:200]
        found = [line for line in answer.splitlines() if line.lower().startswith(b"set-cookie:")]
        return found[0].split(b":", 1)[1].split(b";")[0].strip()

    def _sent(self, data: bytes, first: float = _ALIVE_SECONDS) -> bytes:
        """What comes back; nothing where the server has not begun to answer after `first` seconds."""
        answer, until = b"", time.monotonic() + _WORK_SECONDS
        with socket.create_connection(("127.0.0.1", self._port), timeout=_ALIVE_SECONDS) as link:
            try:
                link.sendall(data)
                link.settimeout(first)
                while time.monotonic() < until and (piece := link.recv(65_536)):
                    answer += piece
                    link.settimeout(_ALIVE_SECONDS)
            except OSError:  # it closed the connection, or waits for the rest of a request that has none
                pass
        return answer


def requests(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A request with odd paths, hosts, origins, sizes, options and bodies; one in eight uploads a damaged file."""
    path = folder / "case.http"
    if chance.random() < 0.12:
        name = chance.choice(("sound.wav", "mp4.mp4", "labels.csv", "flac.flac"))
        path.write_bytes(_upload(chance, mutated((valid / name).read_bytes(), chance)))
        return path
    body = chance.choice((
        b"", b"x", as_text(odd_value(chance), chance), b"\0" * 5000, b"#EXTM3U\n/etc/passwd\n",
        json.dumps({"data": [{"path": "/etc/passwd"}], "path": "/etc/passwd"}).encode(),
    ))  # fmt: skip
    method = chance.choice(("GET", "POST", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "TRACE", "G\xcbT", ""))
    target = chance.choice(_PATHS)
    if chance.random() < 0.5:
        name = quote(chance.choice(("a.wav", *ODD_TEXTS)), errors="surrogatepass")
        key = chance.choice(("name", "name", "path", "file", "fov", "video", "captions", "mono", "", "name&name"))
        target += f"?{key}={name}&fov={chance.choice(('100', 'nan', '-1', '1e999', ''))}"
    lines = [f"{method} {target} {chance.choice(('HTTP/1.1',) * 6 + ('HTTP/1.0', 'HTTP/9.9', ''))}"]
    lines += [f"Host: {chance.choice(_HOSTS)}"] * chance.choice((1, 1, 1, 1, 0, 2))
    lines += ["Connection: close"]
    if chance.random() < 0.3:
        lines.append(f"Origin: {chance.choice(_ORIGINS)}")
    if chance.random() < 0.6:
        lines.append("Cookie: {cookie}" if chance.random() < 0.7 else f"Cookie: earwitness={'a.' * 3000}")
    if chance.random() < 0.6:
        kinds = ("application/octet-stream", "application/json", "multipart/form-data; boundary=x", "text/html", "\xff")
        lines.append(f"Content-Type: {chance.choice(kinds)}")
    length = chance.choice((str(len(body)),) * 5 + ("0", "-1", str(_LIMIT_BYTES + 1), str(2**70), "1e3", "+5", "١"))
    lines.append(f"Content-Length: {length}" if chance.random() < 0.8 else "Transfer-Encoding: chunked")
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    data = head + b"\r\n\r\n" + body
    path.write_bytes(mutated(data, chance) if chance.random() < 0.2 else data)
    return path


def _upload(chance: random.Random, body: bytes) -> bytes:
    name = quote(chance.choice(("a.wav", "a.mp4", "b", *ODD_TEXTS)), errors="surrogatepass")
    query = f"name={name}&video={chance.choice(('true', 'false'))}&mono=true"
    head = (
        f"POST /api/detect?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {{cookie}}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requester(valid: Path, folder: Path) -> Any:
    """What sends a request; the server starts with the first one."""
    started: list[Page] = []

    def ask(request: Path) -> None:
        if not started:
            (folder / "page").mkdir()
            started.append(Page(valid / "model.onnx", folder / "page"))
        started[0].ask(request)

    return ask
