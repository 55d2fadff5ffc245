from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.cli.serve import run
from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.detector import Detector
from earwitness.serve.analysis import ServeLimits, VisitorOptions

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
    searches = ("&find=door", "&labels=any")
    with start_server(meter_model, tmp_path / "places", "--exclude", "household,bell") as server:
        answers = {
            query: server.upload(wav, query=query).lines[-1]
            for query in ("", "&classes=musical%2CDoor", "&exclude=MUSIC", "&classes=musik", *searches)
        }
    assert [answers[query]["kind"] for query in answers] == ["result"] * 3 + ["error", "result", "error"]
    events = [answer.get("events", "") for answer in answers.values()]
    assert events[0].startswith("1 event: Music 40° left. Left out on request: Domestic sounds, Door,")
    assert events[1].startswith("1 event: Music 40° left. Left out on request: Female speech,")
    assert events[2].startswith("No events. Left out on request: Domestic sounds, Door, Music,")
    assert "did you mean music" in answers["&classes=musik"]["message"]
    assert events[4].startswith("No events. Left out on request: Female speech,")
    assert "detects its classes only" in answers["&labels=any"]["message"]


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


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("my clip.mp4", "my clip.mp4"),
        ("take.1.WAV", "take.1.WAV"),
        ("Übung (2).mov", "Übung (2).mov"),
        ("/etc/passwd", "passwd.media"),
        ("../../x.wav", "x.wav"),
        ("C:\\videos\\x.wav", "x.wav"),
        ("a.json", "a.json.media"),
        ("a.report.html", "a.report.html.media"),
        ("a.m3u8", "a.m3u8.media"),
        (".hidden", "hidden.media"),
        ("..", "upload.media"),
        ("", "upload.media"),
        ("-rf.wav", "rf.wav"),
        ("a\nb\0c<d>.wav", "a_b_c_d_.wav"),
        ("x" * 900 + ".mp4", "x" * 150 + ".mp4"),
    ],
)
def test_names_on_disk(given_name: str, expected: str) -> None:
    assert VisitorOptions(name=given_name).file_name == expected


@given(st.text(max_size=300))
def test_any_name_is_a_plain_file_name(tmp: str) -> None:
    name = VisitorOptions(name=tmp).file_name
    assert name == Path(name).name
    assert not name.startswith((".", "-"))
    assert len(name.encode()) < 200
    assert name.isprintable()


@pytest.mark.parametrize("name", ["megabytes", "minutes", "seconds", "queue", "keep_minutes", "memory_mb"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_must_be_possible(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        ServeLimits(**{name: value})  # type: ignore[arg-type]


def test_no_file_gets_more_time_than_the_server_gives() -> None:
    limits = ServeLimits(seconds=60, memory_mb=500).of_a_file
    for allowed in (limits.start(), limits.for_media(1e6, 10**12)):
        assert allowed.seconds == 60
        assert allowed.cpu_seconds == 60
        assert allowed.memory_mb == 500
