"""The verb `render`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from earwitness.render.report.player import Player
    from earwitness.results.detection import Detection

_EVENTS = frozenset({".json", ".csv"})


def run(
    source: Annotated[
        Path,
        typer.Argument(help="Saved events (NAME.json, or NAME.csv of DCASE), or the video or sound file itself."),
    ],
    events: Annotated[
        Path | None, typer.Option(help="The events, where SOURCE is the video or sound that they belong to.")
    ] = None,
    media: Annotated[
        Path | None,
        typer.Option(help="The video or sound, where SOURCE is the events and it does not lie beside them."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Annotated video to write (.mp4, .mov, .mkv).")] = None,
    report: Annotated[Path | None, typer.Option(help="Report to write: one self-contained page (.html).")] = None,
    plot: Annotated[
        list[Path] | None,
        typer.Option(help="Picture of directions and distances over time (.png, .svg, .pdf); repeat it for several."),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="What was true (.json or .csv), to stand beside the events in --plot.")
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(
            help="The camera's horizontal field of view, degrees; by default that of the saved events, or 100."
        ),
    ] = None,
    player: Annotated[
        str,
        typer.Option(
            metavar="auto|embed|link|none",
            help="Video or sound of the report: inside the page, beside it, inside if at most 32 MB, or left out.",
        ),
    ] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads for decoding and encoding.")] = 1,
) -> None:
    """Make saved events visible: an annotated video, a report, a plot.

    The video is a copy of the original, whose sound, length and picture times stay as they are. Marks in the picture
    say what sounds, from where and how far away; below it come a view from above and a timeline.
    A phone held upright sees about 40 degrees, held level about 65; DCASE2025 uses 100.
    """
    from earwitness.cli.choices import check_fov, one_of
    from earwitness.core.errors import UsageError
    from earwitness.render.report.player import PLAYERS
    from earwitness.results.saved import read_result

    chosen = one_of("--player", player, PLAYERS)
    if out is None and report is None and not plot:
        raise UsageError("nothing to make: give --out VIDEO, --report PAGE or --plot PICTURE")
    if reference is not None and not plot:
        raise UsageError("--reference stands beside the events in a plot; give --plot too")
    if fov is not None:
        check_fov(fov)
    if source.suffix.lower() in _EVENTS:
        if events is not None:
            raise UsageError(f"{source} holds events itself; with --events, name the video or sound first")
        result = read_result(source, media)
    else:
        if events is None:
            raise UsageError(f"which events belong to {source}? Give --events FILE.json, or name that file instead")
        result = read_result(events, media or source)
    if out is not None:
        _video(result, out, fov, threads)
    if report is not None:
        _report(result, report, fov, chosen)
    for picture in plot or []:
        _plot(result, picture, reference)


def _video(result: Detection, out: Path, fov: float | None, threads: int) -> None:
    from rich.markup import escape
    from rich.progress import Progress

    from earwitness.core.errors import UnreadableMediaError, one_line
    from earwitness.media.containers.sound_tracks import parse_track
    from earwitness.render.video.annotated_video import render_video

    if result.media_file is None:
        raise UnreadableMediaError(
            f"{result.path or 'the events'}: the video is not there; say where with --media FILE"
        )
    whole, track = result.view_with(fov).whole_fov, parse_track(str(result.settings.get("track", "auto")))
    with Progress(transient=True) as progress:
        task = progress.add_task(escape(one_line(out.name)), total=1.0)
        render_video(
            result.media_file, result.table, out, whole, lambda done: progress.update(task, completed=done), threads,
            track,
        )  # fmt: skip
    typer.echo(one_line(str(out)))


def _report(result: Detection, report: Path, fov: float | None, player: Player) -> None:
    from earwitness.cli.say import say
    from earwitness.core.errors import UsageError, one_line
    from earwitness.render.report import write_report

    if report.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"--report {report}: a report is a page; call it .html")
    if result.media_file is None and result.path is not None and player != "none":
        say(f"{result.path.name} is not beside the events, so the report is without it; say where with --media FILE")
    typer.echo(one_line(str(write_report(result, report, fov, player))))


def _plot(result: Detection, picture: Path, reference: Path | None) -> None:
    from earwitness.core.errors import one_line
    from earwitness.render.timeline_picture import timeline_picture
    from earwitness.results.saved import read_result

    true = None if reference is None else read_result(reference).table
    name = None if result.path is None else one_line(result.path.name).replace("$", "\\$")
    typer.echo(one_line(str(timeline_picture(result.table, picture, reference=true, title=name))))
