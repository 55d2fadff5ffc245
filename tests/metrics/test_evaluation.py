from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import HEADER
from earwitness.metrics import Protocol, read_folder, score_folders
from earwitness.metrics.evaluation import compare
from earwitness.results.detection import Detection, ModelId
from earwitness.results.document import to_json

ROWS = ["0,1,0,10,200,1", "1,1,0,10,200,1", "2,1,0,10,200,1"]


def folder(path: Path, **files):
    path.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (path / f"{name}.csv").write_text("\n".join([HEADER, *rows, ""]))
    return path


def score(references, predictions, protocol=Protocol.STRICT):
    return score_folders(read_folder(references, protocol), read_folder(predictions, protocol), protocol)


def test_files_pair_up_by_name_wherever_they_are(tmp_path):
    folder(tmp_path / "ref" / "dev-test-sony", a=ROWS)
    folder(tmp_path / "ref" / "dev-test-tau", b=ROWS[:1])
    predictions = folder(tmp_path / "pred", b=ROWS[:1], a=ROWS)
    scores = score(tmp_path / "ref", predictions)
    assert scores.counts.files == ("a", "b")
    assert scores.macro.f_score == 1
    assert scores.notes == ()
    parts = [tmp_path / "ref" / "dev-test-sony", tmp_path / "ref" / "dev-test-tau"]
    assert score(parts, predictions).macro.f_score == 1


def test_links_to_splits_count_as_splits(tmp_path):
    folder(tmp_path / "elsewhere" / "dev-test-tau", b=ROWS)
    references = folder(tmp_path / "ref" / "dev-test-sony", a=ROWS).parent
    (references / "dev-test-tau").symlink_to(tmp_path / "elsewhere" / "dev-test-tau")
    (references / "round").symlink_to(references)  # in circles
    scores = score(references, folder(tmp_path / "pred", a=ROWS))
    assert scores.counts.files == ("a", "b")
    assert "1 of 2 predictions are missing" in scores.notes[0]


def test_missing_predictions(tmp_path):
    references = folder(tmp_path / "ref", a=ROWS, b=ROWS, c=ROWS)
    predictions = folder(tmp_path / "pred", a=ROWS)
    strict = score(references, predictions)
    assert strict.macro.f_score == pytest.approx(3 / (3 + 0.5 * 6))
    assert "2 of 3 predictions are missing, counted as misses (b.csv, c.csv)" in strict.notes[0]
    official = score(references, predictions, Protocol.DCASE2025)
    assert official.micro.f_score == pytest.approx(1)
    assert "skipped, as the official scorer does" in official.notes[0]
    assert official.as_dict()["notes"] == list(official.notes)


@pytest.mark.parametrize("protocol", Protocol)
def test_predictions_without_a_reference(tmp_path, protocol):
    references = folder(tmp_path / "ref", a=ROWS)
    predictions = folder(tmp_path / "pred", a=ROWS, x=ROWS, y=ROWS)
    with pytest.raises(LabelError, match=r"pred: 2 files without a reference of the same name in .*ref \(x.csv, y.csv"):
        score(references, predictions, protocol)


def test_other_files_are_left_alone_and_named(tmp_path):
    references, predictions = folder(tmp_path / "ref", a=ROWS), folder(tmp_path / "pred", a=ROWS)
    for name in ("README.md", "clip.wav", ".DS_Store", "._a.csv"):
        (predictions / name).write_bytes(b"\xff\xfe")
    folder(predictions / ".cache", z=ROWS)
    scores = score(references, predictions)
    assert scores.macro.f_score == 1
    assert scores.notes == (f"{predictions}: 2 files not .csv, ignored (README.md, clip.wav)",)


def test_what_detect_writes_beside_its_predictions_is_not_named(tmp_path):
    references, predictions = folder(tmp_path / "ref", a=ROWS), folder(tmp_path / "pred", a=ROWS)
    for name in ("a.json", "a.html", "a.growing.jsonl", "a.earwitness.mp4", ".earwitness-journal.jsonl", "ab.json"):
        (predictions / name).write_bytes(b"\xff\xfe")
    assert score(references, predictions).notes == (f"{predictions}: 1 file not .csv, ignored (ab.json)",)


def test_file_of_no_bytes_is_silence_and_is_named(tmp_path):
    references, predictions = folder(tmp_path / "ref", a=ROWS), folder(tmp_path / "pred")
    (predictions / "a.csv").write_bytes(b"")
    scores = score(references, predictions)
    assert scores.macro.f_score == 0
    assert "1 file without a header" in scores.notes[0]


def test_metres_in_place_of_centimetres_are_suspicious(tmp_path):
    references = folder(tmp_path / "ref", a=ROWS)
    predictions = folder(tmp_path / "pred", a=[row.replace("200", "2") for row in ROWS])
    assert "if they are metres, convert them" in score(references, predictions).notes[0]


def test_two_files_of_one_name(tmp_path):
    folder(tmp_path / "ref" / "one", a=ROWS)
    folder(tmp_path / "ref" / "two", a=ROWS)
    with pytest.raises(LabelError, match=r"a\.csv and .*a\.csv have the same name"):
        read_folder(tmp_path / "ref")


def test_no_folder_and_no_files(tmp_path):
    with pytest.raises(LabelError, match="nowhere: no such folder"):
        read_folder(tmp_path / "nowhere")
    (tmp_path / "clip.wav").write_bytes(b"")
    with pytest.raises(LabelError, match=r"no \.csv files"):
        read_folder(tmp_path)


def test_what_only_strict_refuses(tmp_path):
    long = folder(tmp_path / "long", a=[*ROWS, "50,1,0,10,200,1"])
    with pytest.raises(LabelError, match=r"a\.csv, line 5: frame is 50"):
        read_folder(long)
    assert len(read_folder(long, num_frames=51).clips["a"]) == 4
    assert len(read_folder(long, "dcase2025").clips["a"]) == 4
    twice = folder(tmp_path / "twice", a=[*ROWS, *ROWS])
    with pytest.raises(LabelError, match="line 5: repeats line 2"):
        read_folder(twice)
    assert len(read_folder(twice, "dcase2025").clips["a"]) == 6


def table(class_index: int, frames: range, azimuth: float, distance: float = 2.0) -> EventTable:
    return EventTable.from_columns(
        frame=np.array(frames), class_index=class_index, azimuth=azimuth, distance=distance, num_frames=50
    )


def test_perfect_hearing() -> None:
    truth = EventTable.concatenate([table(0, range(10), 30.0), table(12, range(20, 30), -60.0)])
    hearing = compare(truth, truth)
    assert (hearing.events, hearing.missed, hearing.extra) == (2, (), ())
    assert (hearing.azimuth_error, hearing.distance_error, hearing.f_score) == (0.0, 0.0, 1.0)


def test_misses_extras_and_errors_are_told() -> None:
    truth = EventTable.concatenate([table(0, range(10), 30.0), table(12, range(20, 30), -60.0)])
    heard = EventTable.concatenate([table(0, range(10), 42.0, 2.5), table(8, range(40, 45), 0.0)])
    hearing = compare(truth, heard)
    assert hearing.missed == ("Knock",)
    assert hearing.extra == ("Music",)
    assert hearing.azimuth_error == pytest.approx(12.0)
    assert hearing.distance_error == pytest.approx(0.25)
    assert "detected 1 of 2 events; missed: Knock" in hearing.lines()[0]


def test_nothing_heard() -> None:
    hearing = compare(table(3, range(5), 0.0), EventTable.empty(50))
    assert hearing.missed == ("Telephone",)
    assert hearing.f_score == 0.0
    assert len(hearing.lines()) == 2


def result(path, *tables: EventTable, num_frames: int = 240):
    whole = EventTable.concatenate(list(tables), num_frames=num_frames)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(to_json(Detection(whole, ModelId("tiny", "ab"), num_frames / 10)))
    return path


def test_one_corrected_result_against_one_prediction(tmp_path):
    truth = result(tmp_path / "my.corrected.json", table(1, range(40), 20).shifted(100, 240))
    same, other = result(tmp_path / "a.json", table(1, range(40), 25).shifted(100, 240)), tmp_path / "b.csv"
    other.write_text(
        "frame,class,source,azimuth,distance,onscreen\n" + "".join(f"{f},1,0,70,200,0\n" for f in range(9))
    )
    references = read_folder(truth, reference=True)
    assert references.num_frames == 240
    for path, expected in ((same, 1.0), (other, 0.0)):
        answer = read_folder(path, num_frames=max(50, references.num_frames)).answering(references)
        assert score_folders(references, answer, "strict").micro.f_score == expected
    (tmp_path / "c.txt").touch()
    with pytest.raises(LabelError, match=r"name a \.csv or \.json file"):
        read_folder(tmp_path / "c.txt")
    result(tmp_path / "mono.json", table(1, range(5), float("nan")))
    with pytest.raises(LabelError, match=r"mono\.json: row 0 has no azimuth"):
        read_folder(tmp_path / "mono.json")


def test_a_folder_with_corrected_results_beside_the_predictions(tmp_path):
    out = folder(tmp_path / "out", a=ROWS, b=ROWS)
    result(out / "a.json", table(1, range(40), 20))
    result(out / "a.corrected.json", table(1, range(40), 20))
    (out / "a.corrected.csv").write_text((out / "b.csv").read_text())
    references = read_folder(out, reference=True)
    assert list(references.clips) == ["a"]
    assert len(references.clips["a"]) == 40, "the JSON, which is more exact than the CSV"
    predictions = read_folder(out)
    assert sorted(predictions.clips) == ["a", "b"]
    assert len(predictions.clips["a"]) == len(ROWS)
    answer = predictions.answering(references)
    assert list(answer.clips) == ["a"]
    assert "1 clip has no corrected reference, not scored" in answer.notes[-1]


def test_a_folder_of_results_without_csv(tmp_path):
    result(tmp_path / "x" / "a.json", table(1, range(40), 20))
    found = read_folder(tmp_path / "x", reference=True)
    assert (list(found.clips), found.num_frames, found.corrected) == (["a"], 240, False)
    (tmp_path / "x" / "b.json").write_text("{}")
    with pytest.raises(LabelError, match=r"b\.json: not an earwitness events file"):
        read_folder(tmp_path / "x")


def test_the_time_to_find_files_grows_with_their_number_only(tmp_path: Path) -> None:
    """Comparisons of paths are counted in place of seconds."""
    for number in range(300):
        (tmp_path / f"clip{number}.csv").touch()
    comparisons = 0
    equal = Path.__eq__

    def counted(self: Path, other: object) -> bool:
        nonlocal comparisons
        comparisons += 1
        return equal(self, other)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(tmp_path), "__eq__", counted)
        assert len(read_folder(tmp_path).clips) == 300
    assert comparisons < 300 * 20


OTHER = "file,start_s,end_s\nclip.mp4,0.0,1.0\n"


def test_other_tables_beside_labels_are_no_labels(tmp_path: Path) -> None:
    out = folder(tmp_path / "out", b=ROWS)
    (out / "a.csv").write_text(OTHER)
    (out / "more").mkdir()
    (out / "more" / "b.csv").write_text(OTHER)  # the name of labels
    found = read_folder(out)
    assert list(found.clips) == ["b"]
    assert len(found.clips["b"]) == len(ROWS)
    assert found.notes == ()
    with pytest.raises(LabelError, match=r"a\.csv, line 1: the first line must be the header"):
        read_folder(out / "a.csv")  # named, so meant as labels
    (out / "c.csv").write_text("frame,start\n")
    with pytest.raises(LabelError, match=r"c\.csv, line 1: the first line must be the header"):
        read_folder(out)


def test_results_are_read_if_all_tables_are_others(tmp_path: Path) -> None:
    result(tmp_path / "x" / "a.json", table(1, range(40), 20))
    (tmp_path / "x" / "all.csv").write_text(OTHER)
    assert list(read_folder(tmp_path / "x").clips) == ["a"]
