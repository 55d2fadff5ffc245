"""Training recipes: one typed value for every setting of a run, and the classes of its data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic import model_validator as _model_validator

from earwitness.core.classes.class_files import classes_of
from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import LabelError, RecipeError, shortened
from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.features import TAGGER_CHANNELS, FeatureConfig
from earwitness.models.architectures import (
    ARCHITECTURES,
    ModelConfig,
    SymmetricConfig,
    TaggedConfig,
    tagged,
    token_widths,
)
from earwitness.models.seld_config import SeldConfig
from earwitness.scenes.bank.adaptors import bank_vocabulary
from earwitness.scenes.writing.synthesis import named_classes
from earwitness.training.data.dense_targets import CHANNELS as DENSE_CHANNELS
from earwitness.training.recipe_files import override, read_extended
from earwitness.training.recipe_sections import AugmentSpec, DataSpec, LossSpec, Name, OptimSpec, RunSpec

_TAGS: Final = {(1, name) for name in ARCHITECTURES}
DATA_SET: Final = "DCASE2025"
"""The folder in shipped recipes that `train --data` replaces."""


class Recipe(StrictModel):
    """A complete training run. The model's input size follows from the features; another value is an error.

    `vocabulary` is filled in when a run starts, if the classes of its data are not those of DCASE2025.
    """

    name: Name = "seld"
    data: DataSpec = DataSpec()
    features: FeatureConfig = FeatureConfig()
    model: TaggedConfig = SeldConfig()
    augment: AugmentSpec = AugmentSpec()
    optim: OptimSpec = OptimSpec()
    loss: LossSpec = LossSpec()
    run: RunSpec = RunSpec()
    vocabulary: VocabularyRecord | None = None

    @_model_validator(mode="before")
    @classmethod
    def _size_input(cls, raw: Any) -> Any:
        """Fill in the model's input size from the features, where it is not given."""
        if not isinstance(raw, dict) or not isinstance(raw.get("model", {}), dict):
            return raw
        try:
            features = FeatureConfig.model_validate(raw.get("features", {}))
        except ValidationError:
            return raw  # the validation of `features` reports the error
        return {**raw, "model": tagged({**_input_size(features), **raw.get("model", {})})}

    @_model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.loss.class_weights and len(self.loss.class_weights) != self.model.classes:
            raise ValueError(
                f"loss.class_weights has {len(self.loss.class_weights)} numbers for {self.model.classes} classes"
            )
        if self.vocabulary is not None and self.model.classes != len(self.vocabulary):
            raise ValueError(
                f"model.classes is {self.model.classes}, but vocabulary has {len(self.vocabulary)} classes"
            )
        if self.data.swap == "double" and self.run.batch % 2:
            raise ValueError(f"run.batch is {self.run.batch}, but data.swap 'double' needs an even batch")
        for name in token_widths(self.model):
            if name not in self.data.tokens:
                raise ValueError(f"the model takes '{name}' tokens: say in data.tokens.{name} which encoder makes them")
            if not self.data.folders:
                raise ValueError(f"the model takes '{name}' tokens, which only clips of data.folders have")
        if (self.loss.form == "official") != (self.model.architecture == "baseline"):
            raise ValueError("loss.form 'official' goes with model.architecture 'baseline', and the other way round")
        if self.features.closing_frames and self.model.architecture != "baseline":
            raise ValueError("features.logmel 'librosa' goes with model.architecture 'baseline' only")
        if getattr(self.model, "any_sound", False) and self.data.folders:
            raise ValueError("model.any_sound is trained on scenes of a bank: train without data.folders")
        if getattr(self.model, "dense", False):
            if self.data.folders:
                raise ValueError("model.dense is trained on scenes of a bank: train without data.folders")
            if not set(DENSE_CHANNELS).issubset(self.features.channels):
                raise ValueError(f"model.dense needs features.channels with {' and '.join(DENSE_CHANNELS)}")
        if self.features.has_tagger != getattr(self.model, "tagger", False):
            raise ValueError(
                f"model.tagger goes with features.channels that end with {', '.join(TAGGER_CHANNELS)}, and not without"
            )
        lags = getattr(self.model, "lags", None)
        if lags is not None and self.features.channels[lags : lags + 1] != ("gcc",):
            raise ValueError(f"model.lags is {lags}, which is not the position of gcc in features.channels")
        if isinstance(self.model, SymmetricConfig):
            self.model.check_channels(self.features.channels)
        for key, value in _input_size(self.features).items():
            if getattr(self.model, key) != value:
                raise ValueError(f"model.{key} is {getattr(self.model, key)}, but the features have {value}")
        return self

    @property
    def seld(self) -> ModelConfig:
        """The model's dimensions."""
        return self.model

    @property
    def scenes_per_batch(self) -> int:
        """Scenes that fill a batch."""
        return self.run.batch // 2 if self.data.swap == "double" else self.run.batch

    def dump(self) -> str:
        """The recipe as YAML, every default written out."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def load_recipe(path: Path, overrides: list[str] | None = None, data: Path | None = None) -> Recipe:
    """Read a recipe.

    A recipe with a line `extends: other.yaml`, relative to its own folder or the name of a shipped recipe, holds only
    the differences from that recipe: sections are merged key by key, lists and values are replaced.

    Args:
        path: YAML file.
        overrides: `section.key=value`, the value in YAML.
        data: data set in place of the folder DCASE2025 of shipped recipes.

    Raises:
        RecipeError: the file is missing or not YAML, or a key or value is invalid (names the key).
    """
    raw = read_extended(path)
    for text in overrides or []:
        override(raw, text, whole_below="weights")  # names of sounds have dots
    recipe = check_recipe(raw, str(path))
    return recipe if data is None else _with_data(recipe, data, str(path))


def _with_data(recipe: Recipe, data: Path, name: str) -> Recipe:
    """The recipe with `data` in place of its data set `DATA_SET`.

    Raises:
        RecipeError: it has no such data set.
    """
    if all(one.root != DATA_SET for one in recipe.data.folders):
        raise RecipeError(
            f"{name}: --data takes the place of the folder {DATA_SET}, which this recipe does not train on; name the "
            "folders with --set 'data.folders=[{root: DIR}]', or use one of the recipes dcase2025*"
        )
    folders = tuple(
        one.model_copy(update={"root": str(data)}) if one.root == DATA_SET else one for one in recipe.data.folders
    )
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"folders": folders})})


def check_recipe(raw: dict[str, Any], name: str) -> Recipe:
    """Build a recipe from plain values.

    Raises:
        RecipeError: names the first invalid key.
    """
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # pydantic's path to a key includes the architecture, the user's does not.
        place = [part for index, part in enumerate(first["loc"]) if (index, part) not in _TAGS]
        key = ".".join(map(str, place)) or "recipe"
        reason = "there is no such key" if first["type"] == "extra_forbidden" else first["msg"]
        raise RecipeError(f"{name}: {shortened(key, 100)}: {shortened(reason, 400)}") from None


def _input_size(features: FeatureConfig) -> dict[str, int]:
    return {
        "in_channels": len(features.channels),
        "mels": features.mels,
        "frames_per_label": features.frames_per_label,
    }


def with_classes(recipe: Recipe) -> Recipe:
    """The recipe with the classes of its data, and with a model for as many.

    Raises:
        RecipeError: the bank and the folders have different classes, or a value does not fit their number.
        BankError: the bank cannot be used.
    """
    vocabulary = data_vocabulary(recipe.data)
    if recipe.vocabulary is not None and (difference := vocabulary.difference(recipe.vocabulary.vocabulary())):
        raise RecipeError(f"the data do not fit the recipe's vocabulary: {difference}")
    count, weights = len(vocabulary), recipe.data.scene.get("class_weights") or ()
    if isinstance(weights, list | tuple) and len(weights) not in (0, count):
        raise RecipeError(
            f"data.scene.class_weights has {len(weights)} numbers for {count} classes: give one per class, or none "
            "(--set data.scene.class_weights=[])"
        )
    if recipe.model.classes not in (count, len(DCASE2025)) or (
        vocabulary is DCASE2025 and recipe.model.classes != count
    ):
        raise RecipeError(f"model.classes is {recipe.model.classes}, but the data have {count} classes: leave it out")
    if vocabulary is DCASE2025:
        return recipe
    raw = recipe.model_dump(mode="json")
    raw["vocabulary"] = VocabularyRecord.of(vocabulary).model_dump(mode="json")
    raw["model"]["classes"] = count
    return check_recipe(raw, "the recipe with the classes of its data")


def data_vocabulary(data: DataSpec) -> Vocabulary:
    """The classes of a recipe's data.

    Raises:
        RecipeError: its parts have different classes.
        BankError: the bank cannot be used.
    """
    try:
        parts = {}
        if not data.folders or data.bank_weight:
            parts[data.bank] = bank_vocabulary(Path(data.bank), named_classes(data.classes))
        for folder in (*data.folders, *([data.valid_folder] if data.valid_folder else [])):
            parts[folder.root] = classes_of(Path(folder.root), 1)
    except LabelError as error:
        raise RecipeError(f"data: {error}") from error
    (first, vocabulary), *others = parts.items()
    for name, other in others:
        if difference := other.difference(vocabulary):
            raise RecipeError(f"data: '{name}' does not fit '{first}': {difference}")
    return vocabulary
