"""Settings of the C library's memory allocator: whether freed memory is kept or returned to the system."""

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
"""Upper limit of glibc."""


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
