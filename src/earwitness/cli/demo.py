"""The verb `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.")] = Path("demo"),
    render: Annotated[bool, typer.Option(help="Also write an annotated copy of the video.")] = True,
) -> None:
    """Run `detect` on the sample video that comes with earwitness, and compare the result with the known truth."""
    from earwitness.cli.command import one_thread

    one_thread()
    from importlib.resources import as_file, files

    from rich.console import Console

    from earwitness.cli.detect import DetectOptions
    from earwitness.cli.detect_run import detect_files
    from earwitness.core.errors import one_line
    from earwitness.data.dcase.labels import read_table
    from earwitness.media.containers.probe import probe
    from earwitness.metrics.evaluation import compare
    from earwitness.render.timeline_picture import timeline_picture
    from earwitness.results.document import read_events

    console = Console(highlight=False)
    sample = files("earwitness") / "assets" / "sample"
    with as_file(sample / "sample.mp4") as video, as_file(sample / "sample.csv") as truth:
        console.print(
            "The sample is not a real video: real recordings in a simulated room, a drawn picture, known truth.\n"
            "(No real stereo video with known source positions comes with earwitness.)"
        )
        settings = DetectOptions(inputs=[str(video)], out=out, formats=["vtt", "html"], render=render, again=True)
        if detect_files(settings):
            raise typer.Exit(1)
        frames = round(probe(video).duration * 10)
        reference, detected = read_table(truth, frames), read_events(out / "sample.json")
    timeline_picture(detected, out / "sample.png", reference=reference)
    console.print("\nCompared with the truth:", style="bold")
    for line in compare(reference, detected).lines():
        console.print(f"  {line}", soft_wrap=True)
    drawn = f", or {out / 'sample.earwitness.mp4'}" if render else ""
    console.print(one_line(f"Open {out / 'sample.html'}{drawn} to see it."), markup=False, soft_wrap=True)
