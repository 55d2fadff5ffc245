"""What an attacker tries, against a really started server: other files, visitors and websites, endless work."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from earwitness.media.sound.wav import write_wav

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")
SECRET = b"the secret of another file"
OTHER_ROUTES = (
    "/config", "/info", "/api", "/api/", "/api/detect/", "/queue/join", "/queue/data", "/gradio_api/info",
    "/gradio_api/queue/join", "/gradio_api/queue/data?session_hash=a", "/gradio_api/run/listen", "/gradio_api/upload",
    "/gradio_api/call/listen", "/gradio_api/stream/a/0/0/x", "/gradio_api/component_server", "/component_server",
    "/upload", "/docs", "/openapi.json", "/static/x", "/assets/x", "/theme.css", "/login", "/results", "/results/",
)  # fmt: skip
"""Those of Gradio, FastAPI and of our own made a little different: none of them exists."""


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory, make_burst: Any) -> Path:
    """A sound file that nobody uploaded."""
    path = tmp_path_factory.mktemp("home") / "secret.wav"
    write_wav(path, make_burst(2, (0.5, 1, 20)), 24_000)
    with path.open("ab") as file:
        file.write(SECRET)
    return path


def file_data(path: str) -> dict[str, Any]:
    """How pages made with Gradio name an upload."""
    return {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "x.wav", "size": 1}


def names_of(path: Path) -> list[str]:
    return [
        str(path),
        f"file://{path}",
        f"../../../../../..{path}",
        "/dev/zero",
        str(path.parent),
        "http://127.0.0.1:1/x",
    ]


# Paths


def test_no_route_takes_a_path(server: Any, secret: Path) -> None:
    cookie = server.visitor()
    for name in names_of(secret):
        body = json.dumps(
            {"data": [file_data(name), None, None, True, "terse", 100, True], "fn_index": 0, "path": name}
        )
        for route in (*OTHER_ROUTES, f"/file={name}", f"/gradio_api/file={quote(name)}", f"/proxy={name}"):
            for method in ("GET", "POST", "HEAD"):
                answer = server.ask(
                    method, quote(route, safe="/?=&%"), body if method == "POST" else None, cookie=cookie,
                    Content_Type="application/json",
                )  # fmt: skip
                assert answer.status in (404, 405), (method, route)
                assert SECRET not in answer.body


def test_an_upload_is_bytes_and_options_and_nothing_else(server: Any, secret: Path) -> None:
    cookie = server.visitor()
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
    assert server.own == []


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


@pytest.fixture(scope="module")
def result(server: Any, wav: bytes) -> tuple[str, dict[str, Any]]:
    """A visitor's cookie, and a finished result of his."""
    cookie = server.visitor()
    last = server.upload(wav, "mine.wav", cookie=cookie).lines[-1]
    assert last["kind"] == "result"
    return cookie, last


def test_a_result_is_its_visitors_alone(server: Any, result: tuple[str, dict[str, Any]]) -> None:
    cookie, last = result
    for name in last["files"]:
        path = f"/results/{last['token']}/{name}"
        assert server.ask("GET", path, cookie=cookie).status == 200
        name_of_cookie, value = cookie.split("=", 1)
        forged = f"{name_of_cookie}={value[:-1]}{'0' if value[-1] != '0' else '1'}"
        for other in ("", server.visitor(), forged, f"{name_of_cookie}=", f"{name_of_cookie}=a.b", "\x01=;;"):
            assert server.ask("GET", path, cookie=other).status == 404


def test_results_are_what_was_made_and_no_other_file(
    server: Any, result: tuple[str, dict[str, Any]], secret: Path
) -> None:
    cookie, last = result
    token = last["token"]
    folder = next(server.folder.glob(f"earwitness-serve-*/{token}"))
    (folder / "link.csv").symlink_to(secret)
    (folder / "folder").mkdir()
    (folder / "folder" / "x.csv").write_bytes(SECRET)
    os.mkfifo(folder / "pipe.csv")
    (folder.parent / "beside.csv").write_bytes(SECRET)
    try:
        for name in (
            "link.csv", "folder", "folder/x.csv", "pipe.csv", "../beside.csv", "..%2fbeside.csv", "%2e%2e/beside.csv",
            "..%5cbeside.csv", "%00", "mine.csv%00.wav", ".", "..", "", quote(str(secret), safe=""), f"/{secret}",
            "%252e%252e%252fbeside.csv",
        ):  # fmt: skip
            for top in (token, "..", ".", "", "%2e%2e", "*", token.upper()):
                answer = server.ask("GET", f"/results/{top}/{name}", cookie=cookie)
                assert answer.status == 404, (top, name)
                assert SECRET not in answer.body
    finally:
        (folder / "link.csv").unlink()
        (folder / "pipe.csv").unlink()
        (folder.parent / "beside.csv").unlink()


def test_what_a_stranger_sent_is_never_a_page(server: Any, result: tuple[str, dict[str, Any]]) -> None:
    cookie, last = result
    for name in (*last["files"], "mine.wav"):
        answer = server.ask("GET", f"/results/{last['token']}/{name}", cookie=cookie)
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy, kind = answer.headers["content-security-policy"], answer.headers["content-type"]
        assert "default-src 'none'" in policy
        if name == last["report"]:
            assert kind.startswith("text/html")
            assert "connect-src" not in policy
        else:
            assert not kind.startswith("text/")
            assert "unsafe" not in policy
    odd = server.upload(b"<script>alert(1)</script>", "x.report.html", cookie=cookie)
    assert odd.lines[-1]["kind"] == "error"


# Other websites

REBINDING = (
    "evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
    "127.1", "2130706433", "0x7f000001", "192.168.1.1", "[::2]", "0.0.0.0:{port}", "", " ", "localhost:0",
    "localhost:x", "localhost:99999", "localhost/", "localhost localhost", "evil.example.", "[::1", "*",
)  # fmt: skip
OWN = (
    "localhost", "localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "[0:0::1]", "localhost.",
    "[::ffff:127.0.0.1]:{port}", "localhost:9000",
)  # fmt: skip
ROUTES = ("GET /", "HEAD /", "GET /page.js", "GET /results/a/b", "POST /api/detect", "GET /none", "OPTIONS /", "PUT /")


def status_of(answer: bytes) -> int:
    return int(re.match(rb"HTTP/1\.1 (\d+)", answer)[1]) if answer else 0  # type: ignore[index]


@pytest.mark.parametrize("route", ROUTES)
def test_foreign_hosts_are_refused_on_every_route(server: Any, route: str) -> None:
    for host in REBINDING:
        head = f"{route} HTTP/1.1\r\nHost: {host.format(port=server.port)}\r\nConnection: close\r\n\r\n"
        assert status_of(server.raw(head.encode())) in (400, 405, 421), host


def test_more_than_one_host_or_none_is_refused(server: Any) -> None:
    own = f"127.0.0.1:{server.port}"
    for hosts in ("", f"Host: {own}\r\nHost: evil.example\r\n", f"Host: evil.example\r\nHost: {own}\r\n"):
        for version in ("1.0", "1.1"):
            answer = server.raw(f"GET / HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n".encode())
            assert status_of(answer) in (400, 421)
    forwarded = f"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: {own}\r\nConnection: close\r\n\r\n"
    assert status_of(server.raw(forwarded.encode())) == 421
    absolute = "GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert status_of(server.raw(absolute.encode())) == 421


def test_this_machines_own_names_are_allowed_in_any_spelling(server: Any) -> None:
    for host in OWN:
        head = f"GET / HTTP/1.1\r\nHost: {host.format(port=server.port)}\r\nConnection: close\r\n\r\n"
        assert status_of(server.raw(head.encode())) == 200, host


@pytest.mark.parametrize("path", ["/", "/page.js", "/results/a/b", "/none"])
def test_foreign_origins_are_refused_on_every_route(server: Any, path: str, wav: bytes) -> None:
    own, cookie = f"http://127.0.0.1:{server.port}", server.visitor()
    for origin in (
        "http://evil.example", "null", "", "file://", own + ".evil.example", own.replace("http", "ftp"),
        f"http://localhost:{server.port}", "http://127.0.0.1:1", "http://127.0.0.1", f"{own}/", f"x{own}", own + "@e.x",
    ):  # fmt: skip
        for method in ("GET", "POST", "HEAD"):
            assert server.ask(method, path, cookie=cookie, Origin=origin).status == 403, (method, origin)
        assert (
            server.ask(
                "POST", "/api/detect?name=a.wav", wav, cookie=cookie, Origin=origin,
                Content_Type="application/octet-stream",
            ).status
            == 403
        )  # fmt: skip
    assert server.ask("GET", path, cookie=cookie, Origin=own).status in (200, 404)


def test_what_a_form_of_another_site_can_send_is_refused(server: Any, wav: bytes) -> None:
    cookie = server.visitor()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "audio/wav"):
        answer = server.ask("POST", "/api/detect?name=a.wav", wav, cookie=cookie, Content_Type=kind)
        assert answer.status == 415
    for site in ("cross-site", "same-site", "elsewhere"):
        for method, path in (("GET", "/page.js"), ("GET", "/results/a/b"), ("POST", "/api/detect?name=a")):
            answer = server.ask(
                method, path, cookie=cookie, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document"
            )
            assert answer.status == 403
        framed = server.ask("GET", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe")
        assert framed.status == 403
        link = server.ask("GET", "/", Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")
        assert link.status == 200, "a link may lead to the page"
    assert server.upload(wav, cookie="a=b").status == 403, "no cookie of ours"


def test_no_answer_lets_other_sites_read_it(server: Any) -> None:
    for method in ("GET", "OPTIONS", "HEAD", "POST"):
        for path in ("/", "/api/detect", "/page.js", "/none"):
            headers = server.ask(method, path, Access_Control_Request_Method="POST").headers
            assert not [name for name in headers if name.startswith("access-control")]
            assert headers["x-frame-options"] == "SAMEORIGIN"
            assert headers["cross-origin-resource-policy"] == "same-origin"


def test_websockets_are_refused(server: Any) -> None:
    for path in ("/", "/api/detect", "/ws", "/queue/join"):
        head = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://evil.example\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
            link.sendall(head.encode())
            assert status_of(link.recv(65536)) in (400, 403, 404, 405)


# Size


def test_one_limit_for_a_request_however_it_is_sent(server: Any) -> None:
    cookie = server.visitor()
    kinds = {"cookie": cookie, "Content_Type": "application/octet-stream"}
    for size in (2_000_001, 60_000_000, 10**18):
        for path in (
            "/api/detect?name=a.wav",
            "/",
            "/gradio_api/queue/join",
            "/gradio_api/run/listen",
            "/gradio_api/upload",
        ):
            head = (
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
                f"Content-Type: application/octet-stream\r\nContent-Length: {size}\r\n\r\n"
            )
            assert status_of(server.first(head.encode())) == 413
    assert server.ask("POST", "/none", b" " * 20_000, **kinds).status == 413, "what is no upload is small"

    large = bytes(20_000_000)
    for path in ("/api/detect?name=a.wav", "/", "/gradio_api/queue/join"):
        assert server.ask("POST", path, large, **kinds).status == 413, (
            "also where all is sent before the answer is read"
        )
    pieces = (bytes(65536) for _ in range(300))  # chunked: no length is declared
    assert server.ask("POST", "/api/detect?name=a.wav", pieces, **kinds).status == 413
    chunked = f"POST /none HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nCookie: {cookie}\r\n\r\n"
    assert status_of(server.first(chunked.encode())) == 411
    wait_until_empty(server)


def wait_until_empty(server: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while server.children() and time.monotonic() < until:
        time.sleep(0.05)
    assert not server.children()


def test_odd_options_are_refused_in_one_line(server: Any, wav: bytes) -> None:
    for query in (
        "&fov=nan", "&fov=inf", "&fov=1e9", "&fov=", "&fov=x", "&captions=other", "&video=2", "&more=1",
        "&fov=90&fov=91", "&name=b.wav", "&a=1" * 50,
    ):  # fmt: skip
        answer = server.upload(wav, query=query)
        assert answer.status == 400, query
        assert answer.body.count(b"\n") == 0
    assert server.upload(b"").status == 400


# Endless work


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


def test_an_upload_that_takes_too_much_is_ended(
    start_server: Any, meter_model: Path, long_wav: bytes, wav: bytes, tmp_path: Path
) -> None:
    with start_server(meter_model, tmp_path / "places", "--max-memory", "60") as server:
        last = server.upload(wav).lines[-1]
        assert last == {"kind": "error", "message": last["message"]}
        assert "more memory" in last["message"]
        assert str(tmp_path) not in last["message"]
        assert server.own == []
    with start_server(
        meter_model, tmp_path / "places", "--max-seconds", "0.2", "--allow-host", "Lab.Example."
    ) as server:
        assert "more time" in server.upload(wav).lines[-1]["message"]
        for host, status in (("lab.example", 200), ("lab.example:443", 200), ("other.example", 421)):
            answer = server.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert status_of(answer) == status
