from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.errors import BankError, RecipeError
from earwitness.media.wav import write_wav

pytest.importorskip("pyroomacoustics")


@pytest.fixture
def flawed_bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    bank = tmp_path / "bank"
    write_wav(bank / "bell" / "good.wav", 0.5 * np.sin(np.arange(24_000) * 0.3).astype(np.float32)[None], 24_000)
    write_wav(bank / "bell" / "silent.wav", np.zeros((1, 24_000), np.float32), 24_000)
    return bank


def options(bank: Path, *more: str) -> list[str]:
    return ["synthesize", "--bank", str(bank), "--out", str(bank.parent / "set"), "--rooms", "1", *more]


def test_unusable_sounds_are_named_and_skipped_and_strict_stops(flawed_bank: Path) -> None:
    result = CliRunner().invoke(app, options(flawed_bank, "--clips", "2", "--seed", "1"))
    assert result.exit_code == 0, result.output
    assert "silent.wav" in result.output
    assert "sounds of the bank skipped: 1" in result.output
    credits = (flawed_bank.parent / "set" / "CREDITS.csv").read_text()
    assert "bell/good.wav,bell," in credits
    assert "silent" not in credits
    strict = CliRunner().invoke(app, options(flawed_bank, "--clips", "2", "--seed", "1", "--strict"))
    assert isinstance(strict.exception, BankError)


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--clips", "2"],
        ["--clips", "2", "--seed", "1", "--stems"],
        ["--from", "x.json", "--clips", "2"],
        ["--clips", "2", "--seed", "1", "--fps", "2"],
    ],
)
def test_options_that_do_not_go_together(flawed_bank: Path, wrong: list[str]) -> None:
    assert isinstance(CliRunner().invoke(app, options(flawed_bank, *wrong)).exception, RecipeError)


def test_licence_that_leaves_nothing_is_named(flawed_bank: Path) -> None:
    result = CliRunner().invoke(app, options(flawed_bank, "--clips", "1", "--seed", "1", "--licence", "cc0"))
    assert isinstance(result.exception, BankError)
    assert "under cc0" in str(result.exception)
