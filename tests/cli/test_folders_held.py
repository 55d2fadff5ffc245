"""Every verb that writes a set, a run or results holds its folder: whoever comes second is refused at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from earwitness.cli.main import app, main
from earwitness.core.errors import InUseError
from earwitness.core.files.lock import locked_file, locked_folder
from earwitness.media.sound.wav import write_wav

HOLDING = """
import sys, time
from pathlib import Path
from earwitness.core.files.lock import locked_folder
with locked_folder(Path(sys.argv[1]), "earwitness detect"):
    print("held", flush=True)
    time.sleep(99)
"""
BANK = Path(__file__).parents[1] / "data" / "bank"


@pytest.fixture
def place(tmp_path: Path, make_burst: Callable[..., NDArray[np.float32]]) -> Path:
    write_wav(tmp_path / "in" / "a.wav", make_burst(2, (0.5, 1, 30)), 24_000)
    (tmp_path / "recipe.yaml").write_text(f"name: tiny\ndata:\n  bank: {BANK}\n")
    write_wav(tmp_path / "set" / "stereo_dev" / "dev-train-synth" / "a.wav", make_burst(1), 24_000)
    write_wav(tmp_path / "starss" / "foa_dev" / "dev-train-x" / "a.wav", make_burst(2), 24_000)
    return tmp_path


def commands(place: Path, out: Path) -> dict[str, list[str]]:
    return {
        "detect": ["detect", str(place / "in"), "--out", str(out)],
        "train": ["train", str(place / "recipe.yaml"), "--out", str(out)],
        "train --resume": ["train", str(place / "recipe.yaml"), "--out", str(out), "--resume"],
        "synthesize": ["synthesize", "--bank", str(BANK), "--out", str(out), "--clips", "1", "--seed", "1"],
        "dataset embed": ["dataset", "embed", str(place / "set"), "--encoder", "yamnet", "--out", str(out)],
    }


@pytest.mark.parametrize("verb", ["detect", "train", "train --resume", "synthesize", "dataset embed"])
def test_the_second_is_refused(place: Path, verb: str) -> None:
    if verb.startswith("train"):
        pytest.importorskip("torch")
    out = place / "out"
    with locked_folder(out, "earwitness other"):
        (out / "mine").write_text("x")
        result = CliRunner().invoke(app, commands(place, out)[verb])
        assert isinstance(result.exception, InUseError), result.output
        assert f"'{out}' is in use by earwitness other (process " in str(result.exception)
        assert sorted(path.name for path in out.iterdir()) == [".earwitness-lock", "mine"]


def test_the_target_of_a_model_is_held_by_name(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for arguments in (["export-model", str(tmp_path)], ["ensemble", "default"]):
        suffix = ".onnx" if arguments[0] == "export-model" else ".ensemble"
        with locked_file(tmp_path / f"m{suffix}", "earwitness other"):
            result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / f"m{suffix}")])
            assert isinstance(result.exception, InUseError), result.output


def test_ablations_and_stereo_sets(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from types import SimpleNamespace

    monkeypatch.setattr(
        "earwitness.training.ablation_plan.load_plan",
        lambda *_: SimpleNamespace(recipe=SimpleNamespace(name="x")),
    )
    monkeypatch.setattr("earwitness.data.starss.foa.find_recordings", lambda *_: [])
    for arguments in (
        ["ablate", str(place / "recipe.yaml"), "--out", str(tmp_path / "out")],
        ["dataset", "stereo", "--starss", str(place), "--out", str(tmp_path / "out"), "--clips", "1", "--seed", "1"],
    ):
        with locked_folder(tmp_path / "out", "earwitness other"):
            result = CliRunner().invoke(app, arguments)
            assert isinstance(result.exception, InUseError), result.output


def test_the_command_says_it_in_one_line_and_goes_on_when_the_holder_is_gone(
    place: Path, meter_model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["earwitness", *commands(place, place / "out")["detect"], "--model", str(meter_model), "--quiet"]
    monkeypatch.setattr(sys, "argv", command)
    holder = subprocess.Popen([sys.executable, "-c", HOLDING, str(place / "out")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(SystemExit, match="1"):
            main()
    finally:
        holder.kill()
        holder.communicate()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"earwitness: '{place / 'out'}' is in use by earwitness detect (process {holder.pid} on ")
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    names = sorted(path.name for path in (place / "out").iterdir())
    assert names == [".earwitness-journal.jsonl", "a.csv", "a.json"]


@pytest.mark.parametrize(
    "verb",
    ["detect x.wav", "train r.yaml", "ablate r.yaml", "synthesize --bank b", "dataset stereo --starss s",
     "dataset embed s --encoder yamnet", "export a.json --format srt"],
)  # fmt: skip
def test_an_empty_folder_name_is_not_the_current_folder(
    verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*verb.split(), "--out", ""])
    assert result.exit_code == 2
    assert "the folder's name is empty" in result.output
    assert list(tmp_path.iterdir()) == []


def test_results_of_equal_names_stay_apart_in_later_runs(
    place: Path, meter_model: Path, make_burst: Callable[..., NDArray[np.float32]]
) -> None:
    write_wav(place / "camB" / "a.wav", make_burst(2, (0.5, 1, -60)), 24_000)
    options = ["--model", str(meter_model), "--out", str(place / "out"), "--quiet"]
    for source in (place / "in" / "a.wav", place / "camB" / "a.wav", place / "in" / "a.wav"):
        assert CliRunner().invoke(app, ["detect", str(source), *options]).exit_code == 0
    heard = {
        path.relative_to(place / "out").as_posix(): json.loads(path.read_text())["source"]["file"]
        for path in (place / "out").rglob("*.json")
    }
    assert heard == {"a.json": f"{place}/in/a.wav", "camB/a.json": f"{place}/camB/a.wav"}


@pytest.mark.parametrize("damage", ["entry", "path", "nul", "junk", "one result"])
def test_whatever_the_journal_says_what_is_not_there_is_done_again(place: Path, meter_model: Path, damage: str) -> None:
    out = place / "out"
    arguments = ["detect", str(place / "in"), "--model", str(meter_model), "--out", str(out), "--quiet"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    before = (out / "a.json").read_bytes()
    journal = out / ".earwitness-journal.jsonl"
    head, line = journal.read_text().splitlines()
    values = json.loads(line)
    written = {
        "entry": {}, "path": {"../in/a.wav": (place / "in" / "a.wav").stat().st_size}, "nul": {"a\0.csv": 3},
        "junk": {"a.csv": "x"}, "one result": {"a.csv": (out / "a.csv").stat().st_size},
    }[damage]  # fmt: skip
    journal.write_text(f"{head}\n{json.dumps(values | {'written': written})}\n")
    (out / "a.json").unlink()
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert (out / "a.json").stat().st_size == len(before)
