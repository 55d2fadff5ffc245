"""A batch of several processes that is stopped by Ctrl-C says so, leaves nothing behind and goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.batch.journal import JOURNAL_NAME
from earwitness.media.sound.wav import write_wav

FILES = 40
# What is started in the background of a shell ignores Ctrl-C, and so does what it starts: here it must not.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from earwitness.cli.main import main; main()"
)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != JOURNAL_NAME}


def noted(folder: Path) -> list[str]:
    journal = folder / JOURNAL_NAME
    lines = journal.read_text().splitlines()[1:] if journal.is_file() else []
    return [json.loads(line)["source"] for line in lines]


def gone(group: int, within: float) -> bool:
    """Whether all processes of a group end, within so many seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
def test_ctrl_c_reaches_all_and_nothing_is_lost(
    meter_model: Path, make_burst: Callable[..., NDArray[np.float32]], tmp_path: Path
) -> None:
    sounds, whole, stopped = tmp_path / "in", tmp_path / "whole", tmp_path / "stopped"
    sounds.mkdir()
    for number in range(FILES):
        write_wav(sounds / f"{number:02d}.wav", make_burst(5, (1, 2, number), seed=number), 24_000)

    def command(out: Path, jobs: int) -> list[str]:
        options = ["--model", str(meter_model), "--out", str(out), "--jobs", str(jobs), "--quiet"]
        return [sys.executable, "-c", COMMAND, "detect", str(sounds), *options]

    subprocess.run(command(whole, 1), check=True)
    # A group of its own: as in a terminal, the signal reaches the workers too.
    with subprocess.Popen(command(stopped, 2), stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        deadline = time.monotonic() + 120
        while len(noted(stopped)) < 2 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        message = process.communicate(timeout=60)[1]
    assert process.returncode not in (0, 1)
    assert "Traceback" not in message
    done = len(noted(stopped))
    assert 2 <= done < FILES
    # The last one may have been noted but not yet been shown.
    assert any(f"the results of {said} of {FILES} files are complete" in message for said in (done, done - 1))
    assert gone(process.pid, within=30)
    subprocess.run(command(stopped, 2), check=True)
    assert contents(stopped) == contents(whole)
    assert len(noted(stopped)) == len(set(noted(stopped))) == FILES
