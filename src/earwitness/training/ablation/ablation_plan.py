"""The ablation recipe (variants, seeds, ensembles, comparisons) and the training recipe of each run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, NonNegativeInt, ValidationError, field_validator, model_validator

from earwitness.core.errors import RecipeError
from earwitness.core.schema import PlainValues, StrictModel, first_problem
from earwitness.data.dcase.layout import scan
from earwitness.training.data.data_splits import chosen_clips
from earwitness.training.recipe import Recipe, load_recipe
from earwitness.training.recipe_files import is_there, override, read_yaml, shipped_recipes

_NAME: Final = r"^[A-Za-z0-9+][A-Za-z0-9 +._,()'-]*$"


class Variant(StrictModel):
    """A variant of the training recipe.

    Attributes:
        recipe: file of the training recipe, relative to the ablation recipe; None takes `base`.
        set: changes to that recipe, `section.key` -> value.
        pretrain: the pre-training from whose weights it starts.
        about: a sentence for the report.
    """

    recipe: str | None = None
    set: PlainValues = Field(default_factory=dict)
    pretrain: str | None = None
    about: str = ""


class EnsembleRow(StrictModel):
    """An ensemble of runs.

    Attributes:
        members: names of variants; the runs of all their seeds are members.
        weights: `tuned` on the validation set, or `equal`.
        about: a sentence for the report.
    """

    members: tuple[str, ...] = Field(min_length=1)
    weights: Literal["tuned", "equal"] = "tuned"
    about: str = ""


class WithoutRow(StrictModel):
    """A variant's checkpoints, evaluated without some of their modalities.

    Attributes:
        variant: name of the variant.
        only: the modalities that are kept.
        about: a sentence for the report.
    """

    variant: str
    only: tuple[str, ...] = ()
    about: str = ""


class SeenRow(StrictModel):
    """A variant's events merged with visual detections in the test videos.

    Attributes:
        variant: name of the variant, or of an ensemble.
        detector: name of the visual detector.
        about: a sentence for the report.
    """

    variant: str
    detector: str = "pose"
    about: str = ""


class AblationRecipe(StrictModel):
    """The recipe of `earwitness ablate`.

    Attributes:
        name: of the ablation; runs and results are written to runs/NAME by default.
        base: file of the training recipe on which variants are based, relative to this file, or a shipped recipe.
        train, valid, test: data sets in the folder layout of DCASE2025. They must share neither sounds nor rooms. The
            test set is scored once per run, after checkpoint and thresholds were chosen on the validation set.
        valid_rooms: rooms of `train` that are the validation set, or `auto`, where there is no `valid`.
        test_splits: splits of `test`, such as dev-test-sony; None takes all whose name starts with dev-train.
        shards: folder for cached features; None computes them on the fly.
        seeds: of the runs of each variant, at least two, to show the variation between runs.
        set: changes to all training recipes.
        pretraining: pre-training runs by name, on their own data.
        variants: by name, in the order of the table.
        reference: the variant with which all others are compared.
        ensembles: rows of ensembles.
        without: rows of checkpoints evaluated without some modalities.
        seen: rows of visual post-processing.
    """

    name: str = Field("ablation", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    base: str
    train: str
    valid: str | None = None
    test: str
    valid_rooms: tuple[NonNegativeInt, ...] | Literal["auto"] = ()
    test_splits: tuple[str, ...] | None = None
    shards: str | None = None
    seeds: tuple[NonNegativeInt, ...] = Field(min_length=2)
    set: PlainValues = Field(default_factory=dict)
    pretraining: dict[str, Variant] = Field(default_factory=dict)
    variants: dict[str, Variant] = Field(min_length=1)
    reference: str
    ensembles: dict[str, EnsembleRow] = Field(default_factory=dict)
    without: dict[str, WithoutRow] = Field(default_factory=dict)
    seen: dict[str, SeenRow] = Field(default_factory=dict)

    @field_validator("pretraining", "variants", "ensembles", "without", "seen")
    @classmethod
    def _nameable(cls, rows: dict[str, Any]) -> dict[str, Any]:
        bad = [name for name in rows if not re.match(_NAME, name)]
        if bad:
            raise ValueError(f"'{bad[0]}' cannot name a folder: use letters, digits, spaces and + . _ - , ( )")
        return rows

    @model_validator(mode="after")
    def _names_are_known(self) -> AblationRecipe:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds must differ from each other")
        if (self.valid is None) == (not self.valid_rooms):
            raise ValueError("give a validation set: either valid, a data set, or valid_rooms, rooms of train")
        wanted = [("reference", self.reference)]
        wanted += [(f"ensembles.{name}", member) for name, row in self.ensembles.items() for member in row.members]
        wanted += [(f"without.{name}", row.variant) for name, row in self.without.items()]
        wanted += [
            (f"seen.{name}", row.variant) for name, row in self.seen.items() if row.variant not in self.ensembles
        ]
        for where, name in wanted:
            if name not in self.variants:
                raise ValueError(f"{where}: there is no variant '{name}'; there are {', '.join(self.variants)}")
        for where, variant in (*self.variants.items(), *self.pretraining.items()):
            if variant.pretrain is not None and (variant.pretrain not in self.pretraining or where in self.pretraining):
                raise ValueError(f"{where}: there is no pretraining '{variant.pretrain}' from which it can start")
        rows = [*self.variants, *self.ensembles, *self.without, *self.seen]
        if len(set(rows)) != len(rows):
            raise ValueError("two rows have the same name: rename one")
        return self


@dataclass(frozen=True, slots=True)
class AblationRun:
    """One training run of an ablation.

    Attributes:
        row: name of the variant or the pre-training.
        seed: of the run.
        recipe: its training recipe, without `run.init_from`.
        before: the run from whose weights it starts.
        test: data set on which it is scored; None for pre-training.
        test_splits: its splits; None takes those for training.
        clips: digests of the names of the sets' clips, so that changed sets lead to new runs.
    """

    row: str
    seed: int
    recipe: Recipe
    before: AblationRun | None = None
    test: str | None = None
    clips: tuple[str, ...] = ()
    test_splits: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that identify recipe, initial weights and clips."""
        plain = self.recipe.model_dump(mode="json")
        plain.pop("name")
        if plain["run"]["decoding"] == "weighted":  # so that runs of before this setting existed keep their key
            plain["run"].pop("decoding")
        parts = [plain, self.before.key if self.before else None, self.test, self.clips]
        parts += [self.test_splits] if self.test_splits is not None else []
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def folder(self) -> str:
        """Name of its folder, which contains the key."""
        return f"{self.row.replace(' ', '_')}-seed{self.seed}-{self.key}"


@dataclass(frozen=True, slots=True)
class AblationPlan:
    """An ablation with the recipes of all its runs.

    Attributes:
        recipe: the ablation recipe.
        pretraining: pre-training runs.
        runs: one per variant and seed, in the order of `recipe.variants`.
    """

    recipe: AblationRecipe
    pretraining: tuple[AblationRun, ...]
    runs: tuple[AblationRun, ...]

    def of(self, row: str) -> tuple[AblationRun, ...]:
        """The runs of a variant, in the order of the seeds."""
        return tuple(run for run in self.runs if run.row == row)

    def in_order(self) -> Iterator[AblationRun]:
        """Every run once: all variants with the first seed, then with the next, so that early results are complete."""
        for seed in self.recipe.seeds:
            yield from (run for run in self.pretraining if run.seed == seed)
            yield from (run for run in self.runs if run.seed == seed)


def load_plan(path: Path, overrides: list[str] | None = None) -> AblationPlan:
    """Read an ablation recipe and derive the recipe of each run.

    Args:
        path: YAML file.
        overrides: `key=value` for keys of the ablation recipe, nested ones as `variants.NAME.set` too; values in YAML.

    Raises:
        RecipeError: the file is missing or not YAML, a key is unknown, or a training recipe is invalid (names the row).
        LabelError: one of the sets is missing or empty.
    """
    asked = _read(path, overrides or [])
    roots = (asked.train, *([asked.valid] if asked.valid else []))
    clips = (*(_digest(root) for root in roots), _digest(asked.test, asked.test_splits, final=True))
    pretraining = {
        (name, seed): _pretraining(name, seed, _recipe(path, asked, name, variant, seed, pretraining=True))
        for seed in asked.seeds
        for name, variant in asked.pretraining.items()
        if any(other.pretrain == name for other in asked.variants.values())
    }
    runs = tuple(
        AblationRun(
            name,
            seed,
            _recipe(path, asked, name, variant, seed),
            pretraining[variant.pretrain, seed] if variant.pretrain else None,
            asked.test,
            clips,
            asked.test_splits,
        )
        for name, variant in asked.variants.items()
        for seed in asked.seeds
    )
    return AblationPlan(asked, tuple(pretraining.values()), runs)


def _pretraining(name: str, seed: int, recipe: Recipe) -> AblationRun:
    data = recipe.data
    held = [*data.folders, *([data.valid_folder] if data.valid_folder else [])]
    return AblationRun(name, seed, recipe, clips=tuple(_digest(one.root, one.splits) for one in held))


def _digest(root: str, splits: Sequence[str] | None = None, *, final: bool = False) -> str:
    names = "\n".join(clip.id for clip in chosen_clips(scan(Path(root)), splits, final=final))
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def _read(path: Path, overrides: list[str]) -> AblationRecipe:
    raw = read_yaml(path)
    for text in overrides:
        override(raw, text, whole_below="set")  # keys below `set` contain dots
    try:
        return AblationRecipe.model_validate(raw)
    except ValidationError as error:
        raise RecipeError(f"{path}: {first_problem(error, 'recipe')}") from None


def _recipe(
    path: Path, asked: AblationRecipe, name: str, variant: Variant, seed: int, *, pretraining: bool = False
) -> Recipe:
    changes: dict[str, Any] = dict(asked.set)
    if not pretraining:
        changes |= {
            "data.folders": [{"root": asked.train}],
            "data.valid_folder": {"root": asked.valid} if asked.valid else None,
            "data.valid_rooms": asked.valid_rooms,
            "data.shards": asked.shards,
            "data.bank_weight": 0.0,
        }
    changes |= {**variant.set, "name": name, "run.seed": seed, "data.seed": seed + 1}
    named = variant.recipe or asked.base
    file = path.parent / named
    if not is_there(file):
        file = shipped_recipes().get(named, file)
    try:
        return load_recipe(file, [f"{key}={json.dumps(value)}" for key, value in changes.items()])
    except RecipeError as error:
        raise RecipeError(f"{path}: {name}: {error}") from error
