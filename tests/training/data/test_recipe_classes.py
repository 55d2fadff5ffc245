from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.classes.class_files import vocabulary_of, write_classes
from earwitness.core.errors import RecipeError
from earwitness.training.data.recipe_classes import with_classes
from earwitness.training.recipe import Recipe, check_recipe


def bank(folder: Path, *classes: str) -> str:
    for name in classes:
        (folder / name).mkdir(parents=True)
        (folder / name / "a.wav").touch()
    return str(folder)


def test_the_bank_gives_classes_and_size_of_the_model(tmp_path: Path) -> None:
    recipe = with_classes(check_recipe({"data": {"bank": bank(tmp_path / "own", "kettle", "drill")}}, "r"))
    assert recipe.vocabulary is not None
    assert (recipe.vocabulary.slugs, recipe.model.classes) == (("drill", "kettle"), 2)
    again = check_recipe(recipe.model_dump(mode="json"), "r")
    assert with_classes(again) == again


def test_the_default_classes_change_nothing(tmp_path: Path) -> None:
    recipe = check_recipe({"data": {"bank": bank(tmp_path / "known", "bell", "knock")}}, "r")
    assert with_classes(recipe) is recipe
    assert recipe.loss.class_weights == check_recipe({"loss": {"class_weights": [1.0] * 13}}, "r").loss.class_weights


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": {"scene": {"class_weights": [1] * 13}}}, "13 numbers for 2 classes.*data.scene.class_weights=\\[\\]"),
        ({"model": {"classes": 5}}, "model.classes is 5, but the data have 2 classes"),
        ({"data": {"classes": "dcase2025"}, "model": {"classes": 2}}, "model.classes is 2"),
    ],
)
def test_values_for_another_number_of_classes_are_named(
    tmp_path: Path, changes: dict[str, dict[str, object]], message: str
) -> None:
    raw = {**changes, "data": {"bank": bank(tmp_path / "own", "kettle", "drill"), **changes.get("data", {})}}
    with pytest.raises(RecipeError, match=message):
        with_classes(check_recipe(raw, "r"))


def test_folders_of_other_classes_are_refused_by_name(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, classes in ((one, ["kettle"]), (other, ["drill"])):
        folder.mkdir()
        write_classes(folder, vocabulary_of(classes, f"{folder.name} classes"))
    data = {"folders": [{"root": str(one)}], "valid_folder": {"root": str(other)}}
    with pytest.raises(RecipeError, match=r"'other classes' \(drill\), not of 'one classes' \(kettle\)"):
        with_classes(Recipe.model_validate({"data": data}))
