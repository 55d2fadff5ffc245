"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from earwitness.errors import EncodingError


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` (same suffix); renamed to `path` on success, removed on failure.

    Raises:
        EncodingError: the file or its folder cannot be written.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise EncodingError(f"{path}: cannot be written ({error.strerror or error}); check folder and space") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
