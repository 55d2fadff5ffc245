"""The verb `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("demo"),
    render: Annotated[bool, typer.Option(help="Draw the events into a copy of the video.")] = True,
) -> None:
    """Hear the sample video that comes with earwitness, and say how close to the known truth it came."""
    from earwitness.cli.threads import one_thread

    one_thread()
    from importlib.resources import as_file, files

    from rich.console import Console

    from earwitness.cli import detect
    from earwitness.data.dcase_csv import read_table
    from earwitness.errors import one_line
    from earwitness.export import read_events
    from earwitness.media.probe import probe
    from earwitness.metrics.hearing import compare
    from earwitness.render.picture import timeline_picture

    console = Console(highlight=False)
    sample = files("earwitness") / "assets" / "sample"
    with as_file(sample / "sample.mp4") as video, as_file(sample / "sample.csv") as truth:
        console.print("The sample is synthetic: real recordings in a simulated room, a drawn picture, known truth.")
        detect.run([str(video)], out=out, format=["vtt", "html"], render=render, again=True)
        frames = round(probe(video).duration * 10)
        reference, heard = read_table(truth, frames), read_events(out / "sample.json")
    timeline_picture(heard, out / "sample.png", reference=reference)
    console.print("\nHow close it came:", style="bold")
    for line in compare(reference, heard).lines():
        console.print(f"  {line}", soft_wrap=True)
    drawn = f", or {out / 'sample.earwitness.mp4'}" if render else ""
    console.print(one_line(f"Open {out / 'sample.html'}{drawn} to see it."), markup=False, soft_wrap=True)
