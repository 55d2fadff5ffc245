from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from export_cases import detection, run, tables
from hypothesis import given, settings

from earwitness.errors import LabelError, UnreadableMediaError
from earwitness.events import EventTable
from earwitness.export import FORMATS, read_result, write
from earwitness.media.writer import write_wav


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
