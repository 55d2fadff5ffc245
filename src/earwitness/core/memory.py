"""Memory: how much a process takes, and whether freed memory is kept or returned to the system."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

KEPT_BYTES: Final = 128 * 2**20
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_MMAP_THRESHOLD: Final = 32 * 2**20
"""Upper limit of glibc."""
_PROC: Final = Path("/proc")


@cache
def keep_freed_memory() -> bool:
    """Let this process keep up to `KEPT_BYTES` of freed memory, if the C library is glibc.

    By default glibc returns arrays of some megabytes to the system as soon as they are freed. The system then clears
    every page of the next array, which takes a quarter of the time of rendering a scene.

    Returns:
        Whether the allocator accepted the setting.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    kept = mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    return bool(kept and mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD))


def release_memory() -> None:
    """Return unused memory to the system, if the C library is glibc; otherwise do nothing.

    Without this call, heap fragmentation makes a long run grow although the memory in use does not.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)


@contextmanager
def growth_in_place() -> Iterator[None]:
    """Grow arrays of a megabyte or more without copying inside this context, if the C library is glibc.

    By default glibc takes arrays of up to 32 MB from its heap, where a growing array needs memory for its old and its
    new size at once.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        yield
        return
    mallopt(_M_MMAP_THRESHOLD, 2**20)
    try:
        yield
    finally:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process and its descendants in MB (10^6 bytes); None on Windows, or if `ps` fails.

    Linux provides it in /proc, other Unix systems through `ps`.
    """
    if (_PROC / "self" / "statm").exists():
        return sum(map(_resident_bytes, _with_children(pid))) / 1e6
    return None if sys.platform == "win32" else _by_ps(pid)


def _resident_bytes(pid: int) -> int:
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):  # the process has ended
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for parent in found:  # the list grows while it is read
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
