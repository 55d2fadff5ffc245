from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import EncodingError, NoVideoError, UnreadableMediaError
from earwitness.core.events import EventTable
from earwitness.export.event_clips import ClipSettings, plan_clips, write_clips
from earwitness.media.sound.wav import wav_info, write_wav
from earwitness.results.detection import Detection
from export_cases import VIDEO, detection, run

TABLE = EventTable.concatenate([run(0, 10, 12, 30), run(13, 20, 12, 30), run(5, 30, 8, 0), run(60, 80, 12, -40)])


def spans(result: Detection, settings: ClipSettings) -> list[tuple[float, float, int]]:
    return [(round(clip.start, 3), round(clip.end, 3), len(clip.events)) for clip in plan_clips(result, settings)]


def test_padding_and_merging() -> None:
    result = detection(TABLE)
    assert spans(result, ClipSettings(padding=0)) == [(0, 1, 1), (0.5, 3, 1), (1.3, 2, 1), (6, 8, 1)]
    assert spans(result, ClipSettings(padding=0.5)) == [(0, 2.5, 2), (0, 3.5, 1), (5.5, 8, 1)]
    assert spans(result, ClipSettings(padding=0, merge=0.4)) == [(0, 2, 2), (0.5, 3, 1), (6, 8, 1)]
    assert spans(result, ClipSettings(padding=0, merge=10)) == [(0, 8, 3), (0.5, 3, 1)]
    assert spans(detection(EventTable.empty(20)), ClipSettings()) == []


@pytest.fixture
def recording(tmp_path: Path) -> Detection:
    path = tmp_path / "a.wav"
    write_wav(path, np.random.default_rng(0).normal(0, 0.1, (2, 64_000)), 8000)
    return replace(detection(TABLE, media=replace(VIDEO, path=path, video=None)), duration=8.0)


def test_clips_and_their_list(recording: Detection, tmp_path: Path) -> None:
    target = tmp_path / "out" / "-strange: \u202ename"
    index = write_clips(recording, target)
    listed = list(csv.DictReader(index.read_text().splitlines()))
    assert [(row["start_s"], row["end_s"], row["class"], row["events"]) for row in listed] == [
        ("0.000", "2.500", "knock", "2"), ("0.000", "3.500", "music", "1"), ("5.500", "8.000", "knock", "1"),
    ]  # fmt: skip
    for row in listed:
        path = index.parent / row["clip"]
        assert wav_info(path).seconds == pytest.approx(float(row["end_s"]) - float(row["start_s"]), abs=0.001)
        assert path.name.isprintable()
        assert path.name.startswith("strange_name_000")
    kept = index.parent / Path(listed[0]["clip"]).parent / "mine.txt"
    kept.write_text("notes")
    write_clips(replace(recording, table=EventTable.empty(80)), target)
    assert [path.name for path in kept.parent.iterdir()] == ["mine.txt"]


def test_what_cannot_be_cut_says_so(recording: Detection, tmp_path: Path) -> None:
    with pytest.raises(NoVideoError, match="no moving pictures"):
        write_clips(recording, tmp_path / "a", ClipSettings("video"))
    with pytest.raises(UnreadableMediaError, match="name it with --media"):
        write_clips(detection(TABLE), tmp_path / "a")
    (tmp_path / "b.clips").write_text("")
    with pytest.raises(EncodingError, match="is a file, not a folder"):
        write_clips(recording, tmp_path / "b")
