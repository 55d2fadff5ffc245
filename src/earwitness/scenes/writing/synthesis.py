"""Synthesis of a data set, or of one scene of a set again, from one settings object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from earwitness.core.classes.class_files import read_classes, write_classes
from earwitness.core.errors import BankError, LabelError, MissingExtraError, SynthesisError, UsageError, one_line
from earwitness.core.files.lock import locked_folder
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.scenes.acoustics.measured_rooms import measured_pool
from earwitness.scenes.acoustics.microphones import DEFAULT, Coincident, microphone_called
from earwitness.scenes.acoustics.rir_files import left_out
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool, default_cache
from earwitness.scenes.bank.adaptors import adaptor_of, bank_vocabulary, list_sounds, unused_folders
from earwitness.scenes.bank.bank_check import first_names, unusable_sounds
from earwitness.scenes.bank.bank_sound import LabelMap
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.bank.splits import without_split
from earwitness.scenes.pictures import DCASE_FPS, unused_backgrounds, unused_cutouts
from earwitness.scenes.sampling.presets import named_preset
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.scene import Scene
from earwitness.scenes.writing.preview import busiest_second, write_preview
from earwitness.scenes.writing.scene_clips import SPLIT, RenderJob, read_recipe, render_recipe
from earwitness.scenes.writing.scene_folder import (
    Engine,
    Processes,
    RayCluster,
    first_scenes,
    keep_to_options,
    refuse_foreign,
    render_folder,
)

DEFAULT_ROOMS: Final = 120
_PREVIEWED: Final = 4
_MANY_SOUNDS: Final = 1000
"""Checking more sounds takes seconds, so that progress is shown."""
_MOST_REPORTED: Final = 10
"""Unusable files that are reported one by one; of all, only the number is reported."""
_FLAW_PROBABILITY: Final = 0.5
"""Share of the scenes of a preset whose microphone has flaws."""

Log = Callable[[str], None]
ProgressOf = Callable[[str], Callable[[int, int], None]]
"""Returns the progress callback, called with (done, total), of a named task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisOptions:
    """Settings of a synthesis run, as of `earwitness synthesize`.

    Attributes:
        bank: sound bank.
        out: folder of the data set, or of the scene of `recipe`.
        clips, seed: number of clips of a new set, and its seed.
        split: use only sounds of this split of the bank; None uses all.
        seconds: length of a clip.
        rooms, room_seed: number and seed of the simulated rooms; None takes the defaults, or the rooms of `recipe`.
        sofa: SOFA file or folder of measured rooms to use instead.
        microphone: name of the stereo microphone; None takes the default, or that of `recipe`.
        licences: use only sounds under these licences; None uses all.
        strict: raise an error for an unusable sound instead of skipping it.
        video: render pictures.
        fps: pictures per second; None takes the frame rate of DCASE.
        fov_deg: horizontal field of view of the camera; None takes that of DCASE.
        elevation_deg: largest elevation of sources above or below the microphone.
        preset: name of a scene preset.
        cutouts, backgrounds: folders of the user's own pictures.
        workers: number of processes.
        engine: processes on this machine, or tasks of Ray.
        address: address of a running Ray cluster; None starts one on this machine.
        recipe: recipe of one scene to render instead of a new set.
        view_deg, noise, stems: with `recipe`: another view; whether to render the noise; whether to write stems.
        preview: PNG file of a contact sheet.
        classes: file with the classes of the bank, or "dcase2025"; None: the bank's own.
    """

    bank: Path
    out: Path
    clips: int | None = None
    seed: int | None = None
    split: str | None = None
    seconds: float = 5.0
    rooms: int | None = None
    room_seed: int | None = None
    sofa: Path | None = None
    microphone: str | None = None
    licences: tuple[str, ...] | None = None
    strict: bool = False
    video: bool = False
    fps: float | None = None
    fov_deg: float | None = None
    elevation_deg: float | None = None
    preset: str | None = None
    cutouts: Path | None = None
    backgrounds: Path | None = None
    workers: int = 1
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    recipe: Path | None = None
    view_deg: float | None = None
    noise: bool = True
    stems: bool = False
    preview: Path | None = None
    classes: str | None = None

    def __post_init__(self) -> None:
        """Check that the options are compatible.

        Raises:
            UsageError: they are not; the message names them as on the command line.
        """
        if self.recipe is None and (self.clips is None or self.seed is None):
            raise UsageError("give --clips and --seed for a new set, or --from for one scene of a set")
        if self.recipe is None and (self.view_deg is not None or not self.noise or self.stems):
            raise UsageError("--view, --no-noise and --stems need --from")
        if self.recipe is not None and (self.clips, self.fov_deg, self.elevation_deg, self.preset) != (None,) * 4:
            raise UsageError(
                "--from renders one scene with its own camera and positions: omit --clips, --fov, --elevation and "
                "--preset"
            )
        if self.preset is not None and (self.elevation_deg is not None or self.sofa is not None):
            raise UsageError("--preset sets positions and rooms: omit --elevation and --sofa")
        if not self.video and (self.fps, self.cutouts, self.backgrounds) != (None,) * 3:
            raise UsageError("--fps, --cutouts and --backgrounds need --video")
        if self.sofa is not None and (self.rooms, self.room_seed) != (None, None):
            raise UsageError("give either --sofa or --rooms and --room-seed")
        if self.preview is not None and self.preview.suffix.lower() != ".png":
            raise UsageError(f"--preview {self.preview}: the contact sheet is a PNG file; give a name ending in .png")
        if self.address is not None and self.engine != "ray":
            raise UsageError("--address needs --engine ray")
        if self.microphone is not None:
            microphone_called(self.microphone)

    def job(self) -> RenderJob:
        """The render job of these options, before the bank is checked and measured rooms are read."""
        microphone = self.microphone or DEFAULT
        highest = 90.0 if self.elevation_deg is None else self.elevation_deg
        further: dict[str, Any] = {"fov_deg": self.fov_deg} if self.fov_deg else {}
        if self.preset is not None:
            coincident = isinstance(microphone_called(microphone), Coincident)
            flaws = _FLAW_PROBABILITY if coincident else 0.0
            further |= {"preset": named_preset(self.preset), "flaw_probability": flaws}
        return RenderJob(
            bank=self.bank,
            out=self.out,
            seed=self.seed or 0,
            split=self.split,
            rooms=PoolConfig(
                rooms=self.rooms or DEFAULT_ROOMS,
                seed=self.room_seed or 0,
                kind="plain" if self.preset is None else "varied",
            ),
            scene=SceneConfig(
                seconds=self.seconds, microphone=microphone, elevation_deg=(-highest, highest), **further
            ),
            licences=self.licences,
            video=self.video,
            fps=DCASE_FPS if self.fps is None else Fraction(self.fps).limit_denominator(1001),
            cutouts=self.cutouts,
            backgrounds=self.backgrounds,
            classes=bank_vocabulary(self.bank, named_classes(self.classes)),
        )


def named_classes(name: str | None) -> Vocabulary | None:
    """The classes that an option names: "dcase2025", or a file; None: those of the bank.

    Raises:
        LabelError: the file is not a list of classes.
    """
    if name is None or name == DCASE2025.name:
        return None if name is None else DCASE2025
    return read_classes(Path(name))


def synthesize(
    options: SynthesisOptions,
    *,
    log: Log = lambda line: None,
    warn: Log = lambda line: None,
    progress: ProgressOf = lambda task: lambda done, total: None,
) -> None:
    """Render a data set, or one scene of a set; an interrupted run can be resumed with the same options.

    Args:
        options: settings of the run.
        log: called with each line of the result.
        warn: called with each line about skipped files.
        progress: creates a progress callback for each long task.

    Raises:
        UsageError: `out` is not a folder.
        BankError: the bank or the rooms cannot be used.
        SynthesisError: the folder holds other files or clips with other options, or a worker failed.
        MissingExtraError: an extra that is needed is not installed.
    """
    job = options.job()
    if options.recipe is None:
        refuse_foreign(options.out)
    with locked_folder(options.out, "earwitness synthesize"):
        if options.recipe is None:
            _warn_of_unused_pictures(job, warn)
            job = _without_unusable(job, options.strict, warn, progress)
            job = _with_rooms(job, options, warn, progress)
            scenes = _render_set(job, options, log, progress)
        else:
            own_rooms = (options.sofa, options.rooms, options.room_seed) != (None,) * 3
            job = job if own_rooms else _with_rooms_of(job, options.recipe)
            job = _with_rooms(job, options, warn, progress)
            scenes = [_render_again(job, options, options.recipe)]
            log(f"{options.out}: the scene of {options.recipe.name}, {len(scenes[0].labels)} labels")
    if options.preview is not None:
        pictures = [
            job.pictures(scene.recipe.camera).picture_at(scene, scene.recipe.picture_seed, busiest_second(scene))
            for scene in scenes
        ]
        write_preview(scenes, options.preview, pictures)


def _warn_of_unused_pictures(job: RenderJob, warn: Log) -> None:
    for folder, unused in ((job.cutouts, unused_cutouts), (job.backgrounds, unused_backgrounds)):
        if folder is not None and (names := unused(folder)):
            warn(f"files of {folder} that are not pictures, left out: {len(names)} ({first_names(names)})")


def _without_unusable(job: RenderJob, strict: bool, warn: Log, progress: ProgressOf) -> RenderJob:
    """The job without unusable sounds; reports everything in the bank that is left out."""
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, classes=job.classes)
    unusable = unusable_sounds(bank, progress=progress("sounds checked") if len(bank.sounds) > _MANY_SOUNDS else None)
    if strict and unusable:
        raise BankError(next(iter(unusable.values())))
    _warn_of_skipped(list(unusable.values()), "sounds of the bank skipped", warn)
    labels = LabelMap(bank.vocabulary)
    unsplit = without_split(list_sounds(job.bank, classes=job.classes)) if job.split else []
    if unsplit:
        warn(f"sounds without a split, left out: {len(unsplit)} ({first_names(unsplit)})")
    if others := adaptor_of(job.bank).left_out(job.bank, labels):
        warn(f"files of the folder that are not in the bank: {len(others)} ({first_names(others)})")
    if unused := unused_folders(job.bank, classes=job.classes):
        known = ", ".join(sorted(labels.kinds))
        warn(f"folders of the bank that are not of a class: {', '.join(unused)}; the classes are {known}")
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=unusable, classes=job.classes)
    if bank.missing:
        warn(f"classes without any sound: {', '.join(bank.missing)}")
    return replace(job, without=tuple(unusable))


def _warn_of_skipped(reasons: list[str], what: str, warn: Log) -> None:
    for reason in reasons[:_MOST_REPORTED]:
        warn(one_line(f"skipped: {reason}"))
    if reasons:
        warn(f"{what}: {len(reasons)}")


def _with_rooms(job: RenderJob, options: SynthesisOptions, warn: Log, progress: ProgressOf) -> RenderJob:
    """The job with its pool of rooms in the cache."""
    if options.sofa is not None:
        pool = measured_pool(options.sofa, default_cache(), progress("rooms"))
        _warn_of_skipped(left_out(pool) or [], "measured rooms skipped", warn)
        return replace(job, measured=pool)
    if job.measured is None:
        _require("pyroomacoustics", "simulating rooms", "train")
        RirPool.open(job.rooms, workers=options.workers, progress=progress("rooms"))
    return job


def _with_rooms_of(job: RenderJob, recipe: Path) -> RenderJob:
    """The job with the rooms of a recipe."""
    name = read_recipe(recipe).pool
    simulated = PoolConfig.named(name)
    if simulated is not None:
        return replace(job, rooms=simulated)
    if not name:
        return job
    if not (default_cache() / name).is_dir():
        raise BankError(f"'{recipe}' was made in the rooms {name}, which are not in the cache: give them with --sofa")
    return replace(job, measured=default_cache() / name)


def _render_set(job: RenderJob, options: SynthesisOptions, log: Log, progress: ProgressOf) -> list[Scene]:
    """Render the clips of a set; returns the scenes of the preview."""
    clips, vocabulary = options.clips or 1, job.synthesizer().bank.vocabulary
    if vocabulary.slugs != DCASE2025.slugs:
        log(f"{len(vocabulary)} classes of the bank: {first_names(vocabulary.slugs, 10)}")
    try:
        write_classes(job.out, vocabulary, job.out / "metadata_dev" / SPLIT)
    except LabelError as error:
        raise SynthesisError(str(error)) from error
    keep_to_options(job.out, _picture_options(job))
    new = render_folder(job, clips, progress=progress("clips"), engine=_engine(options))
    log(f"{job.out}: {clips} clips of {job.scene.seconds:g} s ({new} new)")
    return first_scenes(job, min(clips, _PREVIEWED)) if options.preview is not None else []


def _render_again(job: RenderJob, options: SynthesisOptions, recipe: Path) -> Scene:
    return render_recipe(
        job,
        recipe,
        view_deg=options.view_deg,
        microphone=options.microphone,
        noise=options.noise,
        stems=options.stems,
    )


def _picture_options(job: RenderJob) -> dict[str, object]:
    """Options that scene recipes do not contain."""
    if not job.video:
        return {"video": False}
    folders = {name: None if path is None else str(path.resolve())
               for name, path in (("cutouts", job.cutouts), ("backgrounds", job.backgrounds))}  # fmt: skip
    return {"video": True, "fps": str(job.fps), **folders}


def _engine(options: SynthesisOptions) -> Engine:
    if options.engine == "local":
        return Processes(options.workers)
    _require("ray", "--engine ray", "ray")
    return RayCluster(options.address, options.workers)


def _require(module: str, feature: str, extra: str) -> None:
    """Fail before any work if a module is not installed.

    Raises:
        MissingExtraError: it is not.
    """
    if find_spec(module) is None:
        raise MissingExtraError(feature, extra)
