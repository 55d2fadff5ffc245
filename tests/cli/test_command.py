from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from earwitness.cli.command import Meter, check_fov, folder_name, one_of, one_thread, takes
from earwitness.cli.main import VERBS, app
from earwitness.core.errors import UsageError


def test_the_users_choice_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "x")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    one_thread()
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_the_command_line_imports_little_before_it_chooses() -> None:
    code = "import sys, earwitness.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not {"numpy", "scipy", "av"} & loaded
    assert not {"pydantic", "platformdirs", "hashlib", "json"} & loaded, "every start would have to wait for them"


COMMANDS = (
    [], *([verb] for verb in VERBS), ["dataset"], ["models"],
    *(["dataset", verb] for verb in ("check", "stereo", "embed", "submission")),
    *(["models", verb] for verb in ("list", "pull", "info")),
)  # fmt: skip


def help_of(command: list[str], width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_help_shows_a_python_type(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shown = help_of(command, 120, monkeypatch)
    assert "--help" in shown
    assert not re.findall(r"<[a-z\[\] ]+>", shown)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("verb", "panels"),
    [
        ("detect", ["Input", "Output", "Pictures", "Model", "Processing"]),
        ("synthesize", ["Scenes", "Rooms and microphone", "Pictures", "One scene of a set", "Processing"]),
    ],
)
def test_options_are_grouped_and_fit_the_terminal(
    verb: str, panels: list[str], width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = help_of([verb], width, monkeypatch).splitlines()
    titles = [match[1] for line in lines if (match := re.match(r"╭─ (.+?) ─", line))]
    assert [title for title in titles if title not in {"Arguments", "Options"}] == panels
    assert max(map(len, lines)) <= width
    assert not [line for line in lines if "…" in line], "nothing is cut off"


@dataclass(frozen=True)
class Options:
    inputs: Annotated[list[str], typer.Argument(metavar="FILE")] = field(default_factory=list)
    level: Annotated[float, typer.Option("--level", "-l", metavar="DB", help="Level to reach.")] = -3.0


@dataclass(frozen=True, kw_only=True)
class Named:
    name: Annotated[str, typer.Option()]


@pytest.mark.parametrize(
    ("arguments", "expected"), [([], Options()), (["a", "b", "-l", "6"], Options(inputs=["a", "b"], level=6.0))]
)
def test_the_options_of_a_command_are_a_dataclass(arguments: list[str], expected: Options) -> None:
    given: list[Options] = []
    app = typer.Typer()
    app.command()(takes(Options)(given.append))
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert given == [expected]


def test_a_field_without_a_default_is_a_required_option() -> None:
    given: list[Named] = []
    app = typer.Typer()
    app.command()(takes(Named)(given.append))
    missing = CliRunner().invoke(app, [])
    assert (missing.exit_code, "Missing option '--name'" in missing.output) == (2, True)
    assert CliRunner().invoke(app, ["--name", "x"]).exit_code == 0
    assert given == [Named(name="x")]


def test_the_help_of_a_command_comes_from_its_function_and_dataclass() -> None:
    def louder(options: Options) -> None:
        """Make files louder."""

    app = typer.Typer()
    app.command()(takes(Options)(louder))
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Make files louder." in shown
    assert re.search(r"--level\s+-l\s+DB\s+Level to reach", shown)


def test_where_there_is_no_terminal_lines_say_how_long_it_will_take() -> None:
    now = [0.0]
    out = io.StringIO()
    with Meter(Console(file=out, width=100), lambda: now[0]) as meter:
        report = meter.task("clips")
        for done in range(1, 101):
            now[0] += 36.0 if done <= 10 else 1.0
            report(done, 100)
    lines = out.getvalue().splitlines()
    assert lines[0] == "clips 1 of 100, 0:59:24 left"
    assert lines[9] == "clips 10 of 100, 0:54:00 left"
    assert len(lines) == 10 + 90 // 30
    assert lines[-1] == "clips 100 of 100"


def test_on_a_terminal_there_is_a_bar_with_what_is_left() -> None:
    out = io.StringIO()
    with Meter(Console(file=out, width=100, force_terminal=True)) as meter:
        report = meter.task("rooms")
        report(3, 12)
        report(12, 12)
    assert "rooms" in out.getvalue()
    assert "12/12" in out.getvalue()
    assert "left" in out.getvalue()


def test_a_word_is_one_of_a_few() -> None:
    assert one_of("--layout", "foa", ("auto", "foa")) == "foa"
    with pytest.raises(UsageError, match=r"--layout must be one of auto, foa, not 'FOA'"):
        one_of("--layout", "FOA", ("auto", "foa"))


@pytest.mark.parametrize("fov", [0.0, 170.5, float("nan"), float("inf")])
def test_no_camera_has_this_field_of_view(fov: float) -> None:
    with pytest.raises(UsageError, match="--fov"):
        check_fov(fov)


def test_usual_fields_of_view() -> None:
    for fov in (1.0, 100.0, 170.0):
        check_fov(fov)


def test_an_empty_folder_name_is_refused() -> None:
    assert folder_name("runs/a") == Path("runs/a")
    with pytest.raises(typer.BadParameter, match="empty"):
        folder_name("")
