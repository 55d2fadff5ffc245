"""Standard error without the greetings of native libraries."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hold_back(start: str) -> Iterator[None]:
    """Keep lines that begin with `start` from standard error; all other lines come through when the block ends.

    For native code that writes to the file descriptor and has no setting for it. Where there is no standard error,
    nothing is done.
    """
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    with tempfile.TemporaryFile() as file:
        _flush()
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            for line in file:
                if not line.startswith(start.encode()):
                    os.write(2, line)


def _flush() -> None:
    if sys.stderr is not None:
        sys.stderr.flush()
