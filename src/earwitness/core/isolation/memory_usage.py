"""How much memory a process and its children hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process and all below it, MB (10^6 bytes); None where the system does not tell.

    Linux tells in /proc, other Unix systems by `ps`; of Windows it is not known.
    """
    if (_PROC / "self" / "statm").exists():
        return sum(map(_resident_bytes, _with_children(pid))) / 1e6
    return None if sys.platform == "win32" else _by_ps(pid)


def _resident_bytes(pid: int) -> int:
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):  # it ended meanwhile
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:  # grows meanwhile
        for listed in (_PROC / str(parent) / "task").glob("*/children"):
            with suppress(OSError):
                found += map(int, listed.read_text().split())
    return found


def _by_ps(pid: int) -> float | None:
    try:
        listed = subprocess.run(
            ["ps", "-axo", "pid=,ppid=,rss="], capture_output=True, text=True, timeout=5, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    children, kilobytes = defaultdict(list), defaultdict(int)
    for line in listed.splitlines():
        child, parent, resident = map(int, line.split()[:3])
        children[parent].append(child)
        kilobytes[child] = resident
    found = [pid]
    for parent in found:
        found += children[parent]
    return sum(kilobytes[one] for one in found) * 1024 / 1e6
