"""The command `learn`: what it refuses, in one line and before it renders anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.media.sound.wav import write_wav
from in_process import Command

pytest.importorskip("torch", reason="learning needs torch (extra 'train')")


def sounds(folder: Path, *names: str, silent: bool = False) -> Path:
    rng = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir(parents=True)
        samples = np.zeros((1, 24_000), np.float32) if silent else rng.normal(0, 0.1, (1, 24_000)).astype(np.float32)
        write_wav(folder / name / "one.wav", samples, 24_000)
    return folder


def refusal(earwitness: Command, *arguments: object) -> str:
    result = earwitness("learn", *arguments)
    assert result.code in (1, 2), result
    lines = [line for line in result.err.splitlines() if line.startswith("earwitness:")]
    assert len(lines) == 1, result.err
    return lines[0]


def test_a_folder_that_is_none_is_refused(earwitness: Command, tmp_path: Path) -> None:
    assert "nowhere" in refusal(earwitness, tmp_path / "nowhere", "--out", "mine.onnx")


def test_a_model_file_must_end_in_onnx(earwitness: Command, tmp_path: Path) -> None:
    folder = sounds(tmp_path / "my", "kettle")
    assert "must end in .onnx" in refusal(earwitness, folder, "--out", "mine.pt")


def test_silence_teaches_nothing(earwitness: Command, tmp_path: Path) -> None:
    folder = sounds(tmp_path / "my", "kettle", silent=True)
    refusal(earwitness, folder, "--out", "mine.onnx")
    assert not (tmp_path / "mine.onnx").exists()


def test_too_many_classes_are_refused(earwitness: Command, tmp_path: Path) -> None:
    folder = tmp_path / "my"
    for number in range(201):
        (folder / f"sound{number}").mkdir(parents=True)
        (folder / f"sound{number}" / "one.wav").touch()
    assert "20" in refusal(earwitness, folder, "--out", "mine.onnx")
