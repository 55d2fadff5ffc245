"""A run on a full disk: a message of one line, earlier files stay, and its advice works."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.errors import EncodingError, TrainingError
from earwitness.models.checkpoint import load_model, save_model
from earwitness.training.loop.trainer import Trainer
from fakes import open_tones, tiny_recipe
from folders import files_up_to


def trainer(folder: Path, **run: object) -> Trainer:
    return Trainer(
        tiny_recipe(**{"steps": 4, "valid_every": 1, "save_every": 2, **run}), folder, open_tones, open_tones
    )


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def same_end(folder: Path, whole: dict[str, int]) -> bool:
    """Whether a run has all files of one that nothing disturbed; figures of speed in the log may differ in length."""
    return sizes(folder).keys() == whole.keys() and sizes(folder)["last.safetensors"] == whole["last.safetensors"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Sizes of the files of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    trainer(folder).run()
    return sizes(folder)


@pytest.mark.parametrize("last", ["nothing", "recipe.yaml", "log.jsonl", "best.safetensors"])
def test_the_advice_works_wherever_the_disk_is_full(tmp_path: Path, whole: dict[str, int], last: str) -> None:
    """`last`: the largest file that still fits."""
    size = {"nothing": 10, "recipe.yaml": whole["recipe.yaml"] + 10, "log.jsonl": whole["log.jsonl"] + 10}.get(last)
    size = size if size is not None else whole["best.safetensors"] + 10
    with files_up_to(size), pytest.raises(TrainingError, match="cannot be written") as told:
        trainer(tmp_path).run()
    said = str(told.value)
    assert "\n" not in said
    assert ("--resume" in said) is any(tmp_path.glob("state-*.pt"))
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".") or path.suffix == ".tmp"]
    trainer(tmp_path).run(resume="--resume" in said)
    assert same_end(tmp_path, whole)


def test_after_a_state_was_saved_the_advice_is_to_resume(tmp_path: Path, whole: dict[str, int]) -> None:
    trainer(tmp_path, steps=4).run()
    before = sizes(tmp_path)
    (tmp_path / "last.safetensors").unlink()
    (tmp_path / "state-00000004.pt").unlink()
    with files_up_to(whole["best.safetensors"] + 10), pytest.raises(TrainingError, match="then continue with --resume"):
        trainer(tmp_path, steps=4).run(resume=True)
    assert (tmp_path / "state-00000002.pt").stat().st_size == before["state-00000002.pt"]
    trainer(tmp_path, steps=4).run(resume=True)
    assert same_end(tmp_path, before)


def test_weights_that_cannot_be_written_leave_those_that_were_there(tmp_path: Path) -> None:
    path = tmp_path / "best.safetensors"
    net = trainer(tmp_path / "run").averaged
    save_model(net, path)
    before = path.read_bytes()
    with files_up_to(len(before) // 2), pytest.raises(EncodingError, match=r"best\.safetensors: cannot be written"):
        save_model(net, path)
    assert path.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["best.safetensors", "run"]
    load_model(path)


def test_a_run_that_is_done_is_not_begun_anew_where_its_states_are_gone(tmp_path: Path) -> None:
    trainer(tmp_path).run()
    before = (tmp_path / "last.safetensors").read_bytes()
    for state in tmp_path.glob("state-*.pt"):
        state.unlink()
    with pytest.raises(TrainingError, match="a finished run: choose another --out"):
        trainer(tmp_path).run()
    assert (tmp_path / "last.safetensors").read_bytes() == before
