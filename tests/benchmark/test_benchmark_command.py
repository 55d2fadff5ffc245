from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from earwitness.cli.main import main
from earwitness.media.sound.wav import write_wav

pytest.importorskip("pyroomacoustics", reason="simulating rooms needs the extra 'train'")

CLIPS = 4


class Result(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def problem(self) -> str:
        """The one line of an error."""
        lines = [line for line in self.err.splitlines() if line.startswith("earwitness: ")]
        assert len(lines) == 1, self.err
        return lines[0]


Command = Callable[..., Result]


@pytest.fixture
def earwitness(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["earwitness", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    return run


class Place(NamedTuple):
    """A bank, a set made from it with a random seed, and the cache of its rooms."""

    bank: Path
    made: Path
    said: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Made once: rendering takes seconds."""
    folder = tmp_path_factory.mktemp("benchmark")
    tone = 0.5 * np.sin(np.arange(24_000) * 0.3).astype(np.float32)[None]
    for kind in ("bell", "knock"):
        write_wav(folder / "bank" / kind / "a.wav", tone, 24_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARWITNESS_CACHE", str(folder / "cache"))
        from typer.testing import CliRunner

        from earwitness.cli.main import app

        asked = [
            "benchmark",
            "make",
            "--bank",
            str(folder / "bank"),
            "--out",
            str(folder / "made"),
            "--clips",
            str(CLIPS),
        ]
        done = CliRunner().invoke(app, [*asked, "--rooms", "1", "--name", "tiny"])
    assert done.exit_code == 0, done.output
    return Place(folder / "bank", folder / "made", done.output)


@pytest.fixture
def made(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the set, in the current folder."""
    monkeypatch.setenv("EARWITNESS_CACHE", str(place.bank.parent / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(place.made, tmp_path / "set1")
    labels = tmp_path / "set1/secret/clips/metadata_dev/dev-train-synth"
    shutil.copytree(labels, tmp_path / "right")
    shutil.copytree(labels, tmp_path / "silent")
    for path in (tmp_path / "silent").iterdir():
        path.write_text("frame,class,source,azimuth,distance,onscreen\n")
    return tmp_path / "set1"


def values_of(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(values_of(path) | changes))


def test_the_public_part_tells_nothing(place: Place, made: Path) -> None:
    secret = values_of(made / "secret/secret.json")
    public = [path for path in (made / "set").rglob("*") if path.is_file()]
    assert sorted(path.suffix for path in public) == [".csv", ".json", *[".wav"] * CLIPS]
    for path in public:
        content = path.read_bytes()
        assert secret["seed"].encode() not in content
        assert secret["nonce"].encode() not in content
    description = values_of(made / "set/benchmark.json")
    assert description["commitment"] in place.said
    assert (description["clips"], description["name"], description["protocol"]) == (CLIPS, "tiny", "strict")
    assert int(secret["seed"]).bit_length() > 64
    assert (made / "set/CREDITS.csv").read_text().count("\n") == 3  # all sounds, used or not
    assert (place.made / "secret").stat().st_mode & 0o077 == 0


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


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda made: edit(made / "secret/secret.json", seed="7"), "the commitment is not that of this seed"),
        (lambda made: edit(made / "secret/secret.json", seed="7x"), "not the secret of a benchmark set: seed"),
        (lambda made: edit(made / "set/benchmark.json", clips=3), "the commitment is not that"),
        (lambda made: edit(made / "set/benchmark.json", bank="better"), "the commitment is not that"),
        (lambda made: edit(made / "set/benchmark.json", commitment=""), "the commitment is not that"),
        (lambda made: (made / "set/benchmark.json").write_text("{"), "not the description of a benchmark set"),
        (lambda made: (made / "set/benchmark.json").unlink(), "no benchmark set"),
        (lambda made: (made / "secret/secret.json").unlink(), "the secret part is missing"),
        (lambda made: next((made / "set").rglob("*.wav")).write_bytes(b"x"), "the clips are not those"),
        (lambda made: next((made / "set").rglob("*.wav")).unlink(), "the clips are not those"),
        (lambda made: next((made / "secret/clips/metadata_dev").rglob("*.csv")).unlink(), "the labels are not those"),
        (
            lambda made: next((made / "secret/clips/metadata_dev").rglob("*.csv")).write_text(
                "frame,class,source,azimuth,distance,onscreen\n"
            ),
            "the labels are not those",
        ),
    ],
)  # fmt: skip
def test_a_set_that_was_changed_is_not_scored(
    made: Path, earwitness: Command, spoil: Callable[[Path], Any], words: str
) -> None:
    spoil(made)
    done = earwitness("benchmark", "score", "set1", "--predictions", "right", "--system", "x")
    assert done.code == 1
    assert words in done.problem
    assert not Path("x.json").exists()
    assert not (made / "revealed.json").exists()


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
