from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark_sets import Place, values_of
from earwitness.media.sound.wav import write_wav
from in_process import Command


def test_a_revealed_set_can_be_made_again(place: Place, made: Path, earwitness: Command) -> None:
    assert earwitness("benchmark", "score", "set1", "--predictions", "right", "--system", "x").code == 0
    again = earwitness("benchmark", "make", "--bank", place.bank, "--reveal", "x.json", "--out", "again")
    assert again.code == 0, again.err
    assert values_of(Path("again/set/benchmark.json")) == values_of(made / "set/benchmark.json")
    later = earwitness("benchmark", "score", "again", "--predictions", "right", "--system", "y")
    assert later.code == 0, later.err
    assert values_of(Path("y.json"))["blind"] is False
    shutil.copytree(place.bank, "other")
    write_wav(Path("other/bell/b.wav"), 0.5 * np.sin(np.arange(24_000) * 0.2).astype(np.float32)[None], 24_000)
    wrong = earwitness("benchmark", "make", "--bank", "other", "--reveal", "x.json", "--out", "wrong")
    assert wrong.code == 1
    assert "the bank is another one" in wrong.problem


def test_options_of_making(place: Place, made: Path, earwitness: Command) -> None:
    for options, words in (
        ([], "give --clips for a new set"),
        (["--clips", "4", "--reveal", "x.json"], "give --clips for a new set"),
        (["--clips", "4", "--seed", "-1"], "--seed"),
        (["--clips", "1"], "--clips"),
        (["--clips", "4", "--preset", "mars"], "mars"),
    ):
        done = earwitness("benchmark", "make", "--bank", place.bank, "--out", "new", *options)
        assert done.code in (1, 2)
        assert words in done.problem
    assert not Path("new/secret/plan.json").exists()  # a wrong option is not kept
    no_bank = earwitness("benchmark", "make", "--bank", "none", "--out", "new", "--clips", "4")
    assert "no sound bank at 'none'" in no_bank.problem
    finished = earwitness("benchmark", "make", "--bank", place.bank, "--out", "set1", "--clips", "4")
    assert "holds a finished set" in finished.problem


def test_an_interrupted_run_keeps_its_seed(
    place: Place, made: Path, earwitness: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earwitness.benchmark import set_making

    make = ("benchmark", "make", "--bank", place.bank, "--out", "new", "--rooms", "1", "--name", "n")

    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(set_making, "synthesize", interrupted)
        assert earwitness(*make, "--clips", "2", "--seed", "5").code == 130
    other = earwitness(*make, "--clips", "3", "--seed", "5")
    assert "holds an unfinished set of other options" in other.problem
    assert "holds an unfinished set" in earwitness(*make, "--clips", "2", "--seed", "6").problem
    done = earwitness(*make, "--clips", "2")
    assert done.code == 0, done.err
    assert "a seed of fewer than 64 bits can be found by trying" in done.err
    assert values_of(Path("new/secret/secret.json"))["seed"] == "5"
    before = {path.name: path.read_bytes() for path in Path("new/set").rglob("*.wav")}
    assert earwitness(*make[:4], "--out", "same", *make[6:], "--clips", "2", "--seed", "5").code == 0
    assert {path.name: path.read_bytes() for path in Path("same/set").rglob("*.wav")} == before
    assert (
        values_of(Path("same/set/benchmark.json"))["commitment"]
        != values_of(Path("new/set/benchmark.json"))["commitment"]
    )


def test_a_bank_of_other_classes(made: Path, earwitness: Command) -> None:
    for number, kind in enumerate(("kettle", "dog", "saw")):
        tone = 0.5 * np.sin(np.arange(24_000) * (0.1 + 0.1 * number)).astype(np.float32)[None]
        write_wav(Path("own") / kind / "a.wav", tone, 24_000)
    done = earwitness("benchmark", "make", "--bank", "own", "--out", "set2", "--rooms", "1", "--clips", "3")
    assert done.code == 0, done.err
    assert values_of(Path("set2/set/benchmark.json"))["classes"] == ["dog", "kettle", "saw"]
    assert Path("set2/set/earwitness-classes.json").is_file()  # participants need it
    shutil.copytree("set2/secret/clips/metadata_dev/dev-train-synth", "own-right")
    scored = earwitness("benchmark", "score", "set2", "--predictions", "own-right", "--system", "x")
    assert scored.code == 0, scored.err
    assert list(values_of(Path("x.json"))["class_f_scores"]) == ["dog", "kettle", "saw"]
    assert earwitness("benchmark", "check", "x.json").code == 0
    shutil.copy("set2/set/earwitness-classes.json", "right/earwitness-classes.json")
    wrong = earwitness("benchmark", "score", "set1", "--predictions", "right", "--system", "y")
    assert wrong.code == 1
    assert "classes" in wrong.problem
