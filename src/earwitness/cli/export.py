"""The verb `export`."""

from __future__ import annotations

import typer

from earwitness.cli.command import takes
from earwitness.cli.export_options import ResultExportOptions


@takes(ResultExportOptions)
def run(options: ResultExportOptions) -> None:
    """Write saved events in other formats, as captions in a video, or as clips; runs no model.

    Exit code: 0 all done, 1 some files failed (each named, the rest done) or break a caption rule, 2 wrong usage.
    """
    from earwitness.cli.export_run import export_files

    if export_files(options):
        raise typer.Exit(1)
