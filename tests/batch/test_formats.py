from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from earwitness.batch.formats import FORMATS, Options, parse_formats, write
from earwitness.core.errors import EncodingError, LabelError, UsageError
from earwitness.core.events import EventTable
from earwitness.results.document import read_document, read_events
from export_cases import detection, run, tables


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_json_gives_back_exactly_what_was_written(table: EventTable, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "clip.json"
    write(detection(table), path, "json")
    assert read_events(path).same_as(table, tolerance=0)
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_json_says_where_it_comes_from(tmp_path: Path) -> None:
    from earwitness import __version__
    from earwitness.core.version import commit

    path = tmp_path / "clip.json"
    write(detection(run(10, 25, 0, 23.46)), path, "json")
    document = json.loads(path.read_text())
    assert list(document) == [
        "schema_version", "tool", "source", "model", "vocabulary", "settings", "warnings", "visual", "frame_rate",
        "num_frames", "events"
    ]  # fmt: skip
    assert document["tool"] == {"name": "earwitness", "version": __version__, "commit": commit()}
    assert document["source"] == {"file": "clip.mp4", "duration": 8.0, "has_video": True, "sha256": None}
    assert document["model"] == {"name": "tiny", "sha256": "0" * 64}
    assert document["warnings"] == ["a warning"]
    (event,) = document["events"]
    assert {key: value for key, value in event.items() if key != "track"} == {
        "class": "female_speech", "class_index": 0, "source": 0, "start": 1.0, "end": 2.5, "azimuth_deg": 23.5,
        "distance_m": 1.23, "onscreen": False, "score": 0.7, "visual": None,
    }  # fmt: skip
    assert event["track"]["frames"] == list(range(10, 25))
    assert event["track"]["distance"][0] == 1.234


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"events": [{"class": "door"}]}, "events.0"),
        ({"num_frames": 5}, "frames must lie"),
        ({"frame_rate": 25}, "frame_rate"),
    ],
)
def test_a_wrong_json_names_its_key(tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(10, 25, 0, 23.4)), path, "json")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(LabelError, match=message) as raised:
        read_events(path)
    assert "clip.json" in str(raised.value)


def test_no_json_at_all(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text('{"schema_version": 1')
    for name in ("cut.json", "none.json"):
        with pytest.raises(LabelError, match=name):
            read_events(tmp_path / name)


def test_track_columns_must_have_one_length(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(1, 4, 0, 0)), path, "json")
    document = json.loads(path.read_text())
    document["events"][0]["track"]["score"].pop()
    path.write_text(json.dumps(document))
    with pytest.raises(LabelError, match="differ in length"):
        read_events(path)


def test_formats_are_parsed() -> None:
    assert [chosen.name for chosen in parse_formats(["vtt, SRT", "csv", "vtt"])] == ["vtt", "srt", "csv"]
    with pytest.raises(UsageError, match="unknown format 'pdf'; choose from: csv, json"):
        parse_formats(["csv,pdf"])


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EncodingError, match="cannot be written"):
        write(detection(EventTable.empty(5)), tmp_path / "file" / "clip.csv", "csv")


def test_documents_can_be_read_by_newer_writers(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(1, 4, 0, 0)), path, "json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mood": "good"}))
    assert read_document(path).num_frames == 80


def test_a_detection_read_back_is_the_one_that_was_written(tmp_path: Path) -> None:
    from earwitness.results.saved import read_result

    written = detection(run(10, 25, 0, 23.46))
    write(written, tmp_path / "clip.json", "json")
    read = read_result(tmp_path / "clip.json")
    assert read.table.same_as(written.table.sorted())
    assert (read.model, read.duration, read.warnings) == (written.model, written.duration, written.warnings)
    assert (read.path, read.has_video) == (written.path, written.has_video)


@pytest.mark.parametrize("name", FORMATS)
def test_worker_processes_can_be_told_formats(name: str) -> None:
    chosen = replace(FORMATS[name], options=Options(captions="full"))
    assert pickle.loads(pickle.dumps(chosen)) == chosen
