"""A large batch that is killed halfway and restarted: `python bench/bench_batch.py [--files N] [--model MODEL]`.

`earwitness detect --jobs 2` processes N short WAV files (1 to 2 s, 24 kHz), four of which are damaged. It is killed
with SIGKILL when half of them are done, and restarted with the same command. Prints the entries of the journal, the
processor time per file, the parent's memory, and how many of a sample of results equal, byte for byte, those of an
uninterrupted run with one process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.batch.journal import JOURNAL_NAME  # noqa: E402
from earwitness.media.sound.wav import write_wav  # noqa: E402

RATE, JUNK, SAMPLE = 24_000, 4, 100
LOOK_SECONDS = 0.5


def make_files(folder: Path, count: int) -> None:
    """Write files of panned noise bursts, all different; the last few are not sound files."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(4 * RATE).astype(np.float32) * 0.1
    for number in range(count - JUNK):
        start, length = rng.integers(2 * RATE), int(rng.integers(RATE, 2 * RATE))
        side = rng.uniform(-1, 1)
        one = noise[start : start + length]
        write_wav(folder / f"{number:05d}.wav", np.stack([one * (1 + side), one * (1 - side)]), RATE)
    for number in range(JUNK):
        (folder / f"junk{number}.wav").write_bytes(b"junk" * 50)


def noted(folder: Path) -> list[str]:
    """Sources in the journal, in its order; a line that was cut off by the kill does not count."""
    path = folder / JOURNAL_NAME
    lines = path.read_text().splitlines()[1:] if path.is_file() else []
    return [json.loads(line)["source"] for line in lines if line.endswith("}")]


def command(sounds: Path, out: Path, model: str, jobs: int) -> list[str]:
    """The command line."""
    options = ["--model", model, "--out", str(out), "--jobs", str(jobs), "--quiet"]
    return [sys.executable, "-m", "earwitness.cli.main", "detect", str(sounds), *options]


def resident_mb(process: int) -> list[float]:
    """Resident memory of a process now, megabytes; empty if it has just ended."""
    status = Path(f"/proc/{process}/status").read_text()
    return [int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")]


def run(line: list[str], out: Path, stop_at: int | None) -> tuple[int, list[float]]:
    """Run the command and kill it after a number of files; return its exit code and samples of the parent's memory."""
    memory: list[float] = []
    before = len(noted(out))
    with subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while process.poll() is None:
            time.sleep(LOOK_SECONDS)
            done = len(noted(out))
            if done > before and process.poll() is None:
                memory += resident_mb(process.pid)
            if stop_at is not None and done >= stop_at:
                os.killpg(process.pid, signal.SIGKILL)
                break
    return process.returncode, memory


def main() -> None:
    """Kill, restart and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--model", default="default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sounds, out, alone = (Path(folder) / name for name in ("in", "out", "alone"))
        make_files(sounds, given.files)
        line = command(sounds, out, given.model, 2)
        run(line, out, given.files // 2)
        first, before = len(noted(out)), os.times()
        code, memory = run(line, out, None)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        done = noted(out)
        print(f"killed with -9 after {first} of {given.files} files; the same command then ended with exit code {code}")
        missing = given.files - JUNK - len(set(done))
        print(f"{len(done)} done, {len(done) - len(set(done))} twice, {missing} missing")
        each = 1000 * spent / (given.files - first)
        print(f"{each:.0f} ms of processor time per file in the second run, including its start")
        print(f"memory of the parent: {memory[0]:.0f} MB at the start, {memory[-1]:.0f} MB at the end")
        some = Path(folder) / "some"
        some.mkdir()
        for path in sorted(sounds.glob("0*.wav"))[:: max(1, given.files // SAMPLE)]:
            os.link(path, some / path.name)
        subprocess.run(command(some, alone, given.model, 1), check=True, stderr=subprocess.DEVNULL)
        print(f"{same(alone, out)} of {len(list(some.iterdir()))} results equal those of an uninterrupted run")


def same(alone: Path, out: Path) -> int:
    """Number of CSV files that are the same, byte for byte, in two folders."""
    tables = list(alone.glob("*.csv"))
    return sum(path.read_bytes() == (out / path.name).read_bytes() for path in tables)


if __name__ == "__main__":
    main()
