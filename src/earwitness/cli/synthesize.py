"""The verb `synthesize`."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from earwitness.cli.choices import folder_name

_ROOMS = 120


class EngineName(StrEnum):
    """Engines that render clips."""

    LOCAL = "local"
    RAY = "ray"


def run(
    bank: Annotated[
        Path, typer.Option(help="Sound bank: manifest.csv, a folder a class, FSD50K, ESC-50, or a CSV of files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set.", parser=folder_name, metavar="DIR")],
    clips: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Number of clips.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same files, whatever the workers.")] = None,
    split: Annotated[str | None, typer.Option(help="Only sounds of this split of the bank.")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, help="Length of a clip.")] = 5.0,
    rooms: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help=f"Rooms to simulate ({_ROOMS}); kept in the cache for next time."),
    ] = None,
    room_seed: Annotated[int | None, typer.Option(min=0, help="Other seeds give other rooms.")] = None,
    sofa: Annotated[
        Path | None, typer.Option(help="Measured rooms instead: a SOFA file, or a folder of them (extra 'sofa').")
    ] = None,
    microphone: Annotated[
        str | None, typer.Option(help="dcase (default), xy, ms, ortf, phone or head; with --from: another one.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Only sounds under these licences, as cc0,cc-by.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a sound that cannot be used.")] = False,
    video: Annotated[bool, typer.Option("--video", help="Render pictures too: MP4 of 640x360.")] = False,
    fps: Annotated[
        float | None, typer.Option(min=1.0, max=60.0, help="With --video: pictures a second; 29.97 by default.")
    ] = None,
    fov: Annotated[
        float | None, typer.Option(min=10.0, max=170.0, help="Horizontal field of view, degrees; 100 by default.")
    ] = None,
    elevation: Annotated[
        float | None,
        typer.Option(
            min=1.0,
            max=90.0,
            help="Sources are at most so many degrees above or below; 35: on to off screen as 1 to 3, as in DCASE2025.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Scenes as labels of real recordings have them (starss), in several kinds of rooms, sources facing "
            "somewhere, half of the microphones not ideal."
        ),
    ] = None,
    cutouts: Annotated[
        Path | None, typer.Option(help="With --video: folder of your own cut-outs, one subfolder a class.")
    ] = None,
    backgrounds: Annotated[
        Path | None, typer.Option(help="With --video: folder of your own 360-degree photos and videos.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, help="Processes.")] = 1,
    engine: Annotated[EngineName, typer.Option(help="local processes, or tasks of Ray (extra 'ray').")] = (
        EngineName.LOCAL
    ),
    address: Annotated[
        str | None, typer.Option(help="With --engine ray: a running cluster; else one is started here.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--from", help="Render this recipe of a set instead; bank and rooms as it had.")
    ] = None,
    view: Annotated[float | None, typer.Option(help="With --from: turn camera and microphone to this angle.")] = None,
    no_noise: Annotated[bool, typer.Option("--no-noise", help="With --from: without bed and hiss.")] = False,
    stems: Annotated[bool, typer.Option("--stems", help="With --from: each event in a file of its own too.")] = False,
    preview: Annotated[
        Path | None, typer.Option(help="Contact sheet (PNG) of the scene, or of the first four.")
    ] = None,
) -> None:
    """Render labelled stereo scenes from a sound bank, in the folder layout of DCASE2025 Task 3.

    A run that was interrupted goes on where it stopped when it is started again with the same options.
    """
    from earwitness.cli.threads import one_thread

    one_thread()
    from earwitness.cli.progress import Meter
    from earwitness.scenes.writing.synthesis import SynthesisOptions, synthesize

    options = SynthesisOptions(
        bank=bank,
        out=out,
        clips=clips,
        seed=seed,
        split=split,
        seconds=seconds,
        rooms=rooms,
        room_seed=room_seed,
        sofa=sofa,
        microphone=microphone,
        licences=tuple(part for part in licence.split(",") if part.strip()) if licence is not None else None,
        strict=strict,
        video=video,
        fps=fps,
        fov_deg=fov,
        elevation_deg=elevation,
        preset=preset,
        cutouts=cutouts,
        backgrounds=backgrounds,
        workers=workers,
        engine="ray" if engine is EngineName.RAY else "local",
        address=address,
        recipe=recipe,
        view_deg=view,
        noise=not no_noise,
        stems=stems,
        preview=preview,
    )
    with Meter() as meter:
        synthesize(options, log=typer.echo, warn=partial(typer.echo, err=True), progress=meter.task)
