"""The synthesizer: random scenes from a bank, a pool of rooms and a seed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from earwitness.core.memory import keep_freed_memory
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.renderer import SceneRenderer
from earwitness.scenes.sampling.preset_sampler import PresetSampler
from earwitness.scenes.sampling.sampler import SceneConfig, SceneSampler
from earwitness.scenes.scene import Scene, SceneRecipe


@dataclass(eq=False)
class Synthesizer:
    """Draws and renders scenes; the same seed gives the same scene in any process.

    Attributes:
        bank: the sounds.
        pool: the rooms.
        config: the distributions of the scenes.
    """

    bank: SoundBank
    pool: RirPool
    config: SceneConfig

    def __post_init__(self) -> None:
        keep_freed_memory()

    @cached_property
    def _sampler(self) -> SceneSampler | PresetSampler:
        if self.config.preset is None:
            return SceneSampler(self.bank, self.pool, self.config)
        return PresetSampler(self.bank, self.pool, self.config, self.config.preset)

    @classmethod
    def from_bank(
        cls,
        bank: str | Path,
        *,
        split: str | None = None,
        rooms: PoolConfig | None = None,
        config: SceneConfig | None = None,
        cache: str | Path | None = None,
        without: Collection[str] = (),
        weights: Mapping[str, float] | None = None,
    ) -> Synthesizer:
        """Open a split of a bank and the pool of `rooms`, which is built if it is not in the cache.

        Args:
            without: names of sounds to leave out; see `bank_check.unusable_sounds`.
            weights: relative frequency with which sounds are drawn; see `SoundBank`.

        Raises:
            BankError: the bank or the pool cannot be used.
        """
        return cls(
            SoundBank.open(bank, split, without=without, weights=weights),
            RirPool.open(rooms or PoolConfig(), cache),
            config or SceneConfig(),
        )

    def draft(self, seed: np.random.SeedSequence) -> SceneRecipe:
        """Draw the recipe of the scene with this seed."""
        recipe = self._sampler.draw(np.random.default_rng(seed))
        if not isinstance(seed.entropy, int):
            return recipe
        return replace(recipe, seed=(seed.entropy, *seed.spawn_key))

    def render(self, recipe: SceneRecipe, *, direct: bool = False) -> Scene:
        """Render the scene of a recipe, optionally with its direct sound."""
        return SceneRenderer(self.bank, self.pool).render(recipe, direct=direct)

    def scene(self, seed: np.random.SeedSequence, *, direct: bool = False) -> Scene:
        """Draw and render the scene with this seed, optionally with its direct sound, which changes nothing else."""
        return self.render(self.draft(seed), direct=direct)
