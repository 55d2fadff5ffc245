"""Event CSV, Raven selections and Label Studio tasks."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from earwitness.batch.formats import FORMATS, write
from earwitness.batch.saving import combined_table, is_result
from earwitness.core.errors import LabelError, UsageError
from earwitness.core.events import EventTable
from earwitness.data.dcase.layout import is_other_table
from earwitness.export.label_tracks import RAVEN_COLUMNS
from earwitness.export.tables import event_csv_pieces, to_data_frame
from earwitness.results import document
from earwitness.results.detection import EventIntervals
from earwitness.results.visual import EventKey
from export_cases import VIDEO, detection, run

TABLE = EventTable.concatenate([run(10, 40, 12, 30), run(20, 25, 8, float("nan"), onscreen=True)])


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text), delimiter=delimiter))


def test_event_csv_has_one_event_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = rows(str(FORMATS["events"].contents(detection(TABLE))))
    assert first == {
        "file": "clip.mp4", "start_s": "1.0", "end_s": "4.0", "duration_s": "3.0", "class": "knock", "name": "Knock",
        "source": "0", "azimuth_deg": "30.0", "distance_m": "1.23", "onscreen": "false", "score": "0.7",
    }  # fmt: skip
    assert (second["azimuth_deg"], second["onscreen"]) == ("", "true")
    sound = str(FORMATS["events"].contents(detection(TABLE, media=None)))
    assert (rows(sound)[0]["file"], rows(sound)[1]["onscreen"]) == ("", "")
    formula = replace(VIDEO, path=Path("=1+1.mp4"))
    assert rows(str(FORMATS["events"].contents(detection(TABLE, media=formula))))[0]["file"] == "'=1+1.mp4"

    class WithInterval(document.Event):
        distance_interval_m: list[float]

    def documents(result: object) -> object:
        found = [document.event_of(event) for event in detection(TABLE).events]
        return (WithInterval(**one.model_dump(by_alias=True), distance_interval_m=[0.8, 1.9]) for one in found)

    monkeypatch.setattr("earwitness.export.tables.event_documents", documents)
    first, _ = rows(str(FORMATS["events"].contents(detection(TABLE))))
    assert (first["distance_interval_m_low"], first["distance_interval_m_high"]) == ("0.8", "1.9")


def test_one_table_for_many_results(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(detection(TABLE, media=replace(VIDEO, path=Path(f"{name}.mp4"))), tmp_path / f"{name}.json", "json")
    sources = sorted(tmp_path.glob("*.json"))
    assert all(map(is_result, sources))
    combined_table(sources, tmp_path / "all.csv")
    assert [row["file"] for row in rows((tmp_path / "all.csv").read_text())] == ["a.mp4", "a.mp4", "b.mp4", "b.mp4"]
    assert is_other_table(tmp_path / "all.csv")
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(tmp_path / "all.csv")
    assert frame["distance_m"].tolist() == [1.23] * 4
    pytest.importorskip("pyarrow")
    combined_table(sources, tmp_path / "all.parquet")
    assert pandas.read_parquet(tmp_path / "all.parquet")["class"].tolist() == ["knock", "music"] * 2
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        combined_table(sources, tmp_path / "all.xlsx")
    (tmp_path / "c.json").write_text("{}")
    assert not is_result(tmp_path / "c.json")
    with pytest.raises(LabelError):
        combined_table([tmp_path / "c.json"], tmp_path / "c.csv")
    assert not (tmp_path / "c.csv").exists()


def test_raven_selections() -> None:
    first, second = rows(str(FORMATS["raven"].contents(detection(TABLE))), "\t")
    assert tuple(first) == RAVEN_COLUMNS
    assert [first[name] for name in RAVEN_COLUMNS[:9]] == [
        "1", "Spectrogram 1", "1", "1.000", "4.000", "0.0", "12000.0", "clip.mp4", "Knock",
    ]  # fmt: skip
    assert (first["Azimuth (deg)"], second["Azimuth (deg)"]) == ("30.0", "")


def test_label_studio_task() -> None:
    (task,) = json.loads(FORMATS["labelstudio"].contents(detection(TABLE)))
    assert task["data"]["audio"] == "/data/local-files/?d=clip.mp4"
    interface = Xml.fromstring(task["data"]["interface"])
    names = {tag.get("name"): tag.tag for tag in interface if tag.get("name")}
    labels = {label.get("value") for label in interface.iter("Label")}
    (prediction,) = task["predictions"]
    assert {region["from_name"] for region in prediction["result"]} | {"audio"} == set(names)
    regions = [region for region in prediction["result"] if region["type"] == "labels"]
    assert [region["value"]["labels"] for region in regions] == [["Knock"], ["Music"]]
    assert {label for region in regions for label in region["value"]["labels"]} == labels
    assert (regions[0]["value"]["start"], regions[0]["value"]["end"], regions[0]["original_length"]) == (1.0, 4.0, 8.0)
    notes = [region["value"]["text"] for region in prediction["result"] if region["type"] == "textarea"]
    assert notes[0] == ["30° left, 1.2 m, off screen"]
    assert len({region["id"] for region in prediction["result"]}) == 2


def test_intervals_are_columns_of_the_table_and_of_data_frames() -> None:
    pandas = pytest.importorskip("pandas", reason="data frames need the extra 'pandas'")
    result = detection(run(10, 20, 0, 20.0))
    event = next(result.table.iter_events())
    known = {EventKey.of(event): EventIntervals((5.0, 40.0), (1.0, 3.5))}
    result = replace(result, intervals=known)
    head, row = "".join(event_csv_pieces(result)).splitlines()
    assert head.endswith(
        "azimuth_interval_deg_low,azimuth_interval_deg_high,distance_interval_m_low,distance_interval_m_high"
    )
    assert row.endswith(",5.0,40.0,1.0,3.5")
    for tracks, rows in ((False, 1), (True, 10)):
        frame = to_data_frame(result, tracks=tracks)
        assert isinstance(frame, pandas.DataFrame)
        assert frame["azimuth_interval_deg_high"].tolist() == [40.0] * rows
        assert frame["distance_interval_m_low"].tolist() == [1.0] * rows
