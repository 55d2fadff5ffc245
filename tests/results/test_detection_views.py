"""A result as people see it in Python: printed, in a notebook, as a data frame, plotted, saved."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from earwitness.core.errors import MissingExtraError, UnreadableMediaError, UsageError
from earwitness.core.events import EventTable
from earwitness.results.detection import VIEWS, result_view
from earwitness.results.saved import read_result
from export_cases import VIDEO, detection, run

TABLE = EventTable.concatenate([run(0, 30, 12, 40, onscreen=True), run(20, 50, 8, -30, score=0.4)])


def test_all_views_can_be_imported() -> None:
    assert all(callable(result_view(name)) for name in VIEWS)


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


def test_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    frame = detection(TABLE).to_pandas()
    assert frame["class"].tolist() == ["knock", "music"]
    assert frame["distance_m"].tolist() == [1.23, 1.23]
    assert isinstance(frame, pandas.DataFrame)
    assert len(detection(TABLE).to_pandas(tracks=True)) == len(TABLE)
    assert list(detection(EventTable.empty(3)).to_pandas().columns) == list(frame.columns)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"earwitness\[pandas\]"):
        detection(TABLE).to_pandas()


def test_save_by_suffix(tmp_path: Path) -> None:
    result = detection(TABLE)
    for name, begins in (
        ("a.json", b"{"), ("a.csv", b"frame,class"), ("a.events.csv", b"file,start_s"), ("a.srt", b"1\n"),
        ("a.TTML", b"<?xml"), ("a.textgrid", b"File type"), ("a.png", b"\x89PNG"), ("a.selections.txt", b"Selection"),
    ):  # fmt: skip
        assert result.save(tmp_path / name).read_bytes().startswith(begins), name
    assert result.save(tmp_path / "b.txt", "srt", language="de").read_text().startswith("1\n")
    assert read_result(tmp_path / "a.json").table.same_as(result.table)
    with pytest.raises(UsageError, match=r"no format has this suffix; use one of .*\.srt"):
        result.save(tmp_path / "a.doc")
    with pytest.raises(UsageError, match="save\\(\\) has the options captions, "):
        result.save(tmp_path / "a.srt", lang="de")
    with pytest.raises(UsageError, match="no captions in 'xx'"):
        result.save(tmp_path / "a.srt", language="xx")
    with pytest.raises(UnreadableMediaError, match="was not found"):
        result.save(tmp_path / "a.mp4")


def test_plot_returns_a_figure(tmp_path: Path) -> None:
    figure = detection(TABLE).plot(tmp_path / "a.svg")
    assert type(figure).__name__ == "Figure"
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_a_result_needs_none_of_the_rooms_above_until_it_is_asked() -> None:
    code = (
        "import sys, earwitness.results.detection\n"
        "print([name for name in sys.modules if name.startswith(('earwitness.export', 'earwitness.render'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
