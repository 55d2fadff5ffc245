"""The verb `export` and its options, which are declared here only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from earwitness.cli.command import FORMAT_LIST, folder_name, takes

_CAPTIONS: Final = "Captions"
_CLIPS: Final = "Clips and tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultExportOptions:
    """The options of `export`, unchecked; each field is an option of the command."""

    events: Annotated[
        list[Path],
        typer.Argument(
            metavar="EVENTS",
            help="Saved events: NAME.json, NAME.csv in the DCASE format, or folders of results; for --check also "
            "subtitle files (.srt, .vtt).",
        ),
    ] = field(default_factory=list)
    format: Annotated[list[str], typer.Option(metavar=FORMAT_LIST, help="Formats to write.")] = field(
        default_factory=list
    )
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the files; by default the folder of the events.",
            parser=folder_name,
            metavar="DIR",
        ),
    ] = None
    media: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The video or sound file of the events, if it is in another folder."),
    ] = None
    classes: Annotated[
        list[str],
        typer.Option(metavar="NAME,...", help="Classes to keep, by name or group, such as people,alarms."),
    ] = field(default_factory=list)
    exclude: Annotated[list[str], typer.Option(metavar="NAME,...", help="Classes or groups to leave out.")] = field(
        default_factory=list
    )
    fov: Annotated[
        float | None,
        typer.Option(
            metavar="DEG", help="Horizontal field of view of the camera, degrees; by default the events' own, or 100."
        ),
    ] = None
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Frames per second of edl, fcpxml, otio and captions, such as 25 or 29.97; by default those of the "
            "video, or 25.",
        ),
    ] = None
    captions: Annotated[
        str, typer.Option(metavar="terse|full", rich_help_panel=_CAPTIONS, help="Style of captions.")
    ] = "terse"
    language: Annotated[
        str,
        typer.Option(
            metavar="CODE|FILE",
            rich_help_panel=_CAPTIONS,
            help="Language of captions: de, en, es, fr, ja, zh, or your own table (.json).",
        ),
    ] = "en"
    merge: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_CAPTIONS,
            help="Subtitles of the dialogue (.srt, .vtt): captions then hold them word for word, and no speech.",
        ),
    ] = None
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            rich_help_panel=_CAPTIONS,
            help="Check captions against the rules of broadcasters; exit code 1 if one is broken.",
        ),
    ] = False
    burn: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=_CAPTIONS, help="Video to write, with the captions in its pictures."
        ),
    ] = None
    annotated: Annotated[
        bool,
        typer.Option("--annotated", rich_help_panel=_CAPTIONS, help="With --burn: also draw the marks of `render`."),
    ] = False
    font: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=_CAPTIONS, help="With --burn: font file; by default an installed one."
        ),
    ] = None
    mux: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_CAPTIONS,
            help="Video to write, with the captions as a subtitle track (.mkv, .mp4, .mov).",
        ),
    ] = None
    clips: Annotated[
        bool,
        typer.Option(
            "--clips",
            rich_help_panel=_CLIPS,
            help="Cut a clip for each event into NAME.clips, listed in NAME.clips.csv.",
        ),
    ] = False
    clip_kind: Annotated[
        str,
        typer.Option(
            metavar="auto|sound|video",
            rich_help_panel=_CLIPS,
            help="WAV, MP4, or MP4 where there are pictures.",
        ),
    ] = "auto"
    clip_padding: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0, max=60, rich_help_panel=_CLIPS, help="Time before and after each event."
        ),
    ] = 0.5
    clip_merge: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=600,
            rich_help_panel=_CLIPS,
            help="Events of one class that are not further apart share a clip.",
        ),
    ] = 0.0
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", rich_help_panel=_CLIPS, help="One table of the events of all files (.csv, .parquet)."
        ),
    ] = None


@takes(ResultExportOptions)
def run(options: ResultExportOptions) -> None:
    """Write saved events in other formats, as captions in a video, or as clips; runs no model.

    Exit code: 0 all done, 1 some files failed (each named, the rest done) or break a caption rule, 2 wrong usage.
    """
    from earwitness.cli.export_run import export_files

    if export_files(options):
        raise typer.Exit(1)
