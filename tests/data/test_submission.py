from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import LabelError
from earwitness.data.dcase.submission import check_submission, pack

HEADER = "frame,class,source,azimuth,distance,onscreen\n"


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    folder = tmp_path / "set" / "stereo_eval" / "eval"
    folder.mkdir(parents=True)
    for name in ("mix001", "mix002", "mix003"):
        (folder / f"{name}.wav").write_bytes(b"")
    other = tmp_path / "set" / "stereo_dev" / "dev-test-tau"
    other.mkdir(parents=True)
    (other / "fold4_room8_mix001_deg000_start0000.wav").write_bytes(b"")
    return tmp_path / "set"


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    folder = tmp_path / "predictions"
    folder.mkdir()
    (folder / "mix001.csv").write_text(HEADER + "0,1,0,-90,150,0\n49,12,1,90,1,1\n")
    (folder / "mix002.csv").write_text(HEADER)
    (folder / "mix003.csv").write_text(HEADER + "7,1,0,3,150,0\n")
    (folder / "mix003.json").write_text("{}")
    return folder


def test_good_predictions_are_packed_the_same_each_time(predictions: Path, evaluation: Path, tmp_path: Path) -> None:
    for out in ("a.zip", "b.zip"):
        pack(check_submission(predictions, evaluation), tmp_path / out)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert packed.namelist() == ["mix001.csv", "mix002.csv", "mix003.csv"]
        assert packed.read("mix001.csv") == (predictions / "mix001.csv").read_bytes()


def test_a_plain_folder_of_sounds_is_understood(predictions: Path, evaluation: Path) -> None:
    assert check_submission(predictions, evaluation / "stereo_eval" / "eval").problems == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + "50,1,0,0,150,0\n", "0..49"),
        (HEADER + "3,1,0,10.5,150,0\n", "whole degrees"),
        (HEADER + "3,1,0,10,150.2,0\n", "whole degrees"),
        (HEADER + "3,1,0,-91,150,0\n", "fold it"),
        (HEADER + "3,1,0,10,150,2\n", "onscreen is 2"),
        (HEADER + "3,1,0,10,150\n", "5 values"),
        ("3,1,0,10,150,0\n", "header"),
        ("", "is empty"),
        (HEADER + "3.0,1,0,10,150,0\n", "line 2: differs from"),
        (HEADER + "3,1,0,1_0,150,0\n", "which is not a number"),
        (HEADER + "3,1,0,10,150,0\n4, 1,0,10,150,0\n", "line 3: differs from"),
        ("\ufeff" + HEADER + "3,1,0,10,150,0\n", "line 1: differs from"),
        (HEADER.upper() + "3,1,0,10,150,0\n", "line 1: differs from"),
    ],
)
def test_what_breaks_the_rules_is_named(
    predictions: Path, evaluation: Path, tmp_path: Path, text: str, says: str
) -> None:
    (predictions / "mix002.csv").write_text(text)
    submission = check_submission(predictions, evaluation)
    (problem,) = submission.problems
    assert says in problem
    assert "mix002.csv" in problem
    with pytest.raises(LabelError, match="not written"):
        pack(submission, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_missing_and_surplus_clips(predictions: Path, evaluation: Path) -> None:
    (predictions / "mix002.csv").rename(predictions / "mix004.csv")
    problems = check_submission(predictions, evaluation).problems
    assert [problem.split()[0] for problem in problems] == ["mix002.csv", "mix004.csv"]


def test_empty_folders(predictions: Path, evaluation: Path, tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="no such folder"):
        check_submission(predictions, tmp_path / "nowhere")
    with pytest.raises(LabelError, match=r"no \.csv files"):
        check_submission(evaluation, evaluation)


def test_the_command(predictions: Path, evaluation: Path, tmp_path: Path) -> None:
    arguments = ["dataset", "submission", str(predictions), "--eval", str(evaluation), "--out", str(tmp_path / "a.zip")]
    good = CliRunner().invoke(app, arguments)
    assert good.exit_code == 0
    assert "3 predictions" in good.stdout
    (predictions / "mix001.csv").unlink()
    bad = CliRunner().invoke(app, arguments)
    assert bad.exit_code == 1
    assert "mix001.csv is missing" in bad.stdout
