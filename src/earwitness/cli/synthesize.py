"""The verb `synthesize`."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from earwitness.cli.choices import folder_name

if TYPE_CHECKING:
    from earwitness.cli.progress import Meter
    from earwitness.scenes.acoustics.rir_pool import PoolConfig
    from earwitness.scenes.scene import Scene
    from earwitness.scenes.writing.engines import Engine
    from earwitness.scenes.writing.render_job import RenderJob

_ROOMS = 120
_PREVIEWED = 4
_MANY = 1000
"""Sounds of a bank of which it takes seconds to look at all."""
_NAMED = 10
"""Sounds that are named with what is wrong with them; of more, the number is told."""
_FLAWED = 0.5
"""Share of the scenes of a preset whose microphone is not ideal."""


class EngineName(StrEnum):
    """Who renders."""

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
    from earwitness.core.errors import UsageError

    if recipe is None and (clips is None or seed is None):
        raise UsageError("give --clips and --seed for a new set, or --from for one scene of a set")
    if recipe is None and (view is not None or no_noise or stems):
        raise UsageError("--view, --no-noise and --stems go with --from")
    if recipe is not None and (clips is not None or fov is not None or elevation is not None or preset is not None):
        raise UsageError(
            "--from renders one scene with its camera and places: leave --clips, --fov, --elevation and --preset out"
        )
    if preset is not None and (elevation is not None or sofa is not None):
        raise UsageError("--preset says where sources are, and in what rooms: leave --elevation and --sofa out")
    if not video and (fps is not None or cutouts is not None or backgrounds is not None):
        raise UsageError("--fps, --cutouts and --backgrounds are about the pictures of --video: give it too")
    if sofa is not None and (rooms is not None or room_seed is not None):
        raise UsageError("give either --sofa or --rooms and --room-seed")
    if preview is not None and preview.suffix.lower() != ".png":
        raise UsageError(f"--preview {preview}: the contact sheet is a PNG; call it .png")
    if address is not None and engine is not EngineName.RAY:
        raise UsageError("--address is that of a Ray cluster: give --engine ray too")

    from earwitness.cli.progress import Meter
    from earwitness.core.files.lock import locked_folder
    from earwitness.scenes.acoustics.microphones import DEFAULT, microphone_called
    from earwitness.scenes.pictures.scene_picture import DCASE_FPS
    from earwitness.scenes.sampling.sampler import SceneConfig
    from earwitness.scenes.writing.preview import busiest_second, write_preview
    from earwitness.scenes.writing.render_job import RenderJob
    from earwitness.scenes.writing.scene_clips import render_recipe
    from earwitness.scenes.writing.scene_folder import refuse_foreign

    if microphone is not None:
        microphone_called(microphone)
    highest = 90.0 if elevation is None else elevation
    scene = SceneConfig(
        seconds=seconds, microphone=microphone or DEFAULT, elevation_deg=(-highest, highest),
        **({"fov_deg": fov} if fov else {}), **(_of_preset(preset, microphone or DEFAULT) if preset else {}),
    )  # fmt: skip
    job = RenderJob(
        bank, out, seed or 0, split, _pool(rooms, room_seed, preset), scene,
        licences=tuple(part for part in licence.split(",") if part.strip()) if licence is not None else None,
        video=video, fps=DCASE_FPS if fps is None else Fraction(fps).limit_denominator(1001),
        cutouts=cutouts, backgrounds=backgrounds,
    )  # fmt: skip
    if recipe is None:
        refuse_foreign(out)
    with locked_folder(out, "earwitness synthesize"), Meter() as meter:
        if recipe is None:
            _name_unused(job)
            job = _with_rooms(_without_unusable(job, strict, meter), meter, sofa, workers)
            scenes = _new_clips(job, meter, clips or 1, _engine(engine, address, workers), preview is not None)
        else:
            own = sofa is not None or rooms is not None or room_seed is not None
            job = _with_rooms(job if own else _with_rooms_of(job, recipe), meter, sofa, workers)
            scenes = [render_recipe(job, recipe, view_deg=view, microphone=microphone, noise=not no_noise, stems=stems)]
            typer.echo(f"{out}: the scene of {recipe.name}, {len(scenes[0].labels)} labels")
    if preview is not None:
        pictures = [
            job.pictures(scene.recipe.camera).picture_at(scene, scene.recipe.picture_seed, busiest_second(scene))
            for scene in scenes
        ]
        write_preview(scenes, preview, pictures)


def _of_preset(name: str, microphone: str) -> dict[str, Any]:
    """Settings of scenes that are drawn by a preset."""
    from earwitness.scenes.acoustics.microphones import Coincident, microphone_called
    from earwitness.scenes.sampling.presets import named_preset

    coincident = isinstance(microphone_called(microphone), Coincident)
    return {"preset": named_preset(name), "flaw_probability": _FLAWED if coincident else 0.0}


def _pool(rooms: int | None, seed: int | None, preset: str | None) -> PoolConfig:
    from earwitness.scenes.acoustics.rir_pool import PoolConfig

    kind: Literal["plain", "varied"] = "plain" if preset is None else "varied"
    return PoolConfig(rooms=rooms or _ROOMS, seed=seed or 0, kind=kind)


def _name_unused(job: RenderJob) -> None:
    """Say which files of the user's pictures are left out."""
    from earwitness.scenes.bank.bank_check import first_names
    from earwitness.scenes.pictures import backgrounds, cutouts

    for folder, found in ((job.cutouts, cutouts.unused_files), (job.backgrounds, backgrounds.unused_files)):
        if folder is not None and (names := found(folder)):
            typer.echo(
                f"files of {folder} that are no pictures, left out: {len(names)} ({first_names(names)})", err=True
            )


def _without_unusable(job: RenderJob, strict: bool, meter: Meter) -> RenderJob:
    """The job without sounds that cannot be used; says what of the bank is left out."""
    from earwitness.core.errors import BankError
    from earwitness.scenes.bank.adaptors import KINDS, adaptor_of, list_sounds, unused_folders
    from earwitness.scenes.bank.bank_check import first_names, printable, unusable_sounds
    from earwitness.scenes.bank.sound_bank import SoundBank
    from earwitness.scenes.bank.splits import without_split

    bank = SoundBank.open(job.bank, job.split, licences=job.licences)
    wrong = unusable_sounds(bank, progress=meter.task("sounds looked at") if len(bank.sounds) > _MANY else None)
    if strict and wrong:
        raise BankError(next(iter(wrong.values())))
    for why in list(wrong.values())[:_NAMED]:
        typer.echo(printable(f"skipped: {why}"), err=True)
    if wrong:
        typer.echo(f"sounds of the bank skipped: {len(wrong)}", err=True)
    unsplit = without_split(list_sounds(job.bank)) if job.split else []
    if unsplit:
        typer.echo(f"sounds of no split, left out: {len(unsplit)} ({first_names(unsplit)})", err=True)
    if others := adaptor_of(job.bank).left_out(job.bank):
        typer.echo(f"files of the folder that are not in the bank: {len(others)} ({first_names(others)})", err=True)
    if unused := unused_folders(job.bank):
        known = ", ".join(sorted(KINDS))
        typer.echo(f"folders of the bank that name no class: {', '.join(unused)}; known are {known}", err=True)
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=wrong)
    if bank.missing:
        typer.echo(f"classes without any sound: {', '.join(bank.missing)}", err=True)
    return replace(job, without=tuple(wrong))


def _with_rooms(job: RenderJob, meter: Meter, sofa: Path | None, workers: int) -> RenderJob:
    """The job with its pool of rooms in the cache."""
    from earwitness.cli.extras import needs
    from earwitness.scenes.acoustics.measured_rooms import measured_pool
    from earwitness.scenes.acoustics.rir_files import left_out
    from earwitness.scenes.acoustics.rir_pool import RirPool, default_cache
    from earwitness.scenes.bank.bank_check import printable

    if sofa is not None:
        pool = measured_pool(sofa, default_cache(), meter.task("rooms"))
        for why in (missing := left_out(pool) or [])[:_NAMED]:
            typer.echo(printable(f"skipped: {why}"), err=True)
        if missing:
            typer.echo(f"measured rooms skipped: {len(missing)}", err=True)
        return replace(job, measured=pool)
    if job.measured is None:
        with needs("simulating rooms", "train"):
            import pyroomacoustics  # noqa: F401 - only to name the extra before work begins
        RirPool.open(job.rooms, workers=workers, progress=meter.task("rooms"))
    return job


def _with_rooms_of(job: RenderJob, recipe: Path) -> RenderJob:
    """The job with the rooms that a recipe names."""
    from earwitness.core.errors import BankError
    from earwitness.scenes.acoustics.rir_pool import PoolConfig, default_cache
    from earwitness.scenes.writing.scene_clips import read_recipe

    name = read_recipe(recipe).pool
    simulated = PoolConfig.named(name)
    if simulated is not None:
        return replace(job, rooms=simulated)
    if not name:
        return job
    if not (default_cache() / name).is_dir():
        raise BankError(f"'{recipe}' was made in the rooms {name}, which are not in the cache: give them with --sofa")
    return replace(job, measured=default_cache() / name)


def _new_clips(job: RenderJob, meter: Meter, clips: int, engine: Engine, previewed: bool) -> list[Scene]:
    from earwitness.scenes.writing.scene_folder import first_scenes, render_folder
    from earwitness.scenes.writing.set_options import keep_to_options

    keep_to_options(job.out, _options_of_pictures(job))
    new = render_folder(job, clips, progress=meter.task("clips"), engine=engine)
    typer.echo(f"{job.out}: {clips} clips of {job.scene.seconds:g} s ({new} new)")
    return first_scenes(job, min(clips, _PREVIEWED)) if previewed else []


def _options_of_pictures(job: RenderJob) -> dict[str, object]:
    """What scene recipes do not say."""
    if not job.video:
        return {"video": False}
    folders = {name: None if path is None else str(path.resolve())
               for name, path in (("cutouts", job.cutouts), ("backgrounds", job.backgrounds))}  # fmt: skip
    return {"video": True, "fps": str(job.fps), **folders}


def _engine(name: EngineName, address: str | None, workers: int) -> Engine:
    from earwitness.cli.extras import needs
    from earwitness.scenes.writing.engines import Processes, RayCluster

    if name is EngineName.LOCAL:
        return Processes(workers)
    with needs("--engine ray", "ray"):
        import ray  # noqa: F401 - only to name the extra before work begins
    return RayCluster(address, workers)
