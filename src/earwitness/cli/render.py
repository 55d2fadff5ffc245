"""`earwitness render`: an annotated video, and a picture of the events over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from earwitness.events import EventTable


def run(
    video: Annotated[Path, typer.Argument(help="Video or sound file that the events belong to.", show_default=False)],
    events: Annotated[Path, typer.Option(help="Events: FILE.json of earwitness, or FILE.csv in the DCASE format.")],
    out: Annotated[Path, typer.Option(help="Annotated video to write (.mp4, .mov, .mkv).")],
    fov: Annotated[
        float, typer.Option(min=1, max=170, help="Horizontal field of view of the camera as shown, degrees.")
    ] = 100.0,
    plot: Annotated[Path | None, typer.Option(help="Also draw directions and distances over time (.png).")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads for decoding and encoding.")] = 1,
) -> None:
    """Draw the events into a copy of the video; sound and length stay as they are.

    Marks in the picture say what sounds, from where and how far away; below it come a view from above and a timeline.
    A phone held upright sees about 40 degrees, held level about 65; DCASE2025 uses 100.
    """
    from rich.progress import Progress

    from earwitness.render.video import render_video

    table = _read(events, video)
    with Progress(transient=True) as progress:
        task = progress.add_task(out.name, total=1.0)
        render_video(video, table, out, fov, lambda done: progress.update(task, completed=done), threads)
    typer.echo(str(out))
    if plot is not None:
        from earwitness.render.picture import timeline_picture

        typer.echo(str(timeline_picture(table, plot, title=video.name)))


def _read(events: Path, video: Path) -> EventTable:
    from math import ceil

    from earwitness.errors import LabelError
    from earwitness.events import FRAME_RATE
    from earwitness.media.probe import probe

    if events.suffix.lower() == ".json":
        from earwitness.export.json_events import read_events

        return read_events(events)
    if events.suffix.lower() == ".csv":
        from earwitness.data.dcase_csv import read_table

        return read_table(events, num_frames=ceil(probe(video).duration * FRAME_RATE) + 1)
    raise LabelError(f"{events}: events come as .json or .csv; this is neither")
