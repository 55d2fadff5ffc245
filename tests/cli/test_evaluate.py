"""The real command, end to end."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import LabelError
from earwitness.metrics import Counts

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SETS = ("single_class_mix", "same_class_overlap", "empty_and_trailing", "unfolded_azimuth")


def run(*arguments):
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    if isinstance(result.exception, LabelError):
        raise result.exception
    return result


def golden(name):
    return "--reference", GOLDEN / name / "reference", "--predictions", GOLDEN / name / "prediction"


def assert_close(mine, official):
    if isinstance(official, dict):
        for key, value in official.items():
            assert_close(mine[key], value)
    elif isinstance(official, list):
        assert len(mine) == len(official)
        for one, other in zip(mine, official, strict=True):
            assert_close(one, other)
    else:
        assert mine == (None if official is None else pytest.approx(official, rel=0, abs=1e-9))


@pytest.mark.parametrize("name", SETS)
def test_official_numbers(name, tmp_path):
    path = tmp_path / "scores.json"
    result = run(*golden(name), "--protocol", "dcase2025", "--json", path)
    assert result.exit_code == 0
    assert "protocol dcase2025" in result.output
    assert_close(json.loads(path.read_text()), json.loads((GOLDEN / name / "official.json").read_text()))


def test_strict_is_the_default_and_says_so(tmp_path):
    path = tmp_path / "scores.json"
    result = run(*golden("empty_and_trailing"), "--json", path)
    assert "protocol strict · 30 clips" in result.output
    assert "3 classes never detected (female speech, water tap, knock)" in " ".join(result.output.split())
    strict, official = json.loads(path.read_text()), json.loads((GOLDEN / SETS[2] / "official.json").read_text())
    assert strict["protocol"] == "strict"
    # False alarms after the last label, and in clips without labels, are no longer free.
    assert strict["micro"]["f_score"] < official["micro"]["f_score"]


def test_everything_at_once(tmp_path):
    result = run(
        *golden("single_class_mix"), "--jackknife", "--unit", "room", "--by", "azimuth", "--by", "room",
        "--json", tmp_path / "s.json", "--plot", tmp_path / "plots", "--counts", tmp_path / "counts.npz",
    )  # fmt: skip
    assert result.exit_code == 0
    assert "jackknife over 7 rooms" in result.output
    scores = json.loads((tmp_path / "s.json").read_text())
    low, high = scores["intervals"]["macro"]["f_score"]
    assert low < scores["macro"]["f_score"] < high
    assert len(scores["by"]["azimuth"]) == 6
    assert sorted(file.name for file in (tmp_path / "plots").iterdir()) == ["classes.png", "errors.png"]
    assert len(Counts.load(tmp_path / "counts.npz").files) == 40


def test_bootstrap():
    result = run(*golden("single_class_mix"), "--bootstrap", 50)
    assert "bootstrap over 40 files" in result.output


def test_compare(tmp_path):
    folder = GOLDEN / "single_class_mix"
    result = run(
        "--reference", folder / "reference", "--compare", folder / "prediction", folder / "reference",
        "--json", tmp_path / "c.json", "--plot", tmp_path / "plots",
    )  # fmt: skip
    assert result.exit_code == 0
    assert "B better" in result.output
    comparison = json.loads((tmp_path / "c.json").read_text())
    assert comparison["b"]["macro"]["f_score"] == pytest.approx(1)
    low, high = comparison["difference"]["macro"]["f_score"]
    assert 0 < low < 1 - comparison["a"]["macro"]["f_score"] < high
    assert (tmp_path / "plots" / "b" / "errors.png").exists()


def test_bad_row_is_named(tmp_path):
    folder = tmp_path / "prediction"
    shutil.copytree(GOLDEN / "single_class_mix" / "prediction", folder)
    path = sorted(folder.iterdir())[7]
    lines = path.read_text().splitlines()
    lines[3] = "3,13,0,1,2,0"
    path.write_text("\n".join(lines))
    with pytest.raises(LabelError, match=rf"{path.name}, line 4: class is 13; it must lie in 0\.\.12"):
        run("--reference", GOLDEN / "single_class_mix" / "reference", "--predictions", folder)


def test_longer_clips_need_frames(tmp_path):
    for name in ("r", "p"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_text("frame,class,source,azimuth,distance,onscreen\n70,0,0,0,100,1\n")
    arguments = ("--reference", tmp_path / "r", "--predictions", tmp_path / "p")
    with pytest.raises(LabelError, match="frame is 70"):
        run(*arguments)
    assert run(*arguments, "--frames", 100).exit_code == 0


@pytest.mark.parametrize(
    "wrong",
    [(), ("--predictions", "a", "--compare", "b", "c"), ("--compare", "b", "c", "--counts", "x.npz")],
)
def test_wrong_usage(wrong):
    assert run("--reference", GOLDEN, *wrong).exit_code == 2


def test_reference_is_required():
    assert run("--predictions", GOLDEN).exit_code == 2
