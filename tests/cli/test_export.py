from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from earwitness.batch.formats import FORMATS
from earwitness.core.events import EventTable
from earwitness.results.detection import Detection, ModelId
from earwitness.results.document import to_json


def earwitness(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "earwitness.cli.main", "export", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    table = EventTable.from_columns(frame=np.arange(30), class_index=12, azimuth=60, distance=1.5, num_frames=50)
    path = tmp_path / "clip.json"
    path.write_text(to_json(Detection(table, ModelId("tiny", "0" * 64), 5.0)))
    return path


def test_all_text_formats_at_once(saved: Path) -> None:
    names = [name for name in FORMATS if name not in ("json", "html", "parquet")]
    done = earwitness(saved.parent, saved.name, "--format", ",".join(names), "--captions", "full")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"clip{FORMATS[name].suffix}" for name in names]
    assert "[knocking, far left, 2 m away]" in (saved.parent / "clip.srt").read_text()


def test_captions_stand_where_the_camera_sees_their_sounds(saved: Path) -> None:
    for options, place in (([], "position:10%"), (["--fov", "150"], "position:25%")):
        done = earwitness(saved.parent, saved.name, "--format", "vtt", *options)
        assert done.returncode == 0, done.stderr
        assert place in (saved.parent / "clip.vtt").read_text()  # 0.5 - tan 60 / tan 75 / 2 = 0.27


def test_a_bad_file_does_not_stop_the_others(saved: Path) -> None:
    (saved.parent / "bad.json").write_text("{}")
    done = earwitness(saved.parent, "bad.json", saved.name, "--format", "json", "--out", "o")
    assert done.returncode == 1
    assert done.stderr.startswith("earwitness: bad.json: not an earwitness events file")
    assert (saved.parent / "o" / "clip.json").read_text() == saved.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "pdf"], "unknown format 'pdf'"),
        (["--format", ","], "names no format"),
        (["--format", "json"], "would overwrite"),
        (["--format", "csv", "--captions", "loud"], "--captions must be one of terse, full"),
        (["--format", "csv", "--out", "clip.json"], "is a file"),
        (["--format", "vtt", "--fov", "180"], "--fov must lie in 1..170"),
        (["clip.json", "--format", "csv", "--media", "a.mp4"], "--media applies to one"),
        ([], "format"),
    ],
)
def test_wrong_usage(saved: Path, options: list[str], message: str) -> None:
    done = earwitness(saved.parent, saved.name, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_classes_are_chosen_by_name_and_group(saved: Path) -> None:
    folder = saved.parent
    done = earwitness(folder, saved.name, "--format", "csv,json", "--out", "o", "--exclude", "household")
    assert done.returncode == 0, done.stderr
    assert (folder / "o/clip.csv").read_text().count("\n") == 1
    assert "knock" in json.loads((folder / "o/clip.json").read_text())["classes_left_out"]
    again = earwitness(folder, "o/clip.json", "--format", "srt", "--classes", "knock, Bell")
    assert again.returncode == 0
    assert again.stderr == "earwitness: these events were detected without knock; detect again to have them\n"
    wrong = earwitness(folder, saved.name, "--format", "srt", "--classes", "knok")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "did you mean knock" in wrong.stderr


def test_captions_are_checked_and_merged_with_dialogue(saved: Path) -> None:
    folder = saved.parent
    (folder / "dialogue.srt").write_bytes("1\r\n00:00:03,500 --> 00:00:05,000\r\nGrüße\r\n".encode("cp1252"))
    done = earwitness(folder, saved.name, "--format", "srt", "--merge", "dialogue.srt", "--language", "de", "--check")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["clip.srt", "clip.json: no rule is broken"]
    text = (folder / "clip.srt").read_text(encoding="utf-8")
    assert "[Klopfen, links]" in text
    assert "00:00:03,500 --> 00:00:05,000\nGrüße\n" in text
    (folder / "bad.srt").write_text("1\n00:00:01,000 --> 00:00:01,500\n" + "x" * 50 + "\n")
    done = earwitness(folder, "bad.srt", "clip.srt", "--check")
    assert done.returncode == 1
    assert [line.partition(": ")[0] for line in done.stdout.splitlines()] == [
        *["bad.srt"] * 4,
        "clip.srt",
        "2 files",
    ]
    assert "bad.srt: 1 cue breaks a rule" in done.stdout


def test_a_folder_gives_one_table(saved: Path) -> None:
    folder = saved.parent
    (folder / "other.json").write_text('{"not": "a result"}')
    (folder / "deeper").mkdir()
    (folder / "deeper" / "b.json").write_text(saved.read_text())
    done = earwitness(folder, ".", "--table", "all.csv")
    assert done.returncode == 0, done.stderr
    assert len((folder / "all.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "srt", "--language", "xx"], "no captions in 'xx'"),
        (["--format", "srt", "--merge", "clip.json"], "holds no subtitles"),
        (["--format", "edl", "--fps", "many"], "frame rate must be a number"),
        (["--annotated", "--format", "srt"], "belongs to --burn"),
        (["--font", "a.ttf", "--format", "srt"], "belongs to --burn"),
        (["--table", "a.doc"], "written as .csv or .parquet"),
        (["--clips", "--clip-kind", "gif"], "--clip-kind must be one of"),
        ([], "nothing to write"),
    ],
)
def test_wrong_options_of_captions_and_clips(saved: Path, options: list[str], message: str) -> None:
    done = earwitness(saved.parent, saved.name, *options)
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_videos_and_clips_need_their_recording(saved: Path) -> None:
    for options in (["--burn", "a.mp4"], ["--mux", "a.mkv"], ["--clips"]):
        done = earwitness(saved.parent, saved.name, *options)
        assert done.returncode == 1
        assert "name it with --media" in done.stderr
