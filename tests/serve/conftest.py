"""A really started `earwitness serve`, and requests to it as an attacker makes them: byte by byte."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter
from foreign_files import SECRET

COMMAND = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from earwitness.cli.main import main; sys.argv[0] = 'earwitness'; main()"
)
"""Ctrl-C counts, also where the suite runs in the background of a shell."""
START_SECONDS = 240


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass
class Server:
    """A running command.

    Attributes:
        port: where it listens.
        folder: where all its temporary files lie.
        process: the command.
    """

    port: int
    folder: Path
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def ask(
        self, method: str, path: str, body: Any = None, *, cookie: str = "", timeout: float = 120, **headers: str
    ) -> Answer:
        """One request; `_` in the names of headers stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if cookie:
            given["Cookie"] = cookie
        try:
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def raw(self, data: bytes) -> bytes:
        """What comes back for these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            link.sendall(data)
            link.settimeout(30)
            answer = b""
            while piece := link.recv(65536):
                answer += piece
            return answer

    def first(self, data: bytes) -> bytes:
        """The first that comes back, while the request may still go on."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link:
            link.sendall(data)
            return link.recv(65536)

    def visitor(self) -> str:
        """The cookie of a new visitor."""
        return self.ask("GET", "/").headers["set-cookie"].split(";")[0]

    def upload(self, data: bytes, name: str = "clip.wav", *, cookie: str = "", query: str = "") -> Answer:
        path = f"/api/detect?name={name}&video=false{query}"
        return self.ask(
            "POST", path, data, cookie=cookie or self.visitor(), Content_Type="application/octet-stream"
        )  # fmt: skip

    @property
    def own(self) -> list[Path]:
        """Files and folders of the server that are there now."""
        return [path for top in self.folder.glob("earwitness-serve-*") for path in top.rglob("*")]

    def children(self) -> list[int]:
        """Processes that work for it, without multiprocessing's own helper."""
        found = []
        for listed in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for pid in listed.read_text().split():
                with suppress(OSError):
                    if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                        found.append(int(pid))
        return found


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def running(model: Path, folder: Path, *options: str) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", COMMAND, "serve", "--port", str(port), "--model", str(model), *options]
    places = {"TMPDIR": str(folder), "EARWITNESS_CACHE": str(folder / "cache")}
    process = subprocess.Popen(
        command, env={**os.environ, **places}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    server = Server(port, folder, process)

    def answers() -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        try:
            return server.ask("GET", "/").status == 200
        except OSError:
            return False

    try:
        wait_for(answers, START_SECONDS)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


@pytest.fixture(scope="session")
def start_server() -> Any:
    return running


@pytest.fixture(scope="session")
def server(meter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes 2 MB and a minute."""
    pytest.importorskip("uvicorn", reason="needs the extra 'serve'")
    pytest.importorskip("starlette", reason="needs the extra 'serve'")
    folder = tmp_path_factory.mktemp("serve")
    with running(meter_model, folder, "--max-mb", "2", "--max-minutes", "1", "--queue", "2") as started:
        yield started
    assert started.process.stdout
    assert started.process.stdout.read().count("\n") == 1, "it says where it listens, and has no problems to tell"
    assert not list(folder.glob("earwitness-serve-*")), "all is cleared away"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory, make_burst: Any) -> Path:
    """3 s of a grey picture; music at the left from 1 to 2 s."""
    path = tmp_path_factory.mktemp("clip") / "my clip.mp4"
    with MediaWriter(path, 160, 90, Fraction(10), audio_rate=24_000, preset="ultrafast") as writer:
        for k in range(30):
            writer.write_frame(np.full((90, 160, 3), 60, np.uint8), k / 10)
        writer.write_audio(make_burst(3, (1, 2, 40)))
    return path


@pytest.fixture(scope="session")
def wav(tmp_path_factory: pytest.TempPathFactory, make_burst: Any) -> bytes:
    from earwitness.media.writer import write_wav

    path = tmp_path_factory.mktemp("wav") / "short.wav"
    write_wav(path, make_burst(2, (0.5, 1.5, 40)), 24_000)
    return path.read_bytes()


@pytest.fixture(scope="session")
def long_wav(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """As long as the server takes it, at a rate that makes it small: work on it goes on for a while."""
    from earwitness.media.writer import write_wav

    path = tmp_path_factory.mktemp("wav") / "long.wav"
    noise = np.random.default_rng(0).normal(scale=0.1, size=(2, 59 * 8000)).astype(np.float32)
    write_wav(path, noise, 8000)
    return path.read_bytes()


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory, make_burst: Any) -> Path:
    """A sound file that nobody uploaded."""
    path = tmp_path_factory.mktemp("home") / "secret.wav"
    write_wav(path, make_burst(2, (0.5, 1, 20)), 24_000)
    with path.open("ab") as file:
        file.write(SECRET)
    return path


@pytest.fixture(scope="module")
def result(server: Any, wav: bytes) -> tuple[str, dict[str, Any]]:
    """A visitor's cookie, and a finished result of his."""
    cookie = server.visitor()
    last = server.upload(wav, "mine.wav", cookie=cookie).lines[-1]
    assert last["kind"] == "result"
    return cookie, last
