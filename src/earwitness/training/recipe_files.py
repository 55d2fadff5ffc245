"""Files of recipes: the shipped ones by name, and their YAML.

Limits on depth, size and aliases are checked before values are built.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import yaml

from earwitness.core.errors import RecipeError, first_line, shortened
from earwitness.core.files.small_files import read_text

SUFFIX: Final = ".yaml"
RECIPE_BYTES: Final = 256 * 2**10
LONGEST_VALUE: Final = 10_000
"""Characters of one --set option."""
DEEPEST: Final = 24
MOST_NODES: Final = 20_000
"""Values in a file; those repeated by aliases and merges count each time."""
MOST_ALIASES: Final = 100
MOST_SECTIONS: Final = 8
MOST_EXTENDED: Final = 16
"""Recipes in a chain of `extends`."""
_FAILURES: Final = (yaml.YAMLError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Exceptions of PyYAML for values that do not fit their tag, as in `!!bool x`, `!!timestamp x`."""


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


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader with limits on depth, number of values and aliases."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._nodes = self._aliases = 0
        self._sizes: dict[yaml.Node | None, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node as the safe loader does, and count it and its content."""
        is_alias = self.check_event(yaml.AliasEvent)
        before = self._nodes
        self._depth += 1
        self._refuse(self._depth > DEEPEST, f"nests deeper than {DEEPEST}")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias:
            self._aliases += 1
            self._refuse(node not in self._sizes, "holds an alias within its own anchor")
            self._nodes += self._sizes.get(node, 0)
        else:
            self._nodes += 1
            self._sizes[node] = self._nodes - before
        self._refuse(self._aliases > MOST_ALIASES, f"has more than {MOST_ALIASES} aliases")
        self._refuse(self._nodes > MOST_NODES, f"holds more than {MOST_NODES:,} values, aliases expanded")
        return node

    @staticmethod
    def _refuse(wrong: bool, reason: str) -> None:
        if wrong:
            raise yaml.YAMLError(reason)


# Dates stay text: no setting is a date, and PyYAML reports malformed ones without a line number.
_BoundedLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML text.

    Raises:
        RecipeError: not valid YAML, or a limit is exceeded; the message starts with `where`.
    """
    loader = None
    try:
        loader = _BoundedLoader(text)
        return loader.get_single_data()
    except _FAILURES as error:
        raise RecipeError(f"{where}: not valid YAML: {_reason(error)}") from None
    finally:
        if loader is not None:
            loader.dispose()


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; an empty file is an empty mapping.

    Raises:
        RecipeError: not a regular file, too large, not YAML, not a mapping, or a limit is exceeded.
    """
    value = parse_yaml(read_text(path, RECIPE_BYTES, RecipeError), str(path))
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise RecipeError(f"{path}: a recipe is a mapping of sections, such as 'data:' and 'run:'")
    return value


def read_extended(path: Path, extending: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Values of a recipe merged over those of the recipes that it extends; `extending` are the files that extend it.

    A recipe extends a file, relative to its own folder, or a shipped recipe by name.

    Raises:
        RecipeError: as `read_yaml`; also for recipes that extend themselves, or too long a chain.
    """
    raw = read_yaml(path)
    base = raw.pop("extends", None)
    if base is None:
        return raw
    if not isinstance(base, str) or len(extending) >= MOST_EXTENDED or path.resolve() in extending:
        raise RecipeError(f"{path}: extends: give one recipe file that does not extend this one")
    file = path.parent / base
    if not is_there(file):
        file = shipped_recipes().get(base.removesuffix(SUFFIX), file)
    return _merged(read_extended(file, (*extending, path.resolve())), raw)


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if both else value
    return merged


def override(raw: dict[str, Any], text: str, whole_below: str | None = None) -> None:
    """Apply `--set section.key=value`, the value in YAML.

    Args:
        raw: values of the recipe, changed in place.
        text: of the option.
        whole_below: a section whose keys contain dots.

    Raises:
        RecipeError: the option is malformed.
    """
    shown = f"--set {shortened(text, 80)}"
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"{shown}: write it as section.key=value")
    *sections, last = key.strip().split(".")
    if whole_below in sections:
        cut = sections.index(whole_below) + 1
        sections, last = sections[:cut], ".".join([*sections[cut:], last])
    if len(text) > LONGEST_VALUE or len(sections) > MOST_SECTIONS:
        raise RecipeError(f"{shown}: too long; use at most {LONGEST_VALUE:,} characters and {MOST_SECTIONS} sections")
    parsed = parse_yaml(value, shown)
    node = raw
    for section in sections:
        node = node.setdefault(section, {})
        if not isinstance(node, dict):
            raise RecipeError(f"{shown}: '{section}' is a value, not a section")
    node[last] = parsed


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        problem = shortened(error.problem or error.context or "")
        return f"line {mark.line + 1}, column {mark.column + 1}: {problem}"
    if isinstance(error, yaml.YAMLError | ValueError):
        return first_line(error)
    return "a value does not fit its tag"
