from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from earwitness.batch.formats import FORMATS, write
from earwitness.core.errors import LabelError, UnreadableMediaError
from earwitness.core.events import EventTable
from earwitness.core.geometry import View
from earwitness.media.writer import write_wav
from earwitness.results.document import read_document
from earwitness.results.saved import read_result
from export_cases import VIDEO, detection, run, tables

FIRST_VERSION = Path(__file__).parents[1] / "data" / "golden" / "results" / "document-0.1.0.json"


@settings(deadline=None, max_examples=20)
@given(table=tables())
def test_whatever_can_be_made_of_a_detection_can_be_made_of_its_json(
    table: EventTable, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("saved") / "clip.json"
    found = detection(table)
    write(found, path, "json")
    saved = read_result(path)
    for name, known in FORMATS.items():
        if name != "html":
            assert known.contents(saved) == known.contents(found), name


def test_what_was_seen_is_kept_when_a_saved_result_is_saved_again(tmp_path: Path) -> None:
    table = EventTable.concatenate([run(0, 5, 3, 10), run(9, 20, 0, 40), run(9, 20, 5, -40)])
    first, again = tmp_path / "first.json", tmp_path / "again.json"
    write(detection(table), first, "json")
    values = json.loads(first.read_text())
    values["visual"] = {"width": 64, "height": 48, "picture_frames": 80, "seen": [{"seen": 0, "what": "person"}]}
    values["events"][1]["visual"] = {"common_cause": 0.7, "seen": 0, "why": "somebody is there"}
    first.write_text(json.dumps(values))
    write(read_result(first), again, "json")
    assert json.loads(again.read_text()) == values
    values["events"].reverse()  # as after an edit: each event keeps what belongs to it
    first.write_text(json.dumps(values))
    write(read_result(first), again, "json")
    assert json.loads(again.read_text())["events"] == values["events"][::-1]


@pytest.mark.parametrize(
    ("fov", "seen", "view"),
    [
        (40.0, None, View(40.0)),
        (40.0, {"width": 640, "height": 360, "content": [220, 0, 420, 360]}, View(40.0, 200 / 640)),
        ("wide", {"width": 640, "content": [5, 0, 5, 1]}, View()),
        (0, {"width": 640, "content": "all"}, View()),
        (None, {"width": None, "content": [0, 0, 1, 1]}, View()),
    ],
)
def test_what_the_pictures_show_is_read_as_far_as_it_makes_sense(
    fov: object, seen: dict[str, object] | None, view: View, tmp_path: Path
) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 3, 10)), path, "json")
    values = json.loads(path.read_text())
    values["settings"]["fov"], values["visual"] = fov, seen
    path.write_text(json.dumps(values))
    assert read_result(path).view == view


def test_the_media_file_is_found_where_it_was_or_beside(tmp_path: Path) -> None:
    path = tmp_path / "clip.json"
    write(detection(run(0, 5, 0, 0)), path, "json")
    assert read_result(path).media_file is None
    (tmp_path / "clip.mp4").write_bytes(b"x")
    assert read_result(path).media_file == tmp_path / "clip.mp4"
    with pytest.raises(UnreadableMediaError):
        read_result(path, tmp_path / "none.mp4")


def test_a_named_file_says_itself_whether_it_has_pictures(tmp_path: Path) -> None:
    write(detection(run(0, 5, 0, 0)), tmp_path / "clip.json", "json")
    write_wav(tmp_path / "a.wav", np.zeros((2, 24_000), np.float32), 24_000)
    saved = read_result(tmp_path / "clip.json", tmp_path / "a.wav")
    assert not saved.has_video
    assert saved.media_file == tmp_path / "a.wav"


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("html", "parquet")])
def test_a_name_that_is_no_text_does_not_stop_the_writers(tmp_path: Path, name: str) -> None:
    source = Path(os.fsdecode(b"latin\xe9.mp4"))
    found = detection(run(0, 5, 0, 0), media=replace(VIDEO, path=source))
    write(found, tmp_path / "clip", name)
    assert (tmp_path / "clip").read_bytes().decode()
    if name == "json":
        assert read_document(tmp_path / "clip").source.file == "latin?.mp4"


def test_dcase_csv(tmp_path: Path) -> None:
    write(detection(run(10, 90, 3, -20, num_frames=100)), tmp_path / "clip.csv", "csv")
    saved = read_result(tmp_path / "clip.csv")
    assert [(event.start, event.end) for event in saved.events] == [(1.0, 9.0)]
    assert saved.table.num_frames == 90
    assert saved.model.name.startswith("unknown")
    write_wav(tmp_path / "a.wav", np.zeros((2, 240_000), np.float32), 24_000)
    assert read_result(tmp_path / "clip.csv", tmp_path / "a.wav").table.num_frames == 100


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match=r"\.json or \.csv"):
        read_result(tmp_path / "clip.txt")
    with pytest.raises(LabelError, match=r"none\.json"):
        read_result(tmp_path / "none.json")


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_sounds_of_one_source_number_stay_apart(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    table = EventTable.concatenate([run(0, 20, 1, 40, source=0), run(0, 20, 1, -40, source=1)])
    write(detection(table), path, suffix[1:])
    if suffix == ".json":
        path.write_text(path.read_text().replace('"source": 1', '"source": 0'))
    else:
        path.write_text(path.read_text().replace(",1,1,", ",1,0,"))
    assert sorted(event.azimuth for event in read_result(path).events) == [-40.0, 40.0]


def test_a_document_of_the_first_version_is_read_and_written_with_the_same_values(tmp_path: Path) -> None:
    values = json.loads(FIRST_VERSION.read_text())
    found = read_result(FIRST_VERSION)
    (event,) = found.events
    assert (event.sound_class.slug, found.model.name, found.has_video) == ("music", "meter", True)
    assert found.visual is not None
    seen = found.visual.of(event)
    assert seen is not None
    assert seen.seen in {thing.seen for thing in found.visual.pictures.seen or ()}
    write(found, tmp_path / "again.json", "json")
    again = json.loads((tmp_path / "again.json").read_text())
    values["source"]["file"] = again["source"]["file"]  # where the golden file lies
    assert again.pop("vocabulary")["name"] == "dcase2025"  # the document has none
    assert again | {"tool": None} == values | {"tool": None}
