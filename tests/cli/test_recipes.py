from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.core.errors import RecipeError
from earwitness.training.recipe_files import shipped_recipes


def test_list_and_show() -> None:
    listed = json.loads(CliRunner().invoke(app, ["recipes", "list", "--json"]).output)
    assert [one["name"] for one in listed] == list(shipped_recipes())
    assert all(one["purpose"] and not one["purpose"].endswith(".") for one in listed)
    assert "dcase2025" in CliRunner().invoke(app, ["recipes", "list"]).output
    for name, path in shipped_recipes().items():
        assert CliRunner().invoke(app, ["recipes", "show", name]).output == path.read_text(encoding="utf-8")


def test_a_shown_recipe_can_be_saved_and_others_are_refused_by_name(tmp_path: Path) -> None:
    saved = tmp_path / "my.yaml"
    saved.write_text(CliRunner().invoke(app, ["recipes", "show", "seld"]).output, encoding="utf-8")
    assert CliRunner().invoke(app, ["recipes", "show", str(saved)]).output == saved.read_text(encoding="utf-8")
    unknown = CliRunner().invoke(app, ["recipes", "show", "sled"])
    assert isinstance(unknown.exception, RecipeError)
    assert str(unknown.exception) == "sled: no such recipe file; `earwitness recipes list` names the shipped ones"
