"""Optional extras: an error names the missing extra, not the missing module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from earwitness.core.errors import MissingExtraError


@contextmanager
def needs(feature: str, extra: str) -> Iterator[None]:
    """Turn a failed import of a third-party package into an error that names its extra.

    Raises:
        MissingExtraError: the extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "earwitness":
            raise
        raise MissingExtraError(feature, extra) from error
