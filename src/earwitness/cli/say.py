"""Messages of commands on stderr: one line each, even if a file name contains line breaks."""

from __future__ import annotations

import typer

from earwitness.core.errors import one_line


def say(message: str) -> None:
    """Print a problem or a note."""
    typer.echo(f"earwitness: {one_line(message)}", err=True)
