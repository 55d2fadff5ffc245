"""Opens the synthesizer that a recipe asks for: train and valid never share sounds or rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import ValidationError

from earwitness.errors import BankError, RecipeError
from earwitness.synthesis import PoolConfig, SceneConfig, Synthesizer
from earwitness.synthesis.adaptors import is_published, list_sounds
from earwitness.synthesis.bank import SoundBank
from earwitness.synthesis.bank_check import unusable_sounds
from earwitness.synthesis.copies import copies_between
from earwitness.synthesis.splits import without_split
from earwitness.training.recipe import DataSpec

SPLITS: Final[tuple[Literal["train", "valid"], ...]] = ("train", "valid")
VALID_ROOMS: Final = 40
_VALID_SEED_OFFSET: Final = 1_000_003
"""Added to the pool's seed for validation, so that its rooms are never heard in training."""
_TRAINING_ONLY: Final = ("class_weights", "speed", "wide_speed", "tone_db", "band_probability", "peak_db", "snr_db",
                         "preset_share")  # fmt: skip
"""Settings of scenes that widen what is learnt and have no place in what is measured."""

_Config = TypeVar("_Config", PoolConfig, SceneConfig)


@dataclass(frozen=True, slots=True)
class OpenSynthesizer:
    """A picklable factory of the recipe's synthesizer for one split.

    Attributes:
        spec: the recipe's data section.
        split: which sounds of the bank, and which rooms.
        without: names of sounds to leave out, as `skipped_sounds` found them; None looks only for those that cannot be
            used.
    """

    spec: DataSpec
    split: Literal["train", "valid"]
    without: tuple[str, ...] | None = None

    def __call__(self) -> Synthesizer:
        """Open the bank, without what of it cannot be used, and the pool of rooms; builds it when it is not cached."""
        without = unusable_sounds(self.spec.bank) if self.without is None else self.without
        return Synthesizer.from_bank(
            self.spec.bank, split=self.split, rooms=self.pool(), config=self.scene(), cache=self.spec.cache,
            without=without, weights=self.weights(),
        )  # fmt: skip

    def weights(self) -> dict[str, float]:
        """How often sounds are drawn; validation leaves out what training does, and has the others alike."""
        weights = self.spec.weights
        return weights if self.split == "train" else {name: weight for name, weight in weights.items() if not weight}

    def pool(self) -> PoolConfig:
        """Rooms of this split."""
        pool = _checked(PoolConfig, self.spec.pool, "data.pool")
        if self.split == "train":
            return pool
        return pool.model_copy(update={"rooms": min(pool.rooms, VALID_ROOMS), "seed": pool.seed + _VALID_SEED_OFFSET})

    def scene(self) -> SceneConfig:
        """Distributions of this split; those of validation are neither weighted nor widened."""
        scene = _checked(SceneConfig, self.spec.scene, "data.scene")
        if self.split == "train":
            return scene
        plain = SceneConfig()
        return scene.model_copy(update={name: getattr(plain, name) for name in _TRAINING_ONLY})


def skipped_sounds(root: str, progress: Callable[[int, int], None] | None = None) -> dict[str, str]:
    """Sounds of a bank that are neither trained nor validated on, and why; looked up once, then remembered.

    Those that cannot be used; those that say no split where others do; and of a bank that is split by its groups alone,
    sounds for validation of which training has a copy, whatever its level or format.

    Args:
        root: of the bank.
        progress: called with (sounds compared, sounds in all).

    Raises:
        BankError: no such bank, a split without target classes, or a recording that is in both of its splits.
    """
    skipped = unusable_sounds(root)
    listed = list_sounds(Path(root))
    skipped |= dict.fromkeys(without_split(listed), "says no split, while others of the bank do")
    train, valid = (SoundBank.open(root, split, without=skipped) for split in SPLITS)
    if is_published(Path(root)):
        return skipped
    copies = copies_between(train, valid, progress=progress)
    if copies and any(sound.split for sound in listed):
        raise BankError(
            f"the bank at '{root}': '{copies[0][0]}' (train) and '{copies[0][1]}' (valid) are the same recording; "
            f"remove one, or put both in one split ({len(copies)} such)"
        )
    return skipped | {valid: f"is the same recording as '{train}', which is trained on" for train, valid in copies}


def _checked(kind: type[_Config], values: dict[str, object], name: str) -> _Config:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
