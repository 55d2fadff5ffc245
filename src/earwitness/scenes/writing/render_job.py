"""What a set of synthetic clips is rendered from: picklable, and the same in every worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np

from earwitness.core.geometry import Camera
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.pictures.backgrounds import open_backgrounds
from earwitness.scenes.pictures.cutouts import CutoutLibrary
from earwitness.scenes.pictures.scene_picture import DCASE_FPS, PictureRenderer
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.synthesizer import Synthesizer


@dataclass(frozen=True)
class RenderJob:
    """What to render.

    Attributes:
        bank: folder of the sound bank.
        out: folder of the data set.
        seed: scene `i` depends on (seed, i) only.
        split: split of the bank; None takes all sounds.
        rooms: the simulated RIR pool.
        scene: the scenes' distributions.
        cache: folder of RIR pools; None is the default one.
        licences: only sounds under these; None takes all.
        without: sounds of the bank to leave out.
        video: whether to render pictures too.
        fps: pictures a second.
        cutouts: folder of the user's cut-outs; None draws all by code.
        backgrounds: folder of the user's 360-degree photos and videos; None draws rooms by code.
        measured: folder of a pool of measured rooms (`measured.measured_pool`), which takes the place of `rooms`.
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

    def __hash__(self) -> int:
        """By the fields that mostly tell jobs apart."""
        return hash((self.bank, self.out, self.seed, self.split, self.rooms.name, self.licences, self.without))

    def scene_seed(self, index: int) -> np.random.SeedSequence:
        """What clip `index` is drawn from."""
        return np.random.SeedSequence(self.seed, spawn_key=(index,))

    def synthesizer(self) -> Synthesizer:
        """The opened bank and rooms; kept for the process's life, wherever the clips go.

        Raises:
            BankError: they cannot be used.
        """
        return _synthesizer(replace(self, out=Path()))

    def pictures(self, camera: Camera) -> PictureRenderer:
        """The opened cut-outs and backgrounds, kept as well.

        Raises:
            MediaError: the user's own cannot be used.
        """
        return _pictures(replace(self, out=Path()), camera)


@lru_cache(maxsize=1)
def _synthesizer(job: RenderJob) -> Synthesizer:
    bank = SoundBank.open(job.bank, job.split, licences=job.licences, without=job.without)
    pool = RirPool.open(job.rooms, job.cache) if job.measured is None else RirPool.load(job.measured)
    return Synthesizer(bank, pool, job.scene)


@lru_cache(maxsize=1)
def _pictures(job: RenderJob, camera: Camera) -> PictureRenderer:
    """Its cut-outs are drawn once. The room that is seen is the room that is heard."""
    return PictureRenderer(
        CutoutLibrary(job.cutouts),
        camera,
        job.fps,
        rooms=job.synthesizer().pool.rooms,
        panoramas=open_backgrounds(job.backgrounds) if job.backgrounds is not None else (),
    )
