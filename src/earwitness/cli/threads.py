"""CPU threads: numerical libraries use all cores even for tiny matrices, which is very slow on a busy machine."""

from __future__ import annotations

import os
from typing import Final

_VARIABLES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def one_thread() -> None:
    """Limit BLAS and OpenMP to one thread unless the environment says otherwise; call before importing NumPy."""
    for name in _VARIABLES:
        os.environ.setdefault(name, "1")
