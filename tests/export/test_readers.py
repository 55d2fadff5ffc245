"""Each exchange format is read back by the format's own library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from earwitness.batch.formats import write
from earwitness.core.events import EventTable
from earwitness.media.containers.probe import MediaInfo
from export_cases import VIDEO, detection, run, tables

TABLE = EventTable.concatenate(
    [
        run(10, 25, 0, 23.4, onscreen=True),
        run(12, 20, 0, -40, source=1),
        run(40, 52, 0, 10),
        run(30, 33, 12, float("nan")),
    ]
)
SPANS = [(1.0, 2.5), (1.2, 2.0), (3.0, 3.3), (4.0, 5.2)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where to write; the suffix is added by the tests."""
    return tmp_path / "clip"


def test_json_lines(file: Path) -> None:
    write(detection(TABLE), file, "jsonl")
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(event["start"], event["end"]) for event in events] == SPANS
    assert {event["file"] for event in events} == {"clip.mp4"}
    assert events[0]["class"] == "female_speech"
    assert events[2]["azimuth_deg"] is None
    write(detection(EventTable.empty(5)), file, "jsonl")
    assert file.read_text() == ""


def test_parquet(file: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs the extra 'parquet'")
    write(detection(TABLE), file, "parquet")
    read = pq.read_table(file)
    table = TABLE.sorted()
    assert read.column("frame").to_pylist() == table.frame.tolist()
    assert read.column("class").to_pylist()[0] == "female_speech"
    assert read.column("time_s").to_pylist()[:2] == [1.0, 1.1]
    azimuth = read.column("azimuth_deg").to_pylist()
    assert [value is None for value in azimuth] == np.isnan(table.azimuth).tolist()
    assert azimuth[0] == pytest.approx(23.4)
    assert set(read.column("onscreen").to_pylist()) == {True, False}
    assert read.schema.metadata[b"earwitness.model"] == b"tiny"
    write(detection(EventTable.empty(5), media=None), file, "parquet")
    assert pq.read_table(file).num_rows == 0
    assert pq.read_table(file).schema.names == read.schema.names


def test_elan(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi", reason="reading ELAN files needs pympi-ling (extra 'dev')")
    media = MediaInfo(Path('a "b" & c.mp4'), 8.0, None, VIDEO.video)
    write(detection(TABLE, media=media), tmp_path / "clip.eaf", "elan")
    eaf = pympi.Elan.Eaf(str(tmp_path / "clip.eaf"))
    assert list(eaf.get_tier_names()) == ["Female speech", "Female speech 2", "Knock"]
    assert eaf.get_annotation_data_for_tier("Female speech") == [
        (1000, 2500, "23° left, 1.2 m, on screen"), (4000, 5200, "10° left, 1.2 m, off screen")
    ]  # fmt: skip
    assert eaf.get_annotation_data_for_tier("Knock") == [(3000, 3300, "unknown, 1.2 m, off screen")]
    assert eaf.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == './a "b" & c.mp4'
    assert eaf.get_linked_files()[0]["MIME_TYPE"] == "video/mp4"


def test_an_empty_elan_file_has_all_that_the_schema_demands(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi", reason="reading ELAN files needs pympi-ling (extra 'dev')")
    write(detection(EventTable.empty(20), media=None), tmp_path / "clip.eaf", "elan")
    assert list(pympi.Elan.Eaf(str(tmp_path / "clip.eaf")).get_tier_names()) == []
    text = (tmp_path / "clip.eaf").read_text()
    order = [text.index(f"<{tag}") for tag in ("HEADER", "TIME_ORDER", "LINGUISTIC_TYPE")]
    assert order == sorted(order)


def test_textgrid(tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    write(detection(TABLE), tmp_path / "clip.TextGrid", "textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=True, reportingMode="error")
    assert grid.tierNames == ("Female speech", "Female speech 2", "Knock")
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 8)
    intervals = [tuple(entry) for entry in grid.getTier("Female speech").entries]
    assert intervals == [
        (0, 1.0, ""), (1.0, 2.5, "23° left, 1.2 m, on screen"), (2.5, 4.0, ""),
        (4.0, 5.2, "10° left, 1.2 m, off screen"), (5.2, 8.0, ""),
    ]  # fmt: skip


def test_a_textgrid_of_nothing_has_a_tier(tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    write(detection(EventTable.empty(20)), tmp_path / "clip.TextGrid", "textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=True)
    assert [tuple(entry) for entry in grid.getTier(grid.tierNames[0]).entries] == [(0, 2.0, "")]


def test_rttm(tmp_path: Path) -> None:
    util = pytest.importorskip("pyannote.database.util", reason="reading RTTM needs pyannote.database (extra 'dev')")
    media = MediaInfo(Path("my clip.mp4"), 8.0, None, VIDEO.video)
    write(detection(TABLE, media=media), tmp_path / "clip.rttm", "rttm")
    annotations = util.load_rttm(tmp_path / "clip.rttm")
    assert list(annotations) == ["my_clip"]
    found = [(s.start, s.end, label) for s, _, label in annotations["my_clip"].itertracks(yield_label=True)]
    assert found == [
        (1.0, 2.5, "female_speech"), (1.2, 2.0, "female_speech_1"), (3.0, pytest.approx(3.3), "knock"),
        (4.0, pytest.approx(5.2), "female_speech"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_jams(tmp_path: Path) -> None:
    jams = pytest.importorskip("jams", reason="reading JAMS needs jams (extra 'dev')")
    write(detection(TABLE), tmp_path / "clip.jams", "jams")
    document = jams.load(str(tmp_path / "clip.jams"), validate=True, strict=True)
    (annotation,) = document.search(namespace="tag_open")
    assert [(o.time, round(o.time + o.duration, 1)) for o in annotation.data] == SPANS
    assert [o.value for o in annotation.data][:2] == ["female_speech"] * 2
    assert annotation.sandbox.spatial[0]["azimuth_deg"] == 23.4
    assert document.file_metadata.duration == 8.0


@settings(deadline=None, max_examples=15)
@given(table=tables())
def test_any_table_can_be_read_back(table: EventTable, tmp_path_factory: pytest.TempPathFactory) -> None:
    pympi = pytest.importorskip("pympi", reason="reading ELAN files needs pympi-ling (extra 'dev')")
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    path = tmp_path_factory.mktemp("any") / "clip"
    result = detection(table)
    write(result, path, "elan")
    eaf = pympi.Elan.Eaf(str(path))
    count = sum(len(eaf.get_annotation_data_for_tier(tier)) for tier in eaf.get_tier_names())
    assert count == len(result.events)
    write(result, path, "textgrid")
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False)
    assert sum(len(grid.getTier(name).entries) for name in grid.tierNames) == len(result.events)
