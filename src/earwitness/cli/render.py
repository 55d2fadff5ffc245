"""The verb `render`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from earwitness.render.report_media import Player
    from earwitness.render.video.annotated_video import VideoOptions
    from earwitness.results.detection import Detection
    from earwitness.results.selection import ClassChoice

_EVENTS = frozenset({".json", ".csv"})


def run(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="Saved events (NAME.json, or NAME.csv of DCASE), or their media file."),
    ],
    events: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The events, if SOURCE is their video or sound file.")
    ] = None,
    media: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The video or sound file, if SOURCE is the events in another folder."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Annotated video to write (.mp4, .mov, .mkv)."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Report to write: one self-contained page (.html).")
    ] = None,
    plot: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Plot of directions and distances over time (.png, .svg, .pdf); may be repeated."
        ),
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Reference labels (.json or .csv) to show in --plot.")
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Classes to show, by name or group, such as people,alarms."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="NAME,...", help="Classes or groups to leave out.")
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(
            metavar="DEG",
            help="Horizontal field of view of the camera, degrees; by default the saved events' own, or 100.",
        ),
    ] = None,
    player: Annotated[
        str,
        typer.Option(
            metavar="auto|embed|link|none",
            help="Media of the report: embed puts them into the page, link plays the file beside it, auto embeds up "
            "to 32 MB, none omits them.",
        ),
    ] = "auto",
    style: Annotated[
        str,
        typer.Option(
            metavar="clean|broadcast",
            help="Markers of the video: clean has thin frames, degrees and metres, and a view from above with a "
            "timeline below the picture; broadcast has large labels within the title-safe area, and keeps the size.",
        ),
    ] = "clean",
    panel: Annotated[
        bool | None,
        typer.Option("--panel/--no-panel", help="Add or omit the view from above and the timeline, in any style."),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, metavar="N", help="Threads for decoding and encoding.")] = 1,
) -> None:
    """Show saved events: an annotated video, a report, a plot.

    The video keeps the sound, length and frame times of the original. A sound whose source was seen has a frame around
    the source and a label beside it; any other has a line at its direction and a label at the edge, or an arrow if it
    is outside the picture. Labels cover no faces.
    A phone's horizontal field of view is about 40 degrees upright and 65 sideways; DCASE2025 uses 100.
    """
    from earwitness.cli.command import check_fov, chosen_classes, one_of
    from earwitness.core.errors import UsageError
    from earwitness.render.report_media import PLAYERS
    from earwitness.render.video import MARKER_STYLES
    from earwitness.render.video.annotated_video import VideoOptions
    from earwitness.results.saved import read_result
    from earwitness.results.selection import ClassChoice

    chosen, markers = one_of("--player", player, PLAYERS), one_of("--style", style, MARKER_STYLES)
    if out is None and report is None and not plot:
        raise UsageError("nothing to make: give --out VIDEO, --report PAGE or --plot PICTURE")
    if reference is not None and not plot:
        raise UsageError("--reference is shown in a plot; give --plot too")
    if fov is not None:
        check_fov(fov)
    if source.suffix.lower() in _EVENTS:
        if events is not None:
            raise UsageError(f"{source} contains events itself; with --events, SOURCE must be the video or sound file")
        result = read_result(source, media)
    else:
        if events is None:
            raise UsageError(f"{source} needs its events: give --events FILE.json, or name that file instead")
        result = read_result(events, media or source)
    choice = ClassChoice.of(classes, exclude)
    result = chosen_classes(result, choice)
    if out is not None:
        _video(result, out, VideoOptions(markers, panel, fov, threads=threads))
    if report is not None:
        _report(result, report, fov, chosen)
    for picture in plot or []:
        _plot(result, picture, reference, choice)


def _video(result: Detection, out: Path, options: VideoOptions) -> None:
    from rich.markup import escape
    from rich.progress import Progress

    from earwitness.cli.command import say
    from earwitness.core.errors import UnreadableMediaError, one_line
    from earwitness.media.containers.sound_tracks import parse_track
    from earwitness.render.video.annotated_video import render_video
    from earwitness.render.video.frame_source import KeptSound

    if result.media_file is None:
        raise UnreadableMediaError(f"{result.path or 'the events'}: the video was not found; name it with --media FILE")
    options = replace(options, sound=KeptSound(parse_track(str(result.settings.get("track", "auto")))))
    notes: list[str] = []
    with Progress(transient=True) as progress:
        task = progress.add_task(escape(one_line(out.name)), total=1.0)
        render_video(
            result, result.media_file, out, options, lambda done: progress.update(task, completed=done), notes.append
        )
    for text in notes:
        say(text)
    typer.echo(one_line(str(out)))


def _report(result: Detection, report: Path, fov: float | None, player: Player) -> None:
    from earwitness.cli.command import say
    from earwitness.core.errors import UsageError, one_line
    from earwitness.render.report_page import write_report

    if report.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"--report {report}: a report is an HTML page; name it .html")
    if result.media_file is None and result.path is not None and player != "none":
        say(f"{result.path.name} was not found, so the report has no player; name the file with --media FILE")
    typer.echo(one_line(str(write_report(result, report, fov, player))))


def _plot(result: Detection, picture: Path, reference: Path | None, choice: ClassChoice) -> None:
    from earwitness.core.errors import one_line
    from earwitness.render.timeline_picture import timeline_picture
    from earwitness.results.saved import read_result

    truth = None if reference is None else choice.apply(read_result(reference)).table
    name = None if result.path is None else one_line(result.path.name).replace("$", "\\$")
    typer.echo(one_line(str(timeline_picture(result.table, picture, reference=truth, title=name))))
