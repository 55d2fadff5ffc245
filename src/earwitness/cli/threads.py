"""Processor threads: numerical libraries take all cores for tiny matrices; on a busy machine that is awfully slow."""

from __future__ import annotations

import os
from typing import Final

_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    """Let BLAS and OpenMP use one thread, unless the user has said otherwise; call before NumPy is imported."""
    for name in _VARIABLES:
        os.environ.setdefault(name, "1")
