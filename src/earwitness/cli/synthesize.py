"""The verb `synthesize`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer


def run(
    bank: Annotated[
        Path, typer.Option(help="Sound bank: manifest.csv, a folder a class, FSD50K, ESC-50, or a CSV of files.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the data set.")],
    clips: Annotated[int | None, typer.Option(min=1, help="Number of clips.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, same files, whatever the workers.")] = None,
    split: Annotated[str | None, typer.Option(help="Only sounds of this split of the bank.")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, help="Length of a clip.")] = 5.0,
    rooms: Annotated[int, typer.Option(min=1, help="Rooms to simulate; kept in the cache for next time.")] = 120,
    room_seed: Annotated[int, typer.Option(min=0, help="Other seeds give other rooms.")] = 0,
    licence: Annotated[str | None, typer.Option(help="Only sounds under these licences, as cc0,cc-by.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a sound that cannot be used.")] = False,
    video: Annotated[bool, typer.Option("--video", help="Render pictures too: MP4 of 640x360.")] = False,
    fps: Annotated[
        float | None, typer.Option(min=1.0, max=60.0, help="With --video: pictures a second; 29.97 by default.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    recipe: Annotated[
        Path | None, typer.Option("--from", help="Render this recipe of a set instead; bank and rooms as it had.")
    ] = None,
    view: Annotated[float | None, typer.Option(help="With --from: turn camera and microphone to this angle.")] = None,
    no_noise: Annotated[bool, typer.Option("--no-noise", help="With --from: without bed and hiss.")] = False,
    stems: Annotated[bool, typer.Option("--stems", help="With --from: each event in a file of its own too.")] = False,
    preview: Annotated[Path | None, typer.Option(help="Picture (PNG) of the scene, or of the first four.")] = None,
) -> None:
    """Render labelled stereo scenes from a sound bank, in the folder layout of DCASE2025 Task 3.

    A run that was interrupted goes on where it stopped when it is started again with the same options.
    """
    from earwitness.cli.threads import one_thread

    one_thread()
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.cli.extras import needs
    from earwitness.errors import RecipeError

    if recipe is None and (clips is None or seed is None):
        raise RecipeError("give --clips and --seed for a new set, or --from for one scene of a set")
    if recipe is None and (view is not None or no_noise or stems):
        raise RecipeError("--view, --no-noise and --stems go with --from")
    if recipe is not None and video:
        raise RecipeError("--video renders a set with --clips and --seed; --from renders sound only")
    if fps is not None and not video:
        raise RecipeError("--fps is the picture rate of --video: give both")
    if recipe is not None and clips is not None:
        raise RecipeError("--from renders one scene: leave --clips out")

    with needs("simulating rooms", "train"):
        import pyroomacoustics  # noqa: F401 - only to name the extra before work begins
    from earwitness.synthesis.bank import SoundBank
    from earwitness.synthesis.folders import RenderJob, first_scenes, render_folder, render_recipe
    from earwitness.synthesis.picture import DCASE_FPS
    from earwitness.synthesis.pool import PoolConfig, RirPool
    from earwitness.synthesis.preview import write_preview
    from earwitness.synthesis.sampler import SceneConfig

    licences = tuple(part for part in licence.split(",") if part.strip()) if licence is not None else None
    wrong = SoundBank.open(bank, split, licences=licences).check()
    for error in wrong.values():
        if strict:
            raise error
        typer.echo(f"skipped: {error}", err=True)
    if wrong:
        typer.echo(f"sounds of the bank skipped: {len(wrong)}", err=True)
    picture_rate = DCASE_FPS if fps is None else Fraction(fps).limit_denominator(1001)
    job = RenderJob(
        bank, out, seed or 0, split, PoolConfig(rooms=rooms, seed=room_seed), SceneConfig(seconds=seconds),
        licences=licences, without=tuple(wrong), video=video, fps=picture_rate,
    )  # fmt: skip
    SoundBank.open(bank, split, licences=licences, without=job.without)  # says so now where nothing is left
    with Progress(console=Console(stderr=True)) as bar:
        room_task = bar.add_task("rooms", total=rooms)
        RirPool.open(job.rooms, workers=workers, progress=lambda done, total: bar.update(room_task, completed=done))
        bar.update(room_task, completed=rooms)
        if recipe is not None:
            scene = render_recipe(job, recipe, view_deg=view, noise=not no_noise, stems=stems)
            said = f"{out}: the scene of {recipe.name}, {len(scene.labels)} labels"
            scenes = [scene]
        else:
            total = clips or 1
            clip_task = bar.add_task("clips", total=total)
            new = render_folder(job, total, workers, lambda done, total: bar.update(clip_task, completed=done))
            said = f"{out}: {total} clips of {seconds:g} s ({new} new)"
            scenes = first_scenes(job, min(total, 4)) if preview else []
    if preview:
        write_preview(scenes, preview)
    typer.echo(said)
