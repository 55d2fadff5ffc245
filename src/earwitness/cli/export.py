"""The verb `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earwitness.cli.choices import folder_name
from earwitness.cli.command import FORMAT_LIST


def run(
    events: Annotated[
        list[Path],
        typer.Argument(metavar="EVENTS", help="Saved events: NAME.json, or NAME.csv in the DCASE format."),
    ],
    format: Annotated[
        list[str],
        typer.Option(
            metavar=FORMAT_LIST,
            help="Formats to write.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for the files; by default the folder of the events.",
            parser=folder_name,
            metavar="DIR",
        ),
    ] = None,
    media: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The video or sound file of the events, if it is in another folder."),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Classes to keep, by name or group, such as people,alarms."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="NAME,...", help="Classes or groups to leave out.")
    ] = None,
    captions: Annotated[str, typer.Option(metavar="terse|full", help="Style of vtt and srt.")] = "terse",
    fov: Annotated[
        float | None,
        typer.Option(
            metavar="DEG", help="Horizontal field of view of the camera, degrees; by default the events' own, or 100."
        ),
    ] = None,
) -> None:
    """Write saved events in other formats; runs no model.

    Exit code: 0 all done, 1 some files failed (each named, the rest done), 2 wrong usage.
    """
    from earwitness.batch.formats import Options, parse_formats, write
    from earwitness.batch.result_names import fitted
    from earwitness.cli.choices import check_fov, chosen_classes, one_of
    from earwitness.core.errors import EarwitnessError, UsageError, one_line
    from earwitness.core.files.lock import LONGEST_NAME
    from earwitness.export.captions.captions import STYLES
    from earwitness.results.class_choice import ClassChoice
    from earwitness.results.saved import read_result

    if fov is not None:
        check_fov(fov)
    formats = parse_formats(format, Options(captions=one_of("--captions", captions, STYLES), fov=fov))
    if not formats:
        raise UsageError("--format names no format")
    if media is not None and len(events) > 1:
        raise UsageError("--media applies to one file of events; name only that file")
    if out is not None and out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; name a folder")
    choice = ClassChoice.of(classes, exclude)
    failed = 0
    for source in events:
        try:
            result = chosen_classes(read_result(source, media), choice)
            for chosen in formats:
                name = fitted(source.stem, LONGEST_NAME - len(chosen.suffix), source.name)
                target = (out or source.parent) / f"{name}{chosen.suffix}"
                if target.exists() and target.samefile(source):
                    raise UsageError(f"{target}: would overwrite its own source; give --out")
                write(result, target, chosen)
                typer.echo(one_line(str(target)))
        except UsageError:
            raise
        except EarwitnessError as error:
            typer.echo(f"earwitness: {error}", err=True)
            failed += 1
    if failed:
        raise typer.Exit(1)
