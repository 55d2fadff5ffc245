from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.data.dcase_csv import HEADER, read_rows, read_table
from earwitness.errors import EncodingError, LabelError, RecipeError
from earwitness.events import EventTable
from earwitness.export import FORMATS, parse_formats, read_events, write
from earwitness.export.json_events import read_document
from earwitness.export.wording import direction_in_degrees, direction_in_words
from earwitness.inference.detection import Detection, ModelId
from earwitness.media.probe import MediaInfo, VideoInfo

MODEL = ModelId("tiny", "0" * 64)
VIDEO = MediaInfo(Path("clip.mp4"), 8.0, None, VideoInfo(64, 48, 25.0, 0, 0.0, False, 8.0))


def detection(table: EventTable, *, media: MediaInfo | None = VIDEO) -> Detection:
    return Detection(table, MODEL, duration=table.duration, media=media, warnings=["a warning"], settings={"a": [0.5]})


def run(
    first: int, last: int, class_index: int, azimuth: float, *, onscreen: bool = False, source: int = 0
) -> EventTable:
    frames = np.arange(first, last)
    return EventTable.from_columns(
        frame=frames, class_index=class_index, azimuth=azimuth, distance=1.234, onscreen=onscreen,
        score=0.7, num_frames=80,
    )  # fmt: skip


def tables() -> st.SearchStrategy[EventTable]:
    angle = st.floats(-90, 90, width=32) | st.just(float("nan"))
    metres = st.floats(0, 100, width=32) | st.just(float("nan"))
    key = st.tuples(st.integers(0, 19), st.integers(0, 12), st.integers(0, 2))
    rest = st.tuples(angle, metres, st.booleans(), st.floats(0, 1, width=32))
    return st.dictionaries(key, rest, max_size=30).map(
        lambda rows: EventTable.from_columns(
            frame=[k[0] for k in rows], class_index=[k[1] for k in rows], source=[k[2] for k in rows],
            azimuth=[v[0] for v in rows.values()], distance=[v[1] for v in rows.values()],
            onscreen=[v[2] for v in rows.values()], score=[v[3] for v in rows.values()], num_frames=25,
        )
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_json_gives_back_exactly_what_was_written(table: EventTable, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("json") / "clip.json"
    write(detection(table), path, "json")
    assert read_events(path).same_as(table, tolerance=0)
    json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_json_says_where_it_comes_from(tmp_path: Path) -> None:
    from earwitness import __version__
    from earwitness.provenance import commit

    path = tmp_path / "clip.json"
    write(detection(run(10, 25, 0, 23.46)), path, "json")
    document = json.loads(path.read_text())
    assert list(document) == [
        "schema_version", "tool", "source", "model", "settings", "warnings", "frame_rate", "num_frames", "events"
    ]  # fmt: skip
    assert document["tool"] == {"name": "earwitness", "version": __version__, "commit": commit()}
    assert document["source"] == {"file": "clip.mp4", "duration": 8.0, "has_video": True, "sha256": None}
    assert document["model"] == {"name": "tiny", "sha256": "0" * 64}
    assert document["warnings"] == ["a warning"]
    (event,) = document["events"]
    assert {key: value for key, value in event.items() if key != "track"} == {
        "class": "female_speech", "class_index": 0, "source": 0, "start": 1.0, "end": 2.5, "azimuth_deg": 23.5,
        "distance_m": 1.23, "onscreen": False, "score": 0.7,
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


def test_csv_is_what_the_dcase_tools_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.csv"
    table = EventTable.concatenate([run(10, 12, 3, -23.4, onscreen=True), run(10, 11, 0, 80.6)], num_frames=50)
    write(detection(table), path, "csv")
    assert path.read_text() == f"{HEADER}\n10,0,0,81,123,0\n10,3,0,-23,123,1\n11,3,0,-23,123,1\n"
    assert read_table(path).same_as(table.rounded().with_columns(score=1.0), tolerance=1e-5)


def test_csv_of_nothing_has_its_header(tmp_path: Path) -> None:
    write(detection(EventTable.empty(50)), tmp_path / "clip.csv", "csv")
    assert (tmp_path / "clip.csv").read_text() == HEADER + "\n"
    assert len(read_rows(tmp_path / "clip.csv")) == 0


def test_csv_claims_no_direction_for_mono(tmp_path: Path) -> None:
    write(detection(run(3, 4, 0, float("nan"))), tmp_path / "clip.csv", "csv")
    assert (tmp_path / "clip.csv").read_text().splitlines()[1] == "3,0,0,,123,0"
    with pytest.raises(LabelError, match="azimuth"):
        read_rows(tmp_path / "clip.csv")


CUE = re.compile(r"\d+\n(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})(.*)\n(\[.*\])\n")


def cues(text: str) -> list[tuple[float, float, str, str]]:
    found = []
    for h, m, s, ms, h2, m2, s2, ms2, rest, words in CUE.findall(text):
        start, end = (
            int(a) * 3600 + int(b) * 60 + int(c) + int(d) / 1000 for a, b, c, d in ((h, m, s, ms), (h2, m2, s2, ms2))
        )
        found.append((start, end, rest.strip(), words))
    return found


def test_vtt_speaks_of_side_and_screen_and_places_its_cues() -> None:
    table = EventTable.concatenate(
        [run(10, 30, 0, 30, onscreen=True), run(12, 20, 3, -70), run(60, 75, 7, 2, onscreen=True)]
    )
    text = FORMATS["vtt"].to_text(detection(table))
    assert text.startswith("WEBVTT\n\n")
    first, second, third = cues(text)
    assert first == (1.0, 3.0, "position:25% align:left", "[woman speaking, left]")
    assert second == (1.2, 2.2, "position:90% align:right", "[telephone ringing, far right, off screen]")
    assert third == (6.0, 7.5, "position:50% align:center", "[door opening or closing, ahead]")


def test_captions_follow_a_moving_source() -> None:
    azimuth = np.linspace(60, -60, 80)
    table = EventTable.from_columns(frame=np.arange(80), class_index=6, azimuth=azimuth, distance=2.0, num_frames=80)
    found = cues(FORMATS["vtt"].to_text(detection(table)))
    assert [(rest, words) for _, _, rest, words in found] == [
        ("position:10% align:left", "[footsteps, left, off screen]"),
        ("position:40% align:center", "[footsteps, left, off screen]"),
        ("position:60% align:center", "[footsteps, right, off screen]"),
        ("position:90% align:right", "[footsteps, right, off screen]"),
    ]
    assert all(a[1] == b[0] for a, b in pairwise(found))


def test_captions_of_sound_alone_do_not_speak_of_the_screen() -> None:
    text = FORMATS["srt"].to_text(detection(run(0, 20, 4, -30), media=None))
    assert cues(text) == [(0.0, 2.0, "", "[laughter, right]")]
    assert cues(FORMATS["vtt"].to_text(detection(run(0, 20, 4, float("nan")), media=None)))[0][2:] == ("", "[laughter]")


def test_short_pauses_do_not_break_captions_and_short_sounds_can_be_read() -> None:
    table = EventTable.concatenate([run(0, 5, 12, 0), run(8, 12, 12, 0), run(40, 42, 12, 0), run(78, 80, 12, 0)])
    assert [(start, end) for start, end, _, _ in cues(FORMATS["srt"].to_text(detection(table)))] == [
        (0.0, 1.2), (4.0, 5.0), (7.8, 8.0)
    ]  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(table=tables())
def test_captions_are_in_order_and_within_the_clip(table: EventTable) -> None:
    found = cues(FORMATS["vtt"].to_text(detection(table)))
    assert [cue[0] for cue in found] == sorted(cue[0] for cue in found)
    assert all(0 <= start < end <= 2.5 + 1e-9 for start, end, _, _ in found)
    assert bool(found) == bool(len(table))
    assert len(cues(FORMATS["srt"].to_text(detection(table)))) == len(found)


def test_long_times() -> None:
    table = EventTable.from_columns(frame=np.arange(36_610, 36_620), class_index=0, azimuth=0, distance=1)
    assert "01:01:01.000 --> 01:01:02.000" in FORMATS["vtt"].to_text(detection(table))
    assert "01:01:01,000 --> 01:01:02,000" in FORMATS["srt"].to_text(detection(table))


def test_audacity_labels() -> None:
    text = FORMATS["audacity"].to_text(detection(run(10, 25, 0, 23.4, onscreen=True)))
    assert text == "1.000000\t2.500000\tFemale speech, 23° left, 1.2 m, on screen\n"
    assert FORMATS["audacity"].to_text(detection(EventTable.empty(5))) == ""


@pytest.mark.parametrize(
    ("azimuth", "degrees", "words"),
    [(23.4, "23° left", "left"), (-0.6, "1° right", "ahead"), (0.4, "ahead", "ahead"), (-51, "51° right", "far right"),
     (float("nan"), "unknown", "")],
)  # fmt: skip
def test_wording(azimuth: float, degrees: str, words: str) -> None:
    assert direction_in_degrees(azimuth) == degrees
    assert direction_in_words(azimuth) == words


def test_formats_are_parsed() -> None:
    assert [chosen.name for chosen in parse_formats(["vtt, SRT", "csv", "vtt"])] == ["vtt", "srt", "csv"]
    with pytest.raises(RecipeError, match="unknown format 'pdf'; choose from: csv, json"):
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
    from earwitness.export.json_events import read_detection

    written = detection(run(10, 25, 0, 23.46))
    write(written, tmp_path / "clip.json", "json")
    read = read_detection(tmp_path / "clip.json")
    assert read.table.same_as(written.table.sorted())
    assert (read.model, read.duration, read.warnings) == (written.model, written.duration, written.warnings)
    assert read.media is None
