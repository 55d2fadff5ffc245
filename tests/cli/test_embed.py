from __future__ import annotations

from pathlib import Path

import pytest

from ablation_sets import write_set
from in_process import Command


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    return write_set(tmp_path / "set", 1, 100)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ((), 2, "Missing option '--encoder'"),
        (("--encoder", "ear"), 2, "ear"),
        (("--encoder", "yamnet", "--set", "clap.channels=M"), 2, "clap.channels=M"),
        (("--encoder", "yamnet", "--set", "yamnet"), 2, "--set yamnet"),
        (("--encoder", "yamnet", "--set", "yamnet.hop=3"), 2, "hop"),
        (("--encoder", "yamnet", "--weights", "yamnet"), 2, "--weights yamnet: write NAME=FOLDER"),
        (("--encoder", "yamnet", "--weights", "yamnet=none"), 2, "there is no such folder"),
        (("--encoder", "yamnet", "--device", "tpu"), 2, "tpu"),
        (("--encoder", "yamnet"), 1, "models pull yamnet"),
    ],
)
def test_options_are_checked_before_any_work(
    earwitness: Command, data: Path, options: tuple[str, ...], code: int, words: str
) -> None:
    before = sorted(data.rglob("*"))
    done = earwitness("dataset", "embed", data, *options)
    assert done.code == code, done.err
    assert words in done.problem
    assert sorted(data.rglob("*")) == before


def test_a_folder_without_clips_is_named(earwitness: Command) -> None:
    assert "no such folder" in earwitness("dataset", "embed", "none", "--encoder", "yamnet").problem
