"""Helpers of tests that run commands on the tiny set of tests/training/conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import EarwitnessError

BANK = Path(__file__).parents[1] / "data" / "bank"


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
