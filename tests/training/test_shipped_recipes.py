"""Recipes by name: listed, shown, extended, and complete in themselves where they say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import RecipeError
from earwitness.training.recipe import load_recipe
from earwitness.training.shipped_recipes import find_recipe, shipped_recipes
from earwitness.training.yaml_text import read_yaml

SOURCE = Path(__file__).parents[2] / "recipes"


def test_every_recipe_of_the_source_is_shipped() -> None:
    assert {path.name for path in shipped_recipes().values()} == {path.name for path in SOURCE.glob("*.yaml")}


def test_list_and_show() -> None:
    listed = json.loads(CliRunner().invoke(app, ["recipes", "list", "--json"]).output)
    assert [one["name"] for one in listed] == list(shipped_recipes())
    assert all(one["purpose"] and not one["purpose"].endswith(".") for one in listed)
    assert "dcase2025" in CliRunner().invoke(app, ["recipes", "list"]).output
    for name, path in shipped_recipes().items():
        assert CliRunner().invoke(app, ["recipes", "show", name]).output == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in shipped_recipes() if not name.startswith("ablation")])
def test_shipped_recipes_are_valid(name: str) -> None:
    assert load_recipe(find_recipe(name)).run.steps > 0


@pytest.mark.parametrize("name", ["dcase2025", "dcase2025-synthetic", "dcase2025-av"])
def test_recipes_of_dcase2025_name_no_other_file(name: str, tmp_path: Path) -> None:
    raw = read_yaml(find_recipe(name))
    assert "extends" not in raw
    recipe = load_recipe(find_recipe(name), data=tmp_path)
    assert [one.root for one in recipe.data.folders] == [str(tmp_path)]
    assert recipe.run.init_from is None
    assert recipe.data.valid_folder is None
    assert (recipe.data.bank_weight > 0) == (name == "dcase2025-synthetic")


def test_files_come_before_names_and_may_extend_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe("seld.yaml") == find_recipe("seld") == shipped_recipes()["seld"]
    (tmp_path / "mine.yaml").write_text("extends: seld\nname: mine\nrun: {steps: 7}\n")
    assert load_recipe(find_recipe("mine.yaml")).model.dim == load_recipe(find_recipe("seld")).model.dim
    (tmp_path / "seld.yaml").write_text("name: own\n")
    assert load_recipe(find_recipe("seld.yaml")).name == "own"
    (tmp_path / "seld").mkdir()  # as a folder of a run may be called
    assert find_recipe("seld") == shipped_recipes()["seld"]


@pytest.mark.parametrize("name", ["nothing", "some/where/seld.yaml", "", "x" * 500])
def test_unknown_names_say_how_to_list_them(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=r"recipes list"):
        find_recipe(name)
