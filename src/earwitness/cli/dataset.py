"""The verb `dataset` and its sub-commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Check, make and hand in data sets.", no_args_is_help=True)


@app.command("check")
def check_set(
    folder: Annotated[Path, typer.Argument(help="Data set in the folder layout of DCASE2025 Task 3.")],
    json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Say what a data set holds, and list what is missing, mispaired, damaged, out of range, clipped or silent.

    Exits with 1 if anything is wrong.
    """
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.data.check import check
    from earwitness.data.summary import as_dict, print_report

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking", total=None)
        report = check(folder, workers, lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        import json as format_json

        typer.echo(format_json.dumps(as_dict(report), indent=1))
    else:
        print_report(report, Console(highlight=False))
    if report.problems:
        raise typer.Exit(1)
