"""The classes of a training run: those of its bank and of its folders, which must agree."""

from __future__ import annotations

from pathlib import Path

from earwitness.core.classes.class_files import classes_of
from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import LabelError, RecipeError
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.scenes.bank.adaptors import bank_vocabulary
from earwitness.scenes.writing.synthesis import named_classes
from earwitness.training.recipe import Recipe, check_recipe
from earwitness.training.recipe_sections import DataSpec


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
