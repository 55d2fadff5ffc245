"""A batch that is killed at any moment, again and again, ends with the bytes of one that was left alone."""

from __future__ import annotations

import json
import os
import random
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

FORKED_KILLS = 18
COMMAND_KILLS = 3
FILES = 16

FORKED = """
import os, random, signal, sys, time
from earwitness.batch.formats import parse_formats
from earwitness.batch.jobs import BatchSettings, run_batch, run_journaled
from earwitness.detect.detector import Detector
from earwitness.batch.journal import Journal
from earwitness.batch.planning import plan

sounds, out, model, kills = *sys.argv[1:4], int(sys.argv[4])
settings = BatchSettings(parse_formats(["csv,json,vtt"]))


def work():
    detector, todo = Detector.load(model), plan([sounds], out)
    journal = Journal(out, detector.record() | {"batch": settings.record()})
    for _ in run_journaled(todo.jobs, journal, lambda due: run_batch(detector, due, settings)):
        pass


chance, done = random.Random(1), 0
for _ in range(kills):
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    time.sleep(chance.uniform(0.0, 0.25))
    os.kill(child, signal.SIGKILL)
    done += os.waitpid(child, 0)[1] == 0
print(done)
"""
"""One process that has loaded everything; each try is a fork of it, so that the kills fall into the work itself."""


def contents(folder: Path) -> dict[str, bytes]:
    """The files. A process that is killed just after it made a workspace leaves the empty folder for an hour."""
    assert not any(any(path.iterdir()) for path in folder.iterdir() if path.is_dir())
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != JOURNAL_NAME}


@pytest.fixture
def sounds(tmp_path: Path, make_burst: Callable[..., NDArray[np.float32]]) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(FILES):
        write_wav(folder / f"{number:02d}.wav", make_burst(20, (1, 2, 3 * number + 5), seed=number), 24_000)
    (folder / "bad.wav").write_bytes(b"junk" * 50)
    return folder


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_killed_twenty_times_and_nothing_is_lost(sounds: Path, meter_model: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        options = ["--model", str(meter_model), "--out", str(out), "--format", "vtt", "--quiet"]
        return [sys.executable, "-m", "earwitness.cli.main", "detect", str(sounds), *options]

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    began = time.monotonic()
    undisturbed = subprocess.run(command(whole), capture_output=True, text=True, check=False)
    length = time.monotonic() - began
    assert undisturbed.returncode == 1
    assert "bad.wav" in undisturbed.stderr
    assert len(contents(whole)) == 3 * FILES

    arguments = [str(sounds), str(broken), str(meter_model), str(FORKED_KILLS)]
    forked = subprocess.run([sys.executable, "-c", FORKED, *arguments], capture_output=True, text=True, check=True)
    assert int(forked.stdout) < FORKED_KILLS, "all tries ended before they were killed"
    chance = random.Random(2)
    for _ in range(COMMAND_KILLS):
        with subprocess.Popen(command(broken), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(chance.uniform(0.3, 0.9) * length)
            process.send_signal(signal.SIGKILL)
    finished = subprocess.run(command(broken), capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stderr.count("bad.wav") >= 1
    assert contents(broken) == contents(whole)
    noted = [json.loads(line)["source"] for line in (broken / JOURNAL_NAME).read_text().splitlines()[1:]]
    assert len(noted) == len(set(noted)) == FILES
