"""The verb `synthesize`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    bank: Annotated[
        Path, typer.Option(help="Sound bank: manifest.csv, a folder a class, FSD50K, ESC-50, or a CSV of files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    clips: Annotated[int, typer.Option(min=1, help="Number of clips.")],
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same files, whatever the number of workers.")],
    split: Annotated[str | None, typer.Option(help="Only sounds of this split of the bank.")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, help="Length of a clip.")] = 5.0,
    rooms: Annotated[int, typer.Option(min=1, help="Rooms to simulate; kept in the cache for next time.")] = 120,
    room_seed: Annotated[int, typer.Option(min=0, help="Other seeds give other rooms.")] = 0,
    licence: Annotated[str | None, typer.Option(help="Only sounds under these licences, as cc0,cc-by.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a sound that cannot be used.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Render labelled stereo scenes from a sound bank, in the folder layout of DCASE2025 Task 3.

    A run that was interrupted goes on where it stopped when it is started again with the same options.
    """
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.cli.extras import needs

    with needs("simulating rooms", "train"):
        import pyroomacoustics  # noqa: F401 - only to name the extra before work begins
    from earwitness.synthesis.bank import SoundBank
    from earwitness.synthesis.folders import RenderJob, render_folder
    from earwitness.synthesis.pool import PoolConfig, RirPool
    from earwitness.synthesis.sampler import SceneConfig

    licences = tuple(part for part in licence.split(",") if part.strip()) if licence is not None else None
    wrong = SoundBank.open(bank, split, licences=licences).check()
    for error in wrong.values():
        if strict:
            raise error
        typer.echo(f"skipped: {error}", err=True)
    if wrong:
        typer.echo(f"{len(wrong)} sounds of the bank were skipped", err=True)
    job = RenderJob(
        bank, out, seed, split, PoolConfig(rooms=rooms, seed=room_seed), SceneConfig(seconds=seconds),
        licences=licences, without=tuple(wrong),
    )  # fmt: skip
    SoundBank.open(bank, split, licences=licences, without=job.without)  # says so now where nothing is left
    with Progress(console=Console(stderr=True)) as bar:
        room_task = bar.add_task("rooms", total=rooms)
        RirPool.open(job.rooms, workers=workers, progress=lambda done, total: bar.update(room_task, completed=done))
        bar.update(room_task, completed=rooms)
        clip_task = bar.add_task("clips", total=clips)
        new = render_folder(job, clips, workers, lambda done, total: bar.update(clip_task, completed=done))
    typer.echo(f"{out}: {clips} clips of {seconds:g} s ({new} new)")
