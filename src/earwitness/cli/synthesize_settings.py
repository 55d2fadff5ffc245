"""The settings of `synthesize`, and the run that they describe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import typer

from earwitness.cli.extras import needs
from earwitness.cli.progress import Meter
from earwitness.core.errors import BankError, UsageError
from earwitness.core.files.lock import locked_folder
from earwitness.scenes.acoustics.measured_rooms import measured_pool
from earwitness.scenes.acoustics.microphones import DEFAULT, Coincident, microphone_called
from earwitness.scenes.acoustics.rir_files import left_out
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool, default_cache
from earwitness.scenes.bank.adaptors import KINDS, adaptor_of, list_sounds, unused_folders
from earwitness.scenes.bank.bank_check import first_names, printable, unusable_sounds
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.bank.splits import without_split
from earwitness.scenes.pictures import backgrounds, cutouts
from earwitness.scenes.pictures.scene_picture import DCASE_FPS
from earwitness.scenes.sampling.presets import named_preset
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.scene import Scene
from earwitness.scenes.writing.engines import Engine, Processes, RayCluster
from earwitness.scenes.writing.preview import busiest_second, write_preview
from earwitness.scenes.writing.render_job import RenderJob
from earwitness.scenes.writing.scene_clips import read_recipe, render_recipe
from earwitness.scenes.writing.scene_folder import first_scenes, refuse_foreign, render_folder
from earwitness.scenes.writing.set_options import keep_to_options

_ROOMS: Final = 120
_PREVIEWED: Final = 4
_MANY: Final = 1000
"""Sounds of a bank from which on checking them takes seconds, so that progress is shown."""
_NAMED: Final = 10
"""Unusable sounds that are named one by one; beyond that, only their number is printed."""
_FLAWED: Final = 0.5
"""Share of the scenes of a preset whose microphone is not ideal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizeSettings:
    """The options of `synthesize`, unchecked; `synthesize` checks them.

    Attributes:
        bank: sound bank.
        out: folder of the data set.
        clips, seed: number of clips and seed of a new set.
        preview: contact sheet to write (PNG).
        split, licence: restrict the sounds of the bank; licences are a list with commas.
        strict: whether an unusable sound is an error.
        seconds: length of a clip.
        preset: name of a scene preset.
        elevation: largest elevation of sources, degrees.
        rooms, room_seed: number and seed of simulated rooms.
        sofa: SOFA file or folder with measured rooms.
        microphone: name of a microphone.
        video: whether to render pictures.
        fps: frames per second.
        fov: horizontal field of view of the camera, degrees.
        cutouts, backgrounds: folders of the user's own pictures.
        recipe: scene recipe to render again, in place of a new set.
        view: with `recipe`: direction of camera and microphone, degrees.
        no_noise, stems: with `recipe`: without noise; with one file for each event.
        workers: number of processes.
        on_ray, address: whether to use a Ray cluster, and its address.
    """

    bank: Path
    out: Path
    clips: int | None = None
    seed: int | None = None
    preview: Path | None = None
    split: str | None = None
    licence: str | None = None
    strict: bool = False
    seconds: float = 5.0
    preset: str | None = None
    elevation: float | None = None
    rooms: int | None = None
    room_seed: int | None = None
    sofa: Path | None = None
    microphone: str | None = None
    video: bool = False
    fps: float | None = None
    fov: float | None = None
    cutouts: Path | None = None
    backgrounds: Path | None = None
    recipe: Path | None = None
    view: float | None = None
    no_noise: bool = False
    stems: bool = False
    workers: int = 1
    on_ray: bool = False
    address: str | None = None

    def check(self) -> None:
        """Check that the options go together and that `out` can be a folder.

        Raises:
            UsageError: an option contradicts another, or `out` is a file.
        """
        new = self.recipe is None
        camera = (self.clips, self.fov, self.elevation, self.preset)
        pictures = (self.fps, self.cutouts, self.backgrounds)
        rules = (
            (new and (self.clips is None or self.seed is None),
             "give --clips and --seed for a new set, or --from for one scene of a set"),
            (new and (self.view is not None or self.no_noise or self.stems),
             "--view, --no-noise and --stems need --from"),
            (not new and any(value is not None for value in camera),
             "--from keeps the scene's camera and positions: omit --clips, --fov, --elevation and --preset"),
            (self.preset is not None and (self.elevation is not None or self.sofa is not None),
             "--preset sets the source positions and the rooms: omit --elevation and --sofa"),
            (not self.video and any(value is not None for value in pictures),
             "--fps, --cutouts and --backgrounds need --video"),
            (self.sofa is not None and (self.rooms is not None or self.room_seed is not None),
             "give either --sofa or --rooms and --room-seed"),
            (self.preview is not None and self.preview.suffix.lower() != ".png",
             f"--preview {self.preview}: the contact sheet is a PNG file; name it .png"),
            (self.out.exists() and not self.out.is_dir(), f"--out {self.out} is a file; name a folder"),
            (self.address is not None and not self.on_ray,
             "--address names a Ray cluster; give --engine ray too"),
        )  # fmt: skip
        for broken, message in rules:
            if broken:
                raise UsageError(message)

    def job(self) -> RenderJob:
        """Return what to render, before the bank and the rooms are checked."""
        licences = None if self.licence is None else tuple(part for part in self.licence.split(",") if part.strip())
        pool = PoolConfig(
            rooms=self.rooms or _ROOMS, seed=self.room_seed or 0, kind="plain" if self.preset is None else "varied"
        )
        fps = DCASE_FPS if self.fps is None else Fraction(self.fps).limit_denominator(1001)
        return RenderJob(
            self.bank, self.out, self.seed or 0, self.split, pool, self._scene(), licences=licences, video=self.video,
            fps=fps, cutouts=self.cutouts, backgrounds=self.backgrounds,
        )  # fmt: skip

    def engine(self) -> Engine:
        """Return what renders clips.

        Raises:
            MissingExtraError: Ray is not installed.
        """
        if not self.on_ray:
            return Processes(self.workers)
        with needs("--engine ray", "ray"):
            import ray  # noqa: F401 - to name the missing extra before any work begins
        return RayCluster(self.address, self.workers)

    def _scene(self) -> SceneConfig:
        name = self.microphone or DEFAULT
        microphone = microphone_called(name)
        highest = 90.0 if self.elevation is None else self.elevation
        extra: dict[str, Any] = {"fov_deg": self.fov} if self.fov else {}
        if self.preset:
            flawed = _FLAWED if isinstance(microphone, Coincident) else 0.0
            extra |= {"preset": named_preset(self.preset), "flaw_probability": flawed}
        return SceneConfig(seconds=self.seconds, microphone=name, elevation_deg=(-highest, highest), **extra)


def synthesize(settings: SynthesizeSettings) -> None:
    """Render a set, or one scene of a set again, and print what was done.

    Raises:
        UsageError: options that are not possible, or do not go together.
        BankError: the bank cannot be used.
    """
    settings.check()
    job = settings.job()
    with locked_folder(settings.out, "earwitness synthesize"), Meter() as meter:
        if settings.recipe is None:
            _name_unused(job)
            job = _with_rooms(_without_unusable(job, settings.strict, meter), meter, settings)
            scenes = _new_clips(job, meter, settings)
        else:
            own = settings.sofa is not None or settings.rooms is not None or settings.room_seed is not None
            job = _with_rooms(job if own else _with_rooms_of(job, settings.recipe), meter, settings)
            scenes = [
                render_recipe(
                    job, settings.recipe, view_deg=settings.view, microphone=settings.microphone,
                    noise=not settings.no_noise, stems=settings.stems,
                )
            ]  # fmt: skip
            typer.echo(f"{settings.out}: the scene of {settings.recipe.name}, {len(scenes[0].labels)} labels")
    if settings.preview is not None:
        pictures = [
            job.pictures(scene.recipe.camera).picture_at(scene, scene.recipe.picture_seed, busiest_second(scene))
            for scene in scenes
        ]
        write_preview(scenes, settings.preview, pictures)


def _name_unused(job: RenderJob) -> None:
    """Print which of the user's picture files cannot be used."""
    for folder, unused in ((job.cutouts, cutouts.unused_files), (job.backgrounds, backgrounds.unused_files)):
        if folder is not None and (names := unused(folder)):
            typer.echo(f"files of {folder} skipped, not pictures: {len(names)} ({first_names(names)})", err=True)


def _without_unusable(job: RenderJob, strict: bool, meter: Meter) -> RenderJob:
    """Return the job without unusable sounds; prints what of the bank is skipped."""
    bank = SoundBank.open(job.bank, job.split, licences=job.licences)
    wrong = unusable_sounds(bank, progress=meter.task("sounds checked") if len(bank.sounds) > _MANY else None)
    if strict and wrong:
        raise BankError(next(iter(wrong.values())))
    for why in list(wrong.values())[:_NAMED]:
        typer.echo(printable(f"skipped: {why}"), err=True)
    if wrong:
        typer.echo(f"sounds of the bank skipped: {len(wrong)}", err=True)
    unsplit = without_split(list_sounds(job.bank)) if job.split else []
    if unsplit:
        typer.echo(f"sounds without a split skipped: {len(unsplit)} ({first_names(unsplit)})", err=True)
    if others := adaptor_of(job.bank).left_out(job.bank):
        typer.echo(f"files of the folder that are not in the bank: {len(others)} ({first_names(others)})", err=True)
    if unused := unused_folders(job.bank):
        known = ", ".join(sorted(KINDS))
        typer.echo(f"folders of the bank that name no class: {', '.join(unused)}; known are {known}", err=True)
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=wrong)
    if bank.missing:
        typer.echo(f"classes without any sound: {', '.join(bank.missing)}", err=True)
    return replace(job, without=tuple(wrong))


def _with_rooms(job: RenderJob, meter: Meter, settings: SynthesizeSettings) -> RenderJob:
    """Return the job with its pool of rooms in the cache."""
    if settings.sofa is not None:
        pool = measured_pool(settings.sofa, default_cache(), meter.task("rooms"))
        for why in (missing := left_out(pool) or [])[:_NAMED]:
            typer.echo(printable(f"skipped: {why}"), err=True)
        if missing:
            typer.echo(f"measured rooms skipped: {len(missing)}", err=True)
        return replace(job, measured=pool)
    if job.measured is None:
        with needs("simulating rooms", "train"):
            import pyroomacoustics  # noqa: F401 - to name the missing extra before any work begins
        RirPool.open(job.rooms, workers=settings.workers, progress=meter.task("rooms"))
    return job


def _with_rooms_of(job: RenderJob, recipe: Path) -> RenderJob:
    """Return the job with the rooms that a scene recipe names."""
    name = read_recipe(recipe).pool
    simulated = PoolConfig.named(name)
    if simulated is not None:
        return replace(job, rooms=simulated)
    if not name:
        return job
    if not (default_cache() / name).is_dir():
        raise BankError(f"'{recipe}' was made in the rooms {name}, which are not in the cache: give them with --sofa")
    return replace(job, measured=default_cache() / name)


def _new_clips(job: RenderJob, meter: Meter, settings: SynthesizeSettings) -> list[Scene]:
    """Render a new set; returns the scenes to preview."""
    clips, engine = settings.clips or 1, settings.engine()
    refuse_foreign(job.out)
    keep_to_options(job.out, _picture_options(job))
    new = render_folder(job, clips, progress=meter.task("clips"), engine=engine)
    typer.echo(f"{job.out}: {clips} clips of {job.scene.seconds:g} s ({new} new)")
    return first_scenes(job, min(clips, _PREVIEWED)) if settings.preview is not None else []


def _picture_options(job: RenderJob) -> dict[str, object]:
    """Options of the set that scene recipes do not hold."""
    if not job.video:
        return {"video": False}
    folders = {name: None if path is None else str(path.resolve())
               for name, path in (("cutouts", job.cutouts), ("backgrounds", job.backgrounds))}  # fmt: skip
    return {"video": True, "fps": str(job.fps), **folders}
