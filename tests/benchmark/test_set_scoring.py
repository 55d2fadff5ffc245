from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmark_sets import CLIPS, values_of
from in_process import Command


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--predictions", "right"], 2, "Missing option '--system'"),
        (["--predictions", "right", "--predictions", "silent", "--system", "x"], 2, "give one name for each folder"),
        (
            ["--predictions", "right", "--system", "A b", "--predictions", "right", "--system", "a-b"],
            2,
            "the same name",
        ),
        (["--predictions", "nowhere", "--system", "x"], 1, "nowhere: no such folder"),
        (["--predictions", "right", "--system", ""], 2, "name: String should have at least 1 character"),
        (["--predictions", "right", "--system", "x", "--url", "javascript:alert(1)"], 2, "url"),
        (["--predictions", "right", "--system", "x", "--unit", "week"], 2, "--unit must be one of auto, file, room"),
    ],
)
def test_options_of_scoring(made: Path, earwitness: Command, options: list[str], code: int, words: str) -> None:
    done = earwitness("benchmark", "score", "set1", *options)
    assert done.code == code
    assert words in done.problem
    assert not (made / "revealed.json").exists()


def test_predictions_that_cannot_be_scored_reveal_nothing(made: Path, earwitness: Command) -> None:
    next(Path("silent").iterdir()).write_text("frame,class,source,azimuth,distance,onscreen\n99,0,0,0,100,0\n")
    options = ("--predictions", "right", "--system", "x", "--predictions", "silent", "--system", "y")
    assert earwitness("benchmark", "score", "set1", *options).code == 1
    assert not Path("x.json").exists()
    assert not (made / "revealed.json").exists()
    for path in sorted(Path("right").iterdir())[1:]:  # missing predictions are misses
        path.unlink()
    done = earwitness("benchmark", "score", "set1", "--predictions", "right", "--system", "x")
    assert done.code == 0, done.err
    assert 0 < values_of(Path("x.json"))["scores"]["micro_f_score"]["value"] < 1


def test_scoring_reveals_the_seed_and_makes_entries(made: Path, earwitness: Command) -> None:
    done = earwitness(
        "benchmark", "score", "set1", "--predictions", "right", "--system", "The labels", "--predictions", "silent",
        "--system", "Silence", "--out", "entries", "--url", "https://example.org/x",
    )  # fmt: skip
    assert done.code == 0, done.err
    seed = values_of(made / "secret/secret.json")["seed"]
    assert f"commitment holds, seed {seed}" in done.out
    right, silent = values_of(Path("entries/the-labels.json")), values_of(Path("entries/silence.json"))
    assert right["scores"]["f_score"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert silent["scores"]["f_score"]["value"] == 0.0
    assert (right["blind"], right["unit"], right["units"]) == (True, "file", CLIPS)
    assert right["class_f_scores"]["music"] is None
    assert right["predictions_sha256"] != silent["predictions_sha256"]
    (Path("sets")).mkdir()
    shutil.copy("set1/set/benchmark.json", "sets/tiny.json")
    checked = earwitness("benchmark", "check", "entries/the-labels.json", "entries/silence.json", "--sets", "sets")
    assert (checked.code, checked.out.count("valid")) == (0, 2)
    late = earwitness("benchmark", "score", "set1", "--predictions", "right", "--system", "Late", "--bootstrap", "50")
    assert late.code == 0
    assert "the seed was known before" in late.out
    assert (values_of(Path("late.json"))["blind"], values_of(Path("late.json"))["interval"]) == (False, "bootstrap")
