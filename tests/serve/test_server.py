from __future__ import annotations

import json
import os
import socket
import sys
from inspect import signature
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from earwitness.cli.main import main
from earwitness.cli.serve import run
from foreign_files import SECRET, file_data, names_of


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


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")


OTHER_ROUTES = (
    "/config", "/info", "/api", "/api/", "/api/detect/", "/queue/join", "/queue/data", "/gradio_api/info",
    "/gradio_api/queue/join", "/gradio_api/queue/data?session_hash=a", "/gradio_api/run/listen", "/gradio_api/upload",
    "/gradio_api/call/listen", "/gradio_api/stream/a/0/0/x", "/gradio_api/component_server", "/component_server",
    "/upload", "/docs", "/openapi.json", "/static/x", "/assets/x", "/theme.css", "/login", "/results", "/results/",
)  # fmt: skip


"""Those of Gradio, FastAPI and of our own made a little different: none of them exists."""


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
