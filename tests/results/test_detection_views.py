"""A result as people see it in Python: printed, in a notebook, as a data frame, plotted, saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.core.errors import MissingExtraError, UnreadableMediaError, UsageError
from earwitness.core.events import EventTable
from earwitness.results.detection import VIEWS, result_view
from earwitness.results.saved import read_result
from export_cases import detection, run

TABLE = EventTable.concatenate([run(0, 30, 12, 40, onscreen=True), run(20, 50, 8, -30, score=0.4)])


def test_all_views_can_be_imported() -> None:
    assert all(callable(result_view(name)) for name in VIEWS)


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
