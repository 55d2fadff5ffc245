"""Settings for rendering a set of synthetic clips; picklable and the same in every worker."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import Vocabulary
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.pictures import DCASE_FPS, CutoutLibrary, PictureRenderer, open_backgrounds
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.synthesizer import Synthesizer


@dataclass(frozen=True)
class RenderJob:
    """Settings for rendering a set of clips.

    Attributes:
        bank: folder of the sound bank.
        out: folder of the data set.
        seed: scene `i` depends only on (seed, i).
        split: split of the bank; None uses all sounds.
        rooms: the simulated RIR pool.
        scene: the distributions of the scenes.
        cache: folder of RIR pools; None takes the default.
        licences: use only sounds under these licences; None uses all.
        without: sounds of the bank to leave out.
        video: whether to render pictures.
        fps: pictures per second.
        cutouts: folder of the user's cut-outs; None: all are drawn.
        backgrounds: folder of the user's 360-degree photos and videos; None: rooms are drawn.
        classes: the classes of the bank; None: its own.
        measured: folder of a pool of measured rooms (`measured_rooms.measured_pool`), which replaces `rooms`.
    """

    bank: Path
    out: Path
    seed: int
    split: str | None
    rooms: PoolConfig
    scene: SceneConfig
    cache: Path | None = None
    licences: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    video: bool = False
    fps: Fraction = DCASE_FPS
    cutouts: Path | None = None
    backgrounds: Path | None = None
    measured: Path | None = None
    classes: Vocabulary | None = None

    def __hash__(self) -> int:
        """Hash of all fields; presets in `scene` contain mappings, which have no hash of their own."""
        plain = (getattr(self, field.name) for field in fields(self) if field.name != "scene")
        return hash((*plain, self.scene.model_dump_json()))

    def scene_seed(self, index: int) -> np.random.SeedSequence:
        """The seed of clip `index`."""
        return np.random.SeedSequence(self.seed, spawn_key=(index,))

    def synthesizer(self) -> Synthesizer:
        """The opened bank and rooms; cached for the process, for any output folder.

        Raises:
            BankError: the bank or the rooms cannot be used.
        """
        return _synthesizer(replace(self, out=Path()))

    def pictures(self, camera: Camera) -> PictureRenderer:
        """The renderer with the opened cut-outs and backgrounds; cached like `synthesizer`.

        Raises:
            MediaError: the user's files cannot be used.
        """
        return _pictures(replace(self, out=Path()), camera)


@lru_cache(maxsize=1)
def _synthesizer(job: RenderJob) -> Synthesizer:
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=job.without, classes=job.classes)
    pool = RirPool.open(job.rooms, job.cache) if job.measured is None else RirPool.load(job.measured)
    return Synthesizer(bank, pool, job.scene)


@lru_cache(maxsize=1)
def _pictures(job: RenderJob, camera: Camera) -> PictureRenderer:
    """The renderer; pictures show the rooms of the pool."""
    return PictureRenderer(
        CutoutLibrary(job.cutouts, vocabulary=job.synthesizer().bank.vocabulary),
        camera,
        job.fps,
        rooms=job.synthesizer().pool.rooms,
        panoramas=open_backgrounds(job.backgrounds) if job.backgrounds is not None else (),
    )
