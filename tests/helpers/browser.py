"""Headless Chromium for tests of pages; they skip, saying so, where there is none."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TIMEOUT_MS = 180_000
"""Far more than a page needs: the machine may be busy."""


def chromium_path() -> str | None:
    """Where Chromium is: $CHROMIUM, or the first found by its usual names."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def browser(*options: str) -> Iterator[Any]:
    """A running Chromium (Playwright's `Browser`), with further options of its command line."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright (extra 'dev')")
    path = chromium_path()
    if path is None:
        pytest.skip("needs Chromium: install the package chromium, or set CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage", *options]
        running = playwright.chromium.launch(executable_path=path, args=arguments, timeout=TIMEOUT_MS)
        try:
            yield running
        finally:
            running.close()


def wait_until(page: Any, expression: str) -> None:
    """Wait until a JavaScript expression is true (Playwright's own way needs `eval`, which our pages forbid)."""
    until = time.monotonic() + TIMEOUT_MS / 1000
    while not page.evaluate(f"!!({expression})"):
        assert time.monotonic() < until, f"not within {TIMEOUT_MS / 1000:.0f} s: {expression}"
        page.wait_for_timeout(50)


@contextmanager
def open_page(running: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page on which nothing went wrong and which asked no network for anything but `address`' own server."""
    context = running.new_context(**options)
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("console", lambda said: problems.append(f"console: {said.text}") if said.type == "error" else None)
    own = "file:" if address.startswith("file:") else "/".join(address.split("/", 3)[:3])
    allowed = (own, "blob:", "data:")
    page.on("request", lambda asked: None if asked.url.startswith(allowed) else problems.append(f"asked {asked.url}"))
    try:
        page.goto(address)
        yield page
        assert not problems, problems
    finally:
        context.close()
