from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest

from earwitness.cli.main import main


def earwitness(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "earwitness.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["detect", "--foo", "x"], "No such option: --foo"),
        (["detekt"], "detekt"),
        (["detect"], "name INPUT files"),
        (["evaluate"], "Missing option"),
        (["synthesize", "--bank", "b", "--out", "o", "--clips", "0", "--seed", "1"], "--clips"),
        (["train", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], said: str) -> None:
    result = earwitness(*arguments)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            PermissionError(13, "Permission denied", "runs/x"), 1,
            "runs/x: Permission denied; check folder, permissions and disk space",
        ),
        (
            BrokenProcessPool("died"), 1,
            "a worker process was killed, perhaps for lack of memory; start again with fewer workers",
        ),
    ],
)  # fmt: skip
def test_ctrl_c_and_what_the_machine_refuses_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
) -> None:
    def fails(*_: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr("earwitness.core.isolation.run_isolated", fails)
    monkeypatch.setattr(sys, "argv", ["earwitness", "doctor", "clip.mp4"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err.splitlines() == [f"earwitness: {said}"]


@pytest.mark.parametrize(
    "error",
    [
        RecursionError("too deep"),
        MemoryError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        np.linalg.LinAlgError("Singular matrix"),
        ZeroDivisionError("a\nb"),
        KeyError("x"),
        struct.error("unpack requires 4 bytes"),
        zlib.error("Error -3"),
        RuntimeError("\x1b[31mred"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_unexpected_is_one_line_with_a_log_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, error: Exception
) -> None:
    def fails(*_: object, **_options: object) -> None:
        raise error

    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path))
    monkeypatch.setattr("earwitness.core.isolation.run_isolated", fails)
    monkeypatch.setattr(sys, "argv", ["earwitness", "doctor", "clip.mp4"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("earwitness: ")
    assert "Traceback" not in line
    assert "\x1b" not in line
    (log,) = (tmp_path / "logs").iterdir()
    assert line.endswith(f"details in {log}") or str(log) in line
    assert type(error).__name__ in log.read_text()


def test_names_that_no_terminal_should_take_are_escaped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["earwitness", "export", "a\x1b[31m\nb\udcff.json", "--format", "vtt"])
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "\x1b" not in said


def test_a_reader_that_goes_away_ends_the_command_in_silence() -> None:
    command = f"{sys.executable} -m earwitness.cli.main models list --json | true"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""


def test_help_and_version() -> None:
    assert earwitness("--version").stdout.startswith("earwitness ")
    help_text = earwitness("--help").stdout
    for verb in ("detect", "evaluate", "synthesize", "train"):
        assert verb in help_text
    bare = earwitness()
    assert bare.returncode == 2
    assert "detect" in bare.stdout
    assert bare.stderr == ""


def test_short_options() -> None:
    assert earwitness("-V").stdout == earwitness("--version").stdout
    refused = earwitness("detect", "clip.wav", "-o", "")
    assert refused.returncode == 2
    assert "folder's name is empty" in refused.stderr


def complete(words: str) -> list[str]:
    """What Bash is offered for the last word."""
    variables = os.environ | {
        "_EARWITNESS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1),
    }  # fmt: skip
    code = "import sys; from earwitness.cli.main import main; sys.argv = ['earwitness']; main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_shell_completes_commands_and_options() -> None:
    assert complete("earwitness exp") == ["export", "export-model"]
    assert complete("earwitness detect --max") == ["--max-seconds", "--max-memory"]
    assert complete("earwitness dataset ch") == ["check"]


def test_the_completion_script_can_be_shown() -> None:
    code = "import sys; from earwitness.cli.main import main; sys.argv = ['earwitness', '--show-completion']; main()"
    command = ["bash", "-c", f'{sys.executable} -c "{code}"; exit $?']
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "_EARWITNESS_COMPLETE" in done.stdout or "not supported" in done.stderr
    assert len(done.stderr.splitlines()) <= 1
