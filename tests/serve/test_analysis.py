from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from earwitness.cli.serve import run
from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.detector import Detector

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="looks for processes in /proc")


def status_of(answer: bytes) -> int:
    return int(re.match(rb"HTTP/1\.1 (\d+)", answer)[1]) if answer else 0  # type: ignore[index]


def test_an_upload_that_takes_too_much_is_ended(
    start_server: Any, meter_model: Path, long_wav: bytes, wav: bytes, tmp_path: Path
) -> None:
    with start_server(meter_model, tmp_path / "places", "--max-memory", "60") as server:
        last = server.upload(wav).lines[-1]
        assert last == {"kind": "error", "message": last["message"]}
        assert "memory limit" in last["message"]
        assert str(tmp_path) not in last["message"]
        assert server.own == []
    with start_server(
        meter_model, tmp_path / "places", "--max-seconds", "0.2", "--allow-host", "Lab.Example."
    ) as server:
        assert "time limit" in server.upload(wav).lines[-1]["message"]
        for host, status in (("lab.example", 200), ("lab.example:443", 200), ("other.example", 421)):
            answer = server.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert status_of(answer) == status


def test_the_server_and_its_visitors_choose_classes(
    start_server: Any, meter_model: Path, wav: bytes, tmp_path: Path
) -> None:
    with start_server(meter_model, tmp_path / "places", "--exclude", "household,bell") as server:
        answers = {
            query: server.upload(wav, query=query).lines[-1]
            for query in ("", "&classes=musical%2CDoor", "&exclude=MUSIC", "&classes=musik")
        }
    assert [answers[query]["kind"] for query in answers] == ["result", "result", "result", "error"]
    events = [answer.get("events", "") for answer in answers.values()]
    assert events[0].startswith("1 event: Music 40° left. Left out on request: Domestic sounds, Door,")
    assert events[1].startswith("1 event: Music 40° left. Left out on request: Female speech,")
    assert events[2].startswith("No events. Left out on request: Domestic sounds, Door, Music,")
    assert "did you mean music" in answers["&classes=musik"]["message"]


def test_what_is_seen_in_uploads_is_not_kept(monkeypatch: pytest.MonkeyPatch, free_port: int) -> None:
    asked: list[dict[str, Any]] = []

    def load(model: str, **options: Any) -> None:
        asked.append(options)
        raise ModelError("enough")

    monkeypatch.setattr(Detector, "load", load)
    for options in ({}, {"no_vision": True}):
        with pytest.raises(UsageError, match="enough"):
            run(port=free_port, **options)
    assert [(one["keep_seen"], one["vision"]) for one in asked] == [(False, "auto"), (False, None)]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
