"""The verb `detect` and its options, which are declared here only."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import typer

from earwitness.cli.command import FORMAT_LIST, folder_name, one_thread, takes

_INPUT: Final = "Input"
_OUTPUT: Final = "Output"
_PICTURES: Final = "Pictures"
_MODEL: Final = "Model"
_BATCH: Final = "Processing"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectOptions:
    """The options of `detect`, unchecked; `detect_files` checks them.

    Each field is an option of the command. A field that has the name of a field of `DetectSettings` (how a file is
    analysed) or of `LoadOptions` (how the model is loaded) is passed on to it.
    """

    inputs: Annotated[list[str], typer.Argument(metavar="INPUT", help="Video or audio files, folders or globs.")] = (
        field(default_factory=list)
    )
    dcase: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_INPUT,
            help="Instead of INPUT: the evaluation clips of a DCASE set, for a submission.",
        ),
    ] = None
    splits: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            rich_help_panel=_INPUT,
            help="With --dcase: its splits, such as dev-test for dev-test-sony and dev-test-tau; by default eval.",
        ),
    ] = None
    allow_mono: Annotated[
        bool, typer.Option("--mono", rich_help_panel=_INPUT, help="Accept mono sound; its events have no direction.")
    ] = False
    swap_channels: Annotated[
        bool, typer.Option("--swap-channels", rich_help_panel=_INPUT, help="Exchange the left and right channels.")
    ] = False
    track: Annotated[
        str,
        typer.Option(
            metavar="auto|N|N+N",
            rich_help_panel=_INPUT,
            help="Audio track to use, counted from 0; 0+1 uses two mono tracks as left and right.",
        ),
    ] = "auto"
    layout: Annotated[
        str,
        typer.Option(
            metavar="auto|foa|fuma|surround",
            rich_help_panel=_INPUT,
            help="Meaning of four or more channels: ambiX, FuMa or loudspeakers; auto detects it.",
        ),
    ] = "auto"
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", parser=folder_name, rich_help_panel=_OUTPUT, help="Folder for the results."
        ),
    ] = Path("earwitness-out")
    formats: Annotated[
        list[str],
        typer.Option(
            "--format",
            metavar=FORMAT_LIST,
            rich_help_panel=_OUTPUT,
            help="Formats to write besides csv and json.",
        ),
    ] = field(default_factory=list)
    captions: Annotated[str, typer.Option(metavar="terse|full", rich_help_panel=_OUTPUT, help="Style of captions.")] = (
        "terse"
    )
    language: Annotated[
        str,
        typer.Option(
            metavar="CODE|FILE",
            rich_help_panel=_OUTPUT,
            help="Language of captions: de, en, es, fr, ja, zh, or your own table (.json).",
        ),
    ] = "en"
    clips: Annotated[
        bool,
        typer.Option(
            "--clips",
            rich_help_panel=_OUTPUT,
            help="Cut a clip for each event into NAME.clips, listed in NAME.clips.csv.",
        ),
    ] = False
    table: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_OUTPUT,
            help="One table of the events of all files (.csv, .parquet).",
        ),
    ] = None
    render: Annotated[
        bool,
        typer.Option("--render", rich_help_panel=_OUTPUT, help="Also write an annotated copy of the video."),
    ] = False
    style: Annotated[
        str, typer.Option(metavar="clean|broadcast", rich_help_panel=_OUTPUT, help="Style of the annotated copy.")
    ] = "clean"
    grow: Annotated[
        bool,
        typer.Option(
            "--grow",
            rich_help_panel=_OUTPUT,
            help="Write the events so far to NAME.growing.jsonl.",
        ),
    ] = False
    labels: Annotated[
        str,
        typer.Option(
            metavar="classes|any",
            rich_help_panel=_OUTPUT,
            help="any: also what is none of the model's classes, by AudioSet's names (the model must support it).",
        ),
    ] = "classes"
    find: Annotated[
        list[str],
        typer.Option(
            metavar="WORDS",
            rich_help_panel=_OUTPUT,
            help="Keep only these sounds, such as 'dog barking'; implies --labels any where no class is called so.",
        ),
    ] = field(default_factory=list)
    classes: Annotated[
        list[str],
        typer.Option(
            metavar="NAME,...",
            rich_help_panel=_OUTPUT,
            help="Classes to keep, by name or group (people, speech, voices, alarms, musical, household).",
        ),
    ] = field(default_factory=list)
    exclude: Annotated[
        list[str],
        typer.Option(metavar="NAME,...", rich_help_panel=_OUTPUT, help="Classes or groups to leave out."),
    ] = field(default_factory=list)
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=_OUTPUT, help="Print problems only.")] = False
    fov: Annotated[
        float,
        typer.Option(metavar="DEG", rich_help_panel=_PICTURES, help="Horizontal field of view of the camera, degrees."),
    ] = 100.0
    vision: Annotated[
        str | None,
        typer.Option(
            metavar="DETECTOR",
            rich_help_panel=_PICTURES,
            help="Visual detector: pose, auto (pose where it is installed), or vitpose or owlvit-boxes (experimental: "
            "never run with published weights).",
        ),
    ] = "auto"
    no_vision: Annotated[
        bool, typer.Option("--no-vision", rich_help_panel=_PICTURES, help="Analyse the sound only.")
    ] = False
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH,...",
            rich_help_panel=_MODEL,
            help="A shipped model, an .onnx or .ensemble file, or a pulled hf:USER/NAME; with commas, an ensemble.",
        ),
    ] = "default"
    modalities: Annotated[
        str | None,
        typer.Option(metavar="NAME,...|none", rich_help_panel=_MODEL, help="Token modalities to use; all by default."),
    ] = None
    weights: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=FOLDER",
            rich_help_panel=_MODEL,
            help="Your own weights of an encoder that the model uses, such as clap=FOLDER; words=FOLDER (experimental) "
            "is a text encoder with which --find takes any words; may be repeated.",
        ),
    ] = field(default_factory=list)
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            rich_help_panel=_MODEL,
            help="Detection threshold for every class, 0..1; by default the model's own for each class.",
        ),
    ] = None
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda", rich_help_panel=_MODEL, help="Device that runs the model.")
    ] = "auto"
    threads: Annotated[int, typer.Option(metavar="N", rich_help_panel=_MODEL, help="CPU threads for the model.")] = 1
    jobs: Annotated[
        int, typer.Option(min=1, metavar="N", rich_help_panel=_BATCH, help="Files to process at the same time.")
    ] = 1
    engine: Annotated[
        str,
        typer.Option(metavar="local|ray", rich_help_panel=_BATCH, help="Local processes, or Ray actors (extra 'ray')."),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            rich_help_panel=_BATCH,
            help="With --engine ray: a running cluster; by default one is started here.",
        ),
    ] = None
    max_seconds: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            rich_help_panel=_BATCH,
            help="Time limit for each file; by default it grows with the file's length.",
        ),
    ] = None
    max_memory: Annotated[
        float, typer.Option(metavar="MB", rich_help_panel=_BATCH, help="Memory limit for each file.")
    ] = 3000.0
    again: Annotated[
        bool,
        typer.Option("--again", rich_help_panel=_BATCH, help="Also process files that are finished."),
    ] = False


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
