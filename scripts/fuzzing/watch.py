"""A process that reads one case after the other, and another one that watches its time and memory."""

from __future__ import annotations

import json
import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fuzzing.kinds import KINDS, Kind, Read, readers

TIME_LIMIT: Final = 30.0
"""Seconds of processor time a case."""
CLOCK_LIMIT: Final = 120.0
"""Seconds by the clock: a busy machine is slow, and who waits for ever takes no processor time."""
MEMORY_LIMIT_MB: Final = 1500
_POLL_SECONDS: Final = 0.5
_TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a case.

    Attributes:
        outcome: "read" or "refused" where all is well.
        detail: message or trace.
        seconds: processor time.
        megabytes: most memory.
    """

    outcome: str
    detail: str
    seconds: float = 0.0
    megabytes: int = 0

    @property
    def well(self) -> bool:
        """Whether the case ended as it should."""
        return self.outcome in ("read", "refused")


def work(valid: Path, seed: int) -> None:
    """Read numbers and kinds of cases from standard input, answer each with a line of JSON."""
    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", category=RuntimeWarning, module=r"earwitness\b")
    answers = os.fdopen(os.dup(1), "w")  # what libraries print must not be taken for an answer
    os.dup2(2, 1)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=valid))  # which goes, however this process ends
    os.environ["EARWITNESS_CACHE"] = str(folder / "cache")
    try:
        known = readers(valid, folder)
        for line in sys.stdin:
            number, name = line.rstrip("\n").split(" ", 1)
            place = folder / "case"
            place.mkdir()
            began = time.process_time()
            outcome, detail = _tried(KINDS[name], known, random.Random(f"{seed}/{number}"), valid, place)
            seconds = time.process_time() - began
            answer = {"outcome": outcome, "detail": detail, "seconds": seconds, "megabytes": _peak()}
            print(json.dumps(answer), file=answers, flush=True)
            shutil.rmtree(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tried(kind: Kind, known: Mapping[str, Read], chance: random.Random, valid: Path, place: Path) -> tuple[str, str]:
    """Make a case and read it: outcome and detail."""
    from earwitness.core.errors import EarwitnessError

    try:
        path = kind.make(chance, valid, place)
    except Exception:
        return "not made", traceback.format_exc(limit=-6)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # what making it took does not count
    try:
        known[kind.reader](path)
    except EarwitnessError as error:
        message = str(error)
        return ("refused", message) if message and "\n" not in message else ("not one line", message)
    except Exception:
        return "defect", traceback.format_exc(limit=-6)
    return ("not refused", f"{path.read_bytes()[:300]!r} as {path.name}") if kind.refused else ("read", "")


def _peak() -> int:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024


class Watched:
    """The reading process, started again when a case ends it.

    Args:
        script: what starts it, with `--work`.
        valid: folder of valid files.
        seed: of all cases.
        clock_limit: seconds by the clock that a case may take.
    """

    def __init__(self, script: Path, valid: Path, seed: int, clock_limit: float = CLOCK_LIMIT) -> None:
        self._clock_limit = clock_limit
        self._command = [sys.executable, str(script), "--work", str(valid), "--seed", str(seed)]
        self._process: subprocess.Popen[str] | None = None

    def ask(self, number: int, name: str) -> Answer:
        """What comes of a case."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            self._say("0 damaged labels.csv")  # loads everything, so that no case pays for it
            self._answer(600, 600)
        self._say(f"{number} {name}")
        return self._answer(TIME_LIMIT, self._clock_limit)

    def _say(self, line: str) -> None:
        process = self._running()
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None
        return self._process

    def _answer(self, seconds: float, clock: float) -> Answer:
        process = self._running()
        assert process.stdout is not None
        began, used = time.monotonic(), _processor_seconds(process.pid)
        while not select.select([process.stdout], [], [], _POLL_SECONDS)[0]:
            spent, waited = _processor_seconds(process.pid) - used, time.monotonic() - began
            if spent > seconds or waited > clock:
                self.close()
                return Answer("hang", f"no answer after {waited:.0f} s, {spent:.0f} s of processor time", spent)
        line = process.stdout.readline()
        if not line:
            return Answer("crash", f"the process ended with {process.wait()}")
        answer = Answer(**json.loads(line))
        if answer.seconds > seconds:
            answer = Answer("hang", f"{answer.seconds:.0f} s of processor time", answer.seconds, answer.megabytes)
        if answer.megabytes > MEMORY_LIMIT_MB:
            answer = Answer("memory", f"{answer.megabytes} MB", answer.seconds, answer.megabytes)
            self.close()
        return answer

    def close(self) -> None:
        """End the process, and take away what it left."""
        if self._process is not None:
            if self._process.stdin is not None:
                with suppress(OSError):
                    self._process.stdin.close()  # it takes its folder away, if it still listens
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _processor_seconds(pid: int) -> float:
    """Processor time of a process so far; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
