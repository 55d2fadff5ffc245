"""The verb `synthesize`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from earwitness.cli.command import Meter, folder_name, one_thread, takes

_SCENES: Final = "Scenes"
_ROOMS: Final = "Rooms and microphone"
_PICTURES: Final = "Pictures"
_ONE_SCENE: Final = "One scene of a set"
_BATCH: Final = "Processing"


class EngineName(StrEnum):
    """Where clips are rendered."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizeOptions:
    """The options of `synthesize`; those with the name of a field of `SynthesisOptions` are passed on to it."""

    bank: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="Sound bank: manifest.csv, one folder for each class, FSD50K, ESC-50, or a CSV file."
        ),
    ]
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", parser=folder_name, help="Folder of the data set.")]
    clips: Annotated[int | None, typer.Option(min=1, max=1_000_000, metavar="N", help="Number of clips.")] = None
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The same seed gives the same files, however many workers.")
    ] = None
    preview: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Contact sheet (PNG) of the scene, or of the first four.")
    ] = None
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            rich_help_panel=_SCENES,
            help="List of classes (classes.yaml), or dcase2025; by default those of the bank: its classes.yaml, else "
            "its folders.",
        ),
    ] = None
    split: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=_SCENES, help="Only sounds of this split of the bank.")
    ] = None
    licence: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", rich_help_panel=_SCENES, help="Only sounds with these licences: cc0,cc-by."),
    ] = None
    strict: Annotated[
        bool, typer.Option("--strict", rich_help_panel=_SCENES, help="Stop at a sound that cannot be used.")
    ] = False
    seconds: Annotated[
        float,
        typer.Option(min=1.0, max=600.0, metavar="SECONDS", rich_help_panel=_SCENES, help="Length of a clip."),
    ] = 5.0
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_SCENES,
            help="starss: scene statistics of real recordings, several kinds of rooms, directional sources; half of "
            "the microphones are not ideal.",
        ),
    ] = None
    elevation_deg: Annotated[
        float | None,
        typer.Option(
            "--elevation",
            min=1.0,
            max=90.0,
            metavar="DEG",
            rich_help_panel=_SCENES,
            help="Largest elevation of sources, up or down; 35 gives one on-screen source to three off-screen ones, "
            "as in DCASE2025.",
        ),
    ] = None
    rooms: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100_000,
            metavar="N",
            rich_help_panel=_ROOMS,
            help="Rooms to simulate (default 120); the cache keeps them.",
        ),
    ] = None
    room_seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", rich_help_panel=_ROOMS, help="Another seed gives other rooms."),
    ] = None
    sofa: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            rich_help_panel=_ROOMS,
            help="Measured rooms instead: a SOFA file, or a folder of them (extra 'sofa').",
        ),
    ] = None
    microphone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_ROOMS,
            help="dcase, xy, ms, ortf, phone, head, or a pair such as omni-12cm or cardioid-17cm-55deg; by default "
            "dcase, or with --from the scene's own.",
        ),
    ] = None
    video: Annotated[
        bool, typer.Option("--video", rich_help_panel=_PICTURES, help="Also render pictures: MP4 of 640x360.")
    ] = False
    fps: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            max=60.0,
            metavar="FPS",
            rich_help_panel=_PICTURES,
            help="With --video: frames per second; 29.97 by default.",
        ),
    ] = None
    fov_deg: Annotated[
        float | None,
        typer.Option(
            "--fov",
            min=10.0,
            max=170.0,
            metavar="DEG",
            rich_help_panel=_PICTURES,
            help="Horizontal field of view, degrees; 100 by default.",
        ),
    ] = None
    cutouts: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_PICTURES,
            help="With --video: your own cut-outs, in one subfolder for each class.",
        ),
    ] = None
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", rich_help_panel=_PICTURES, help="With --video: your own 360-degree photos and videos."
        ),
    ] = None
    recipe: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            rich_help_panel=_ONE_SCENE,
            help="Scene recipe of a set to render again, with its sounds and rooms.",
        ),
    ] = None
    view_deg: Annotated[
        float | None,
        typer.Option(
            "--view",
            metavar="DEG",
            rich_help_panel=_ONE_SCENE,
            help="With --from: direction of the camera and the microphone.",
        ),
    ] = None
    no_noise: Annotated[
        bool, typer.Option("--no-noise", rich_help_panel=_ONE_SCENE, help="With --from: no ambience and no hiss.")
    ] = False
    stems: Annotated[
        bool, typer.Option("--stems", rich_help_panel=_ONE_SCENE, help="With --from: also one file for each event.")
    ] = False
    workers: Annotated[int, typer.Option(min=1, max=1024, metavar="N", rich_help_panel=_BATCH, help="Processes.")] = 1
    engine: Annotated[
        EngineName,
        typer.Option(metavar="local|ray", rich_help_panel=_BATCH, help="Local processes, or Ray tasks (extra 'ray')."),
    ] = EngineName.LOCAL
    address: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            rich_help_panel=_BATCH,
            help="With --engine ray: a running cluster; by default one is started here.",
        ),
    ] = None


@takes(SynthesizeOptions)
def run(options: SynthesizeOptions) -> None:
    """Render labelled stereo scenes from a sound bank, in the folder layout of DCASE2025 Task 3.

    An interrupted run continues when it is started again with the same options.
    """
    one_thread()
    from earwitness.scenes.writing.synthesis import SynthesisOptions, synthesize

    passed_on = {one.name: getattr(options, one.name) for one in fields(SynthesisOptions) if hasattr(options, one.name)}
    licence = options.licence
    settings = SynthesisOptions(
        **passed_on | {"engine": options.engine.value, "noise": not options.no_noise},
        licences=None if licence is None else tuple(part for part in licence.split(",") if part.strip()),
    )
    with Meter() as meter:
        synthesize(settings, log=typer.echo, warn=partial(typer.echo, err=True), progress=meter.task)
