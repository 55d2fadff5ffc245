"""The command line, run in the test's own process: the fixture `earwitness` of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Result(NamedTuple):
    """What a command returned and printed."""

    code: int
    out: str
    err: str

    @property
    def problems(self) -> list[str]:
        return self.err.splitlines()

    @property
    def problem(self) -> str:
        """The one line of an error."""
        lines = [line for line in self.problems if line.startswith("earwitness: ")]
        assert len(lines) == 1, self.err
        return lines[0]


Command = Callable[..., Result]
