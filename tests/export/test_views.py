"""A result as a short table: printed, and in a notebook."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from earwitness.core.events import EventTable
from export_cases import VIDEO, detection, run

TABLE = EventTable.concatenate([run(0, 30, 12, 40, onscreen=True), run(20, 50, 8, -30, score=0.4)])


def test_it_prints_as_a_short_table() -> None:
    lines = repr(detection(TABLE)).splitlines()
    assert lines[0] == "clip.mp4: 2 events in 0:08.0"
    assert re.split(r"\s{2,}", lines[1]) == ["time", "sound", "direction", "distance", "screen", "confidence"]
    assert re.split(r"\s{2,}", lines[2]) == ["0:00.0-0:03.0", "Knock", "40° left", "1.2 m", "on screen", "70%"]
    assert lines[-1] == "warning: a warning"
    assert "screen" not in str(detection(TABLE, media=None))
    many = EventTable.concatenate([run(start, start + 1, 12, 0, source=start) for start in range(0, 60, 2)])
    assert "... and 10 more" in str(detection(many))
    assert len(str(detection(many)).splitlines()) == 24
    assert str(detection(EventTable.empty(20), media=None)).splitlines()[0] == "samples: no events in 0:02.0"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_notebooks_show_html_that_runs_nothing() -> None:
    media = replace(VIDEO, path=Path("<script>alert(1)</script>.mp4"))
    result = replace(detection(TABLE, media=media), warnings=["<img src=x onerror=alert(1)>"])
    tags = Tags(result._repr_html_())
    assert not tags.open
    assert set(tags.seen) <= {"div", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "span"}
    assert tags.seen.count("tr") == 3
