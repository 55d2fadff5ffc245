"""Recipes by name: listed, shown, extended, and complete in themselves where they say so."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import RecipeError, UsageError
from earwitness.training.recipe import load_recipe
from earwitness.training.recipe_files import (
    find_recipe,
    override,
    parse_yaml,
    read_extended,
    read_yaml,
    shipped_recipes,
)

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


def bomb(levels: int) -> str:
    """Each anchor holds the one before nine times: 9 ** levels values of some hundred bytes."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int) -> str:
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(9), "values, aliases expanded"),
        (merges(9), "values, aliases expanded"),
        ("&a [*a]", "alias within its own anchor"),
        ("&a {data: *a}", "alias within its own anchor"),
        ("[&a x" + ", *a" * 200 + "]", "more than 100 aliases"),
        ("[" * 100_000, "nests deeper"),
        ("{a: " * 50 + "}" * 50, "nests deeper"),
        ("a: [" + "x, " * 30_000 + "]", "values"),
        ("a: " + "9" * 5000, "not valid YAML"),
        ("a: !!timestamp 2020-13-45", "not valid YAML"),
        ("a: !!int x", "not valid YAML"),
        ('a: !!int ""', "not valid YAML"),
        ("a: !!bool x", "not valid YAML"),
        ("a: !!timestamp x", "not valid YAML"),
        ('!!python/object/apply:os.system ["true"]', "could not determine a constructor"),
        ("a: \x00", "not valid YAML"),
        ("{[a]: 1}", "unhashable key"),
        ("a: [", "not valid YAML: line 1"),
    ],
    ids=range(18),
)
def test_what_grows_beyond_reason_is_refused_on_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_yaml(text, "x")
    assert len(str(caught.value)) < 400


def test_honest_aliases_and_merges_are_taken() -> None:
    text = "base: &base {a: 1, b: [1, 2]}\none: {<<: *base, a: 2}\ntwo: *base\nday: 2020-13-45"
    assert parse_yaml(text, "x") == {
        "base": {"a": 1, "b": [1, 2]}, "one": {"a": 2, "b": [1, 2]}, "two": {"a": 1, "b": [1, 2]}, "day": "2020-13-45",
    }  # fmt: skip


def test_only_regular_files_of_sane_size_are_recipes(tmp_path: Path) -> None:
    pipe, big, base = tmp_path / "pipe.yaml", tmp_path / "big.yaml", tmp_path / "base.yaml"
    os.mkfifo(pipe)
    big.write_text("a: 1\n" * 100_000)
    for path, said in ((pipe, "a pipe"), (Path("/dev/zero"), "a device"), (big, "bytes"), (tmp_path, "a folder")):
        with pytest.raises(UsageError, match=said):
            read_yaml(path)
        base.write_text(f"extends: {path}")
        with pytest.raises(UsageError, match=said):
            read_extended(base)
    base.write_text("{1: 2}")
    with pytest.raises(UsageError, match="a mapping of sections"):
        read_yaml(base)


def test_a_long_chain_of_recipes_is_refused(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number}.yaml").write_text(f"extends: {number + 1}.yaml\n")
    (tmp_path / "40.yaml").write_text("name: last\n")
    with pytest.raises(UsageError, match="extends"):
        read_extended(tmp_path / "0.yaml")
    assert read_extended(tmp_path / "30.yaml") == {"name": "last"}


@pytest.mark.parametrize(
    "setting",
    [
        "run.seed=2020-13-45", "run.seed=" + "9" * 5000, "run.seed=" + "9" * 400, "run.seed=" + "[" * 5000,
        "run.seed=" + "[" * 100_000, "a." * 5000 + "b=1", "run.seed=\x1b[31m", "run.seed=\x00", "run.steps=1000000000",
        "run.steps=-1", "run.batch=99999999999999999999", "run.workers=.nan", "optim.peak=.inf", "optim.peak=1.0e+308",
        "model.blocks=1000000000", "model.dim=99999999999", "data.pool.x=.nan", "data.scene.x={a: [.inf]}",
        "name=../../x", 'name="a\\0b"', "name=", 'data.bank="\\0"', "run.threads=1000000", "=", "x", "run=3",
        "loss.class_weights=[.nan]", "features.sample_rate=10000000000", "run.seed=!!binary x",
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: plain\n")
    with pytest.raises(UsageError) as caught:
        load_recipe(path, [setting])
    said = str(caught.value)
    assert len(said) < 600 + len(str(path))
    assert said.isprintable()


def test_a_setting_changes_what_it_names() -> None:
    raw: dict[str, object] = {"run": {"seed": 1}}
    override(raw, "run.steps=5")
    override(raw, "set.data.bank=[a, 1]", whole_below="set")
    assert raw == {"run": {"seed": 1, "steps": 5}, "set": {"data.bank": ["a", 1]}}
