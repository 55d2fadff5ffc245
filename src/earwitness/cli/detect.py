"""The verb `detect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from earwitness.cli.choices import folder_name
from earwitness.cli.threads import one_thread

_INPUT: Final = "Input"
_OUTPUT: Final = "Output"
_PICTURES: Final = "Pictures"
_MODEL: Final = "Model"
_BATCH: Final = "Processing"


def run(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT", help="Video or audio files, folders or globs.")
    ] = None,
    dcase: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_INPUT,
            help="Instead of INPUT: the evaluation clips of a DCASE set, for a submission.",
        ),
    ] = None,
    mono: Annotated[
        bool, typer.Option("--mono", rich_help_panel=_INPUT, help="Accept mono sound; its events have no direction.")
    ] = False,
    swap_channels: Annotated[
        bool, typer.Option("--swap-channels", rich_help_panel=_INPUT, help="Exchange the left and right channels.")
    ] = False,
    track: Annotated[
        str,
        typer.Option(
            metavar="auto|N|N+N",
            rich_help_panel=_INPUT,
            help="Audio track to use, counted from 0; 0+1 uses two mono tracks as left and right.",
        ),
    ] = "auto",
    layout: Annotated[
        str,
        typer.Option(
            metavar="auto|foa|fuma|surround",
            rich_help_panel=_INPUT,
            help="Meaning of four or more channels: ambiX, FuMa or loudspeakers; auto detects it.",
        ),
    ] = "auto",
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", parser=folder_name, rich_help_panel=_OUTPUT, help="Folder for the results."
        ),
    ] = Path("earwitness-out"),
    format: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT,...",
            rich_help_panel=_OUTPUT,
            help="Formats to write besides csv and json: html, events, vtt, srt, ttml, ass, edl, fcpxml, otio, reaper, "
            "audacity, raven, labelstudio, elan, textgrid, rttm, jams, jsonl, parquet.",
        ),
    ] = None,
    captions: Annotated[
        str, typer.Option(metavar="terse|full", rich_help_panel=_OUTPUT, help="Style of vtt and srt.")
    ] = "terse",
    render: Annotated[
        bool,
        typer.Option("--render", rich_help_panel=_OUTPUT, help="Also write an annotated copy of the video."),
    ] = False,
    grow: Annotated[
        bool,
        typer.Option(
            "--grow",
            rich_help_panel=_OUTPUT,
            help="Write the events so far to NAME.growing.jsonl.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=_OUTPUT, help="Print problems only.")] = False,
    fov: Annotated[
        float,
        typer.Option(metavar="DEG", rich_help_panel=_PICTURES, help="Horizontal field of view of the camera, degrees."),
    ] = 100.0,
    vision: Annotated[
        str,
        typer.Option(
            metavar="DETECTOR",
            rich_help_panel=_PICTURES,
            help="Visual detector: pose, auto (pose where it is installed), or vitpose or owlvit-boxes (experimental: "
            "never run with published weights).",
        ),
    ] = "auto",
    no_vision: Annotated[
        bool, typer.Option("--no-vision", rich_help_panel=_PICTURES, help="Analyse the sound only.")
    ] = False,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH,...",
            rich_help_panel=_MODEL,
            help="A shipped model, or an .onnx or .ensemble file; with commas, several as an ensemble.",
        ),
    ] = "default",
    modalities: Annotated[
        str | None,
        typer.Option(metavar="NAME,...|none", rich_help_panel=_MODEL, help="Token modalities to use; all by default."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            rich_help_panel=_MODEL,
            help="Detection threshold for every class, 0..1; by default the model's own for each class.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda", rich_help_panel=_MODEL, help="Device that runs the model.")
    ] = "auto",
    threads: Annotated[int, typer.Option(metavar="N", rich_help_panel=_MODEL, help="CPU threads for the model.")] = 1,
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", rich_help_panel=_BATCH, help="Files to process at the same time.")
    ] = 1,
    engine: Annotated[
        str,
        typer.Option(metavar="local|ray", rich_help_panel=_BATCH, help="Local processes, or Ray actors (extra 'ray')."),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            rich_help_panel=_BATCH,
            help="With --engine ray: a running cluster; by default one is started here.",
        ),
    ] = None,
    max_seconds: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            rich_help_panel=_BATCH,
            help="Time limit for each file; by default it grows with the file's length.",
        ),
    ] = None,
    max_memory: Annotated[
        float, typer.Option(metavar="MB", rich_help_panel=_BATCH, help="Memory limit for each file.")
    ] = 3000.0,
    again: Annotated[
        bool,
        typer.Option("--again", rich_help_panel=_BATCH, help="Also process files that are finished."),
    ] = False,
) -> None:
    """Detect sound events in videos or recordings: what, when, from where, how far away, on screen or not.

    Writes NAME.csv (DCASE2025 format) and NAME.json for each file, prints a table, and continues when a file fails.
    With --dcase, writes one CSV file for each evaluation clip as the challenge requires, plus the formats of --format.
    An interrupted run continues when it is started again with the same settings; --again processes everything anew.
    Exit code: 0 all done, 1 some inputs failed, 2 wrong usage.
    """
    one_thread()
    from earwitness.cli.detect_options import DetectOptions, detect_files

    settings = DetectOptions(
        inputs=tuple(inputs or ()), dcase=dcase, out=out, formats=tuple(format or ()), captions=captions, model=model,
        device=device, modalities=modalities, threads=threads, vision=None if no_vision else vision,
        threshold=threshold, mono=mono, swap_channels=swap_channels, track=track, layout=layout, render=render,
        fov=fov, grow=grow, jobs=jobs, engine=engine, address=address, max_seconds=max_seconds, max_memory=max_memory,
        again=again, quiet=quiet,
    )  # fmt: skip
    if detect_files(settings):
        raise typer.Exit(1)
