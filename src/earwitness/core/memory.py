"""The C library's allocator: freed memory kept for the next array, or given back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

KEPT_BYTES: Final = 128 * 2**20
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_LARGEST_MMAP_THRESHOLD: Final = 32 * 2**20
"""glibc takes no larger one."""


@cache
def keep_freed_memory() -> bool:
    """Let this process keep up to `KEPT_BYTES` of what it freed, where the C library is glibc.

    By default glibc gives back arrays of some megabytes as soon as they are freed, and the system hands out the next
    ones page by page, each cleared: a quarter of the time of rendering a scene.

    Returns:
        Whether the allocator took it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return False
    kept = mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    return bool(kept and mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD))


def give_back() -> None:
    """Give back what is free between the pieces in use, where the C library keeps it (glibc); else do nothing.

    Without it a long run whose pieces come and go in all sizes grows, though what it uses does not.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)


@contextmanager
def growing_in_place() -> Iterator[None]:
    """Within, an array of a megabyte that grows is not copied, where the C library is glibc.

    By default glibc takes arrays of up to 32 MB from its heap, where one that grows needs room for its old and its new
    size at once.
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
