"""Visitors of a server under test."""

from __future__ import annotations

import time
from typing import Any


def wait_until_empty(server: Any, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while server.children() and time.monotonic() < until:
        time.sleep(0.05)
    assert not server.children()
