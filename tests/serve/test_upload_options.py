from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.serve.upload_options import ServeLimits, VisitorOptions


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
