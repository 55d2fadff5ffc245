"""The verb `detect`."""

from __future__ import annotations

import typer

from earwitness.cli.command import one_thread, takes
from earwitness.cli.detect_options import DetectOptions


@takes(DetectOptions)
def run(options: DetectOptions) -> None:
    """Detect sound events in videos or recordings: what, when, from where, how far away, on screen or not.

    Writes NAME.csv (DCASE2025 format) and NAME.json for each file, prints a table, and continues when a file fails.
    With --dcase, writes one CSV file for each evaluation clip as the challenge requires, plus the formats of --format.
    An interrupted run continues when it is started again with the same settings; --again processes everything anew.
    Exit code: 0 all done, 1 some inputs failed, 2 wrong usage.
    """
    one_thread()
    from earwitness.cli.detect_run import detect_files

    if detect_files(options):
        raise typer.Exit(1)
