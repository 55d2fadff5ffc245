"""The recipes that are part of earwitness, by name: the folder `recipes` of the source, package data once installed."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from earwitness.core.errors import RecipeError, shortened

SUFFIX: Final = ".yaml"


def recipes_folder() -> Path:
    """The folder of the recipes; a checkout that runs from its source has them beside `src`."""
    with as_file(files("earwitness")) as package:
        installed = package / "assets" / "recipes"
        return installed if installed.is_dir() else package.parents[1] / "recipes"


def shipped_recipes() -> dict[str, Path]:
    """The shipped recipes, by name."""
    return {path.stem: path for path in sorted(recipes_folder().glob(f"*{SUFFIX}"))}


def find_recipe(recipe: str | Path) -> Path:
    """The file of a recipe.

    Args:
        recipe: a file, or the name of a shipped recipe.

    Raises:
        RecipeError: neither; the message lists the shipped recipes.
    """
    path, shipped = Path(recipe), shipped_recipes()
    if str(recipe) and is_there(path) and not (path.is_dir() and str(recipe) in shipped):
        return path
    name = path.stem if path.suffix == SUFFIX else str(recipe)
    if name in shipped and len(path.parts) == 1:
        return shipped[name]
    advice = f"; the shipped recipe has the name {path.stem}" if path.stem in shipped else ""
    raise RecipeError(
        f"{shortened(str(recipe), 200)}: no such recipe file{advice}; `earwitness recipes list` names the shipped ones"
    )


def is_there(path: Path) -> bool:
    """Whether a path exists; one that no file can have does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def purpose(path: Path) -> str:
    """The first sentence of a recipe's comment."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#") or line.startswith("#  "):  # the end of the comment, or commands
            break
        lines.append(line.lstrip("# ").rstrip())
    text = " ".join(lines)
    end = text.find(". ")
    return text.rstrip(".:") if end < 0 else text[:end]
