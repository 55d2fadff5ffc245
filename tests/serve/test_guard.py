from __future__ import annotations

import re
import socket
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.serve.guard import AllowedHosts, Authority, parse_authority
from serve_visits import wait_until_empty

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Localhost:7860", Authority("localhost", 7860)),
        ("localhost.", Authority("localhost", None)),
        ("[0:0:0:0:0:0:0:1]:80", Authority("::1", 80)),
        ("[::FFFF:127.0.0.1]", Authority("127.0.0.1", None)),
        ("[::1", None),
        ("[fe80::1%eth0]", None),
        ("a:b", None),
        ("a:123456", None),
        ("a:0", None),
        ("::1", None),
        (".", None),
        ("", None),
        ("a b", None),
        ("user@localhost", None),
        ("localhost\n", None),
        ("localhost:٨٠", None),
    ],
)
def test_one_spelling_for_each_host(text: str, expected: Authority | None) -> None:
    assert parse_authority(text) == expected


def test_an_address_of_the_network_is_allowed_where_the_connection_came_in() -> None:
    hosts = AllowedHosts("0.0.0.0")
    assert hosts.host("192.168.1.5:7860", "192.168.1.5")
    assert hosts.host("192.168.1.5:7860", "::ffff:192.168.1.5"), "a socket of both families"
    assert hosts.host("[fe80::1]:7860", "fe80::1%eth0")
    assert hosts.host("localhost", "192.168.1.5")
    assert hosts.host("192.168.1.6", "192.168.1.5") is None
    assert hosts.host("0.0.0.0", "192.168.1.5") is None
    assert hosts.host("printer", "192.168.1.5") is None
    assert hosts.host("evil.example", None) is None


def test_names_can_be_allowed() -> None:
    hosts = AllowedHosts("lab-server", ["SELD.example.org.", "fe80::2", "[fe80::3]"])
    for name in ("lab-server:7860", "seld.example.org", "[fe80::2]", "[fe80::3]:1", "127.0.0.1"):
        assert hosts.host(name, None), name
    for name in ("seld.example.org:80", "http://a", "a/b", "*", "", "a b"):
        with pytest.raises(UsageError, match="--allow-host"):
            AllowedHosts("127.0.0.1", [name])


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://localhost:7860", "localhost:7860", True),
        ("http://LOCALHOST:7860", "localhost.:7860", True),
        ("https://seld.example.org", "seld.example.org", True),
        ("https://seld.example.org", "seld.example.org:443", True),
        ("http://localhost:80", "localhost", True),
        ("http://localhost", "localhost:7860", False),
        ("http://127.0.0.1:7860", "localhost:7860", False),
        ("http://localhost:7860/", "localhost:7860", False),
        ("http://a@localhost:7860", "localhost:7860", False),
        ("ws://localhost:7860", "localhost:7860", False),
        ("null", "localhost:7860", False),
        ("", "localhost:7860", False),
        ("localhost:7860", "localhost:7860", False),
    ],
)
def test_only_the_pages_own_origin(origin: str, host: str, same: bool) -> None:
    parsed = parse_authority(host)
    assert parsed is not None
    assert AllowedHosts.same_origin(origin, parsed) is same


@given(st.text(max_size=40))
def test_no_other_text_is_an_allowed_host(text: str) -> None:
    given = AllowedHosts("127.0.0.1").host(text, "127.0.0.1")
    assert given is None or given.host in ("localhost", "127.0.0.1", "::1")
