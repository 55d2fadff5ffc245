"""Helpers of tests that run commands on the tiny set of tests/training/conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import EarwitnessError

BANK = Path(__file__).parents[1] / "data" / "bank"
TINY = {
    "features": "{channels: [logmel_m, logmel_s, intensity], mels: 16, window: 512, stpacc_bins: 16, stpacc_lags: 128}",
    "model.stem_width": "4", "model.widths": "[4, 8]", "model.pools": "[[5, 2], [1, 2]]", "model.dim": "16",
    "model.heads": "2", "model.blocks": "1", "model.conv_kernel": "3", "model.ffn_mult": "2",
    "run.batch": "4", "run.steps": "3", "run.save_every": "1", "run.workers": "0", "run.scaler_scenes": "4",
    "run.tensorboard": "false", "data.valid_scenes": "4",
}  # fmt: skip


def changes(values: dict[str, str]) -> list[str]:
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, f"{' '.join(map(str, arguments))}: {done.output}{done.exception or ''}"
    return done.output


def refused(*arguments: str | Path) -> str:
    """The message of a command that is refused before any training."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert isinstance(done.exception, EarwitnessError), done.output
    return str(done.exception)


def rewrite(folder: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Change the fields of all rows of the label files in a folder."""
    for path in folder.glob("*.csv"):
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *(",".join(change(row.split(","))) for row in rows), ""]))


def in_metres(fields: list[str]) -> list[str]:
    return [*fields[:4], "2", fields[5]]
