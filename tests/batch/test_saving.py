from __future__ import annotations

import csv
from pathlib import Path

import pytest

from earwitness.batch.formats import write
from earwitness.batch.saving import check_table, combined_table, is_result
from earwitness.core.errors import LabelError, UnreadableMediaError, UsageError
from earwitness.core.vocabulary import DCASE2025
from earwitness.results.saved import read_result
from earwitness.results.selection import ClassChoice
from export_cases import OVERLAPPING, VIDEO, detection, run

RESULT = detection(OVERLAPPING)


def test_the_longest_suffix_that_fits_says_the_format(tmp_path: Path) -> None:
    assert RESULT.save(tmp_path / "A.JSON") == tmp_path / "A.JSON"
    assert read_result(tmp_path / "A.JSON").table.same_as(OVERLAPPING, tolerance=1e-2)
    RESULT.save(tmp_path / "a.csv")
    RESULT.save(tmp_path / "a.events.csv")
    assert (tmp_path / "a.csv").read_text().startswith("frame,class,")
    assert (tmp_path / "a.events.csv").read_text().startswith("file,start_s,")
    RESULT.save(tmp_path / "plain.txt", format="srt", language="de")
    assert "-->" in (tmp_path / "plain.txt").read_text()


def test_a_picture_is_a_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    assert RESULT.save(tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("a.doc", {}, "no format has this suffix; use one of "),
        ("a", {}, "or give format="),
        ("a.srt", {"format": "nosuch"}, "nosuch"),
        ("a.srt", {"lang": "de"}, "has the options captions, "),
        ("a.srt", {"language": "xx"}, "xx"),
    ],
)
def test_what_cannot_be_saved_is_named_and_writes_nothing(
    tmp_path: Path, name: str, options: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        RESULT.save(tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_video_needs_its_recording(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match="no video to draw on"):
        detection(OVERLAPPING, media=VIDEO).save(tmp_path / "a.mp4")


def saved(folder: Path, *names: str) -> list[Path]:
    for name in names:
        write(detection(run(0, 10, 3, 20), media=None), folder / f"{name}.json", "json")
        write(detection(run(5, 10, 12, -20), media=None), folder / f"{name}2.json", "json")
    return sorted(folder.glob("*.json"))


def test_one_table_of_many_results_keeps_the_chosen_classes(tmp_path: Path) -> None:
    sources = saved(tmp_path, "a", "b")
    combined_table(sources, tmp_path / "all.csv")
    combined_table(sources, tmp_path / "some.csv", ClassChoice(only=(DCASE2025[12].slug,)))
    counts = []
    for name in ("all", "some"):
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            counts.append([row["class"] for row in csv.DictReader(file)])
    assert sorted(counts[0]) == sorted([DCASE2025[3].slug, DCASE2025[12].slug] * 2)
    assert counts[1] == [DCASE2025[12].slug] * 2


def test_a_table_does_not_replace_a_source_and_a_damaged_source_leaves_none(tmp_path: Path) -> None:
    RESULT.save(tmp_path / "a.csv")
    before = (tmp_path / "a.csv").read_bytes()
    with pytest.raises(UsageError, match="would overwrite a source"):
        combined_table([tmp_path / "a.csv"], tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == before
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(LabelError):
        combined_table([*saved(tmp_path, "c"), tmp_path / "b.json"], tmp_path / "all.csv")
    assert not (tmp_path / "all.csv").exists()
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        check_table(tmp_path / "all.xlsx")


def test_results_are_told_from_other_json_files(tmp_path: Path) -> None:
    (path,) = saved(tmp_path, "a")[:1]
    assert is_result(path)
    for name, text in (("card", '{"name": "x"}'), ("list", "[]"), ("empty", "")):
        (tmp_path / name).write_text(text)
        assert not is_result(tmp_path / name)
    assert not is_result(tmp_path)
    assert not is_result(tmp_path / "none.json")
