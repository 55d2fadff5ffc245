"""Figures about the structure of a Python package, and the rules that its files keep.

    python scripts/structure.py                 # figures
    python scripts/structure.py --check         # exit code 1 where a rule is broken; part of `make lint`

Rules: no cycle of imports between files, none between rooms (the packages one level below the top); no two modules and
no two public classes of one name; no file over 350 lines; at most 12 modules on a level. The files of `cli/` share the
names of their verbs with other modules, and there may be more than 12 of them. Imports inside functions and under
`TYPE_CHECKING` count as imports.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_LINES = 350
MOST_MODULES = 12
SMALL_LINES = 60
"""A shorter module with one importer in its own package usually belongs to that importer."""
VERBS = "cli"

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Module:
    """One file.

    Attributes:
        name: dotted; that of the package for `__init__.py`.
        package: the package that holds it; itself for `__init__.py`.
        lines: how many there are.
        imports: names of the modules of the same top package that it imports.
        classes: its public classes.
    """

    name: str
    package: str
    lines: int
    imports: frozenset[str]
    classes: tuple[str, ...]

    @property
    def is_package(self) -> bool:
        """Whether it is an `__init__.py`."""
        return self.name == self.package

    @property
    def room(self) -> str:
        """The package one level below the top, or the module itself where it lies at the top."""
        return ".".join(self.name.split(".")[:2])

    @property
    def is_verb(self) -> bool:
        """Whether it is a file of the command line."""
        return self.name.split(".")[1:2] == [VERBS]


def read_modules(root: Path) -> dict[str, Module]:
    """The modules of the package whose folder is `root`, by dotted name."""
    paths = {}
    for path in sorted(root.rglob("*.py")):
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    modules = {}
    for name, path in paths.items():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        imports = frozenset(found for found in _imports(tree, paths) if found != name)
        public = (node.name for node in tree.body if isinstance(node, ast.ClassDef))
        classes = tuple(each for each in public if not each.startswith("_"))
        modules[name] = Module(name, package, len(text.splitlines()), imports, classes)
    return modules


def _imports(tree: ast.Module, known: Mapping[str, Path]) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if (found := full if full in known else node.module) in known:
                    yield found
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def cycles(graph: Graph) -> list[list[str]]:
    """Sets of nodes that reach each other, each sorted (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in sorted(graph.get(node, ())):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            place = stack.index(node)
            group = stack[place:]
            del stack[place:]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found)


def room_graph(modules: Mapping[str, Module]) -> dict[str, set[str]]:
    """Which room imports which."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module in modules.values():
        for name in module.imports:
            if modules[name].room != module.room:
                graph[module.room].add(modules[name].room)
    return graph


def single_importers(modules: Mapping[str, Module]) -> dict[str, str]:
    """Modules that one module alone imports, in the same package; and that one."""
    importers: dict[str, list[str]] = defaultdict(list)
    for module in modules.values():
        for name in module.imports:
            importers[name].append(module.name)
    alone = {name: who[0] for name, who in importers.items() if len(who) == 1 and not modules[name].is_package}
    return {name: who for name, who in sorted(alone.items()) if modules[who].package == modules[name].package}


def repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Of (name, place) pairs the names with several places."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in pairs:
        places[name].append(place)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def broken_rules(modules: Mapping[str, Module]) -> list[str]:
    """One line for each break of a rule."""
    graph = {module.name: set(module.imports) for module in modules.values()}
    shown = [module for module in modules.values() if not module.is_package]
    named = [(module.name.rpartition(".")[2], module.name) for module in shown if not module.is_verb]
    classes = [(name, module.name) for module in modules.values() for name in module.classes]
    levels: dict[str, int] = defaultdict(int)
    for module in shown:
        levels[module.package] += not module.is_verb
    return [
        *(f"cycle between files: {', '.join(group)}" for group in cycles(graph)),
        *(f"cycle between rooms: {', '.join(group)}" for group in cycles(room_graph(modules))),
        *(f"module name used twice: {', '.join(places)}" for places in repeated(named).values()),
        *(f"public class {name} defined twice: {', '.join(places)}" for name, places in repeated(classes).items()),
        *(f"{module.name}: {module.lines} lines, more than {MOST_LINES}" for module in shown
          if module.lines > MOST_LINES),
        *(f"{package}: {count} modules on one level, more than {MOST_MODULES}" for package, count in levels.items()
          if count > MOST_MODULES),
    ]  # fmt: skip


def print_figures(modules: Mapping[str, Module]) -> None:
    """Prints the figures that changes of the structure are judged by."""
    lines = [module.lines for module in modules.values()]
    graph = {module.name: set(module.imports) for module in modules.values()}
    alone = single_importers(modules)
    small = {name: who for name, who in alone.items() if modules[name].lines < SMALL_LINES}
    names = [(module.name.rpartition(".")[2], module.name) for module in modules.values() if not module.is_package]
    print(f"files {len(lines)} ({len(names)} without __init__), lines {sum(lines)}, "
          f"median {statistics.median(lines):.0f}, longest {max(lines)}")  # fmt: skip
    print(f"cycles between files: {len(cycles(graph))}, between rooms: {len(cycles(room_graph(modules)))}")
    print(f"modules with one importer, in their own package: {len(alone)}, under {SMALL_LINES} lines: {len(small)}")
    for name, who in small.items():
        print(f"  {name} ({modules[name].lines}) <- {who}")
    print(f"module names used more than once: {len(repeated(names))}: {', '.join(repeated(names))}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, default=Path(__file__).parents[1] / "src" / "earwitness")
    parser.add_argument("--check", action="store_true", help="print broken rules only; exit code 1 if there are any")
    options = parser.parse_args()
    modules = read_modules(options.source)
    broken = broken_rules(modules)
    if not options.check:
        print_figures(modules)
    print("\n".join(broken) if broken else "structure: every rule holds")
    return int(bool(broken) and options.check)


if __name__ == "__main__":
    sys.exit(main())
