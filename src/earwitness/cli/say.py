"""What commands say to people on the standard error stream: one line each, whatever names of files hold."""

from __future__ import annotations

import typer

from earwitness.core.errors import one_line


def say(message: str) -> None:
    """Print a problem or a note."""
    typer.echo(f"earwitness: {one_line(message)}", err=True)
