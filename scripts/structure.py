"""Measures the structure of a Python package and checks it against the project's rules.

    python scripts/structure.py                 # figures
    python scripts/structure.py --check         # exit code 1 if a rule is broken; part of `make lint`
    python scripts/structure.py --tests         # modules with functions that no test file is named after

Rules:
- no import cycle between files, and none between rooms (the packages one level below the top);
- no two modules and no two public classes with the same name;
- no file over 350 lines, and at most 12 modules on a level;
- no function over 60 lines, and none with more than 7 arguments.

Imports inside functions and under `TYPE_CHECKING` count. Files of `cli/` are exempt from three rules: they may share
their names with other modules, there may be more than 12 of them, and the signatures of their public functions, which
list the command's options, count neither as lines nor as arguments. Settings objects (dataclasses and pydantic models)
are exempt because their constructors are generated.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MOST_LINES = 350
MOST_MODULES = 12
SMALL_LINES = 60
"""A shorter module with one importer in its own package usually belongs to that importer."""
MOST_FUNCTION_LINES = 60
MOST_ARGUMENTS = 7
VERBS = "cli"
OWN_SOURCE = Path(__file__).resolve().parents[1] / "src" / "earwitness"
OWN_TESTS = Path(__file__).resolve().parents[1] / "tests"
LONG_FUNCTIONS: Mapping[str, int] = {}
MANY_ARGUMENTS: Mapping[str, int] = {}
"""Functions that exceed a limit, with the lines or arguments that each may have. The lists are empty and should
stay so. If one gets an entry, the check also fails when the function has fewer than its entry allows."""

Graph = Mapping[str, set[str]]


@dataclass(frozen=True)
class Function:
    """One function or method.

    Attributes:
        name: dotted, with module and class.
        lines: from `def` to the end; without the signature for commands of `cli/`.
        arguments: without `self` and `cls`; 0 for commands of `cli/`.
    """

    name: str
    lines: int
    arguments: int


@dataclass(frozen=True)
class Module:
    """One file.

    Attributes:
        name: dotted; the package's name for `__init__.py`.
        package: the package that contains it; itself for `__init__.py`.
        lines: number of lines.
        imports: names of the imported modules of the same top package.
        classes: its public classes.
        functions: all functions and methods, nested ones included.
    """

    name: str
    package: str
    lines: int
    imports: frozenset[str]
    classes: tuple[str, ...]
    functions: tuple[Function, ...]

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
        return is_verb(self.name)


def is_verb(name: str) -> bool:
    """Whether the module called `name` is a file of the command line."""
    return name.split(".")[1:2] == [VERBS]


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
        functions = tuple(_functions(tree, name, is_verb(name)))
        modules[name] = Module(name, package, len(text.splitlines()), imports, classes, functions)
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


def _functions(node: ast.AST, prefix: str, verb: bool) -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _functions(child, prefix, verb)
            continue
        name = f"{prefix}.{child.name}"
        if not isinstance(child, ast.ClassDef):
            command = verb and not child.name.startswith("_")
            first = child.body[0].lineno if command else child.lineno
            lines = (child.end_lineno or first) - first + 1
            yield Function(name, lines, 0 if command else _argument_count(child, isinstance(node, ast.ClassDef)))
        yield from _functions(child, name, verb)


def _argument_count(function: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> int:
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    bound = method and bool(positional) and positional[0].arg in ("self", "cls")
    starred = (given.vararg is not None) + (given.kwarg is not None)
    return len(positional) - bound + len(given.kwonlyargs) + starred


def cycles(graph: Graph) -> list[list[str]]:
    """Groups of nodes that reach each other, each sorted (Tarjan's algorithm)."""
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
    """Imports between rooms: room -> the rooms that it imports."""
    graph: dict[str, set[str]] = defaultdict(set)
    for module in modules.values():
        for name in module.imports:
            if modules[name].room != module.room:
                graph[module.room].add(modules[name].room)
    return graph


def single_importers(modules: Mapping[str, Module]) -> dict[str, str]:
    """Modules with exactly one importer, which is in the same package: module -> importer."""
    importers: dict[str, list[str]] = defaultdict(list)
    for module in modules.values():
        for name in module.imports:
            importers[name].append(module.name)
    alone = {name: who[0] for name, who in importers.items() if len(who) == 1 and not modules[name].is_package}
    return {name: who for name, who in sorted(alone.items()) if modules[who].package == modules[name].package}


def repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names that occur in several places, from (name, place) pairs."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in pairs:
        places[name].append(place)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def over_limit(sizes: Mapping[str, int], limit: int, exceptions: Mapping[str, int], unit: str) -> Iterator[str]:
    """One line for each function over its limit, and for each exception that is larger than it need be.

    Args:
        sizes: function -> its lines or arguments.
        limit: for functions without an exception.
        exceptions: function -> its own limit.
        unit: what is counted.
    """
    for name, size in sizes.items():
        if size > (allowed := exceptions.get(name, limit)):
            yield f"{name}: {size} {unit}, more than {allowed}"
    for name, allowed in exceptions.items():
        size = sizes.get(name, 0)
        if size <= limit:
            yield f"{name}: no longer needs its exception ({allowed} {unit}) in scripts/structure.py; remove it"
        elif size < allowed:
            yield f"{name}: lower its exception in scripts/structure.py from {allowed} to {size} {unit}"


def function_rules(
    modules: Mapping[str, Module], long: Mapping[str, int] = LONG_FUNCTIONS, many: Mapping[str, int] = MANY_ARGUMENTS
) -> list[str]:
    """One line for each function that breaks a rule, and for each exception that is out of date.

    Args:
        modules: of the package.
        long: function -> the lines that it may have.
        many: function -> the arguments that it may have.
    """
    functions = [function for module in modules.values() for function in module.functions]
    lines: dict[str, int] = defaultdict(int)
    arguments: dict[str, int] = defaultdict(int)
    for function in functions:  # overloads and setters share a name: the largest one counts
        lines[function.name] = max(lines[function.name], function.lines)
        arguments[function.name] = max(arguments[function.name], function.arguments)
    return [
        *over_limit(lines, MOST_FUNCTION_LINES, long, "lines"),
        *over_limit(arguments, MOST_ARGUMENTS, many, "arguments"),
    ]


def broken_rules(modules: Mapping[str, Module]) -> list[str]:
    """One line for each broken rule about files, names and imports."""
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


def without_tests(modules: Mapping[str, Module], tests: Path) -> list[str]:
    """Modules with functions for which there is no tests/ROOM/test_MODULE.py; packages excepted."""
    missing = []
    for module in modules.values():
        room, name = module.name.split(".")[1:2], module.name.rpartition(".")[2]
        folder = tests if room == [name] else tests.joinpath(*room)
        if module.functions and not module.is_package and not (folder / f"test_{name}.py").is_file():
            missing.append(module.name)
    return missing


def print_figures(modules: Mapping[str, Module]) -> None:
    """Print the figures by which changes of the structure are judged."""
    lines = [module.lines for module in modules.values()]
    graph = {module.name: set(module.imports) for module in modules.values()}
    alone = single_importers(modules)
    small = {name: who for name, who in alone.items() if modules[name].lines < SMALL_LINES}
    shown = [module for module in modules.values() if not module.is_package]
    names = [(module.name.rpartition(".")[2], module.name) for module in shown if not module.is_verb]
    functions = [function for module in modules.values() for function in module.functions]
    long = sum(function.lines > MOST_FUNCTION_LINES for function in functions)
    many = sum(function.arguments > MOST_ARGUMENTS for function in functions)
    print(f"files {len(lines)} ({len(shown)} without __init__), lines {sum(lines)}, "
          f"median {statistics.median(lines):.0f}, longest {max(lines)}")  # fmt: skip
    print(f"cycles between files: {len(cycles(graph))}, between rooms: {len(cycles(room_graph(modules)))}")
    print(f"modules with one importer, in their own package: {len(alone)}, under {SMALL_LINES} lines: {len(small)}")
    for name, who in small.items():
        print(f"  {name} ({modules[name].lines}) <- {who}")
    print(f"functions {len(functions)}, over {MOST_FUNCTION_LINES} lines: {long}, "
          f"with more than {MOST_ARGUMENTS} arguments: {many}")  # fmt: skip
    print(f"module names used more than once, cli/ excepted: {len(repeated(names))}: {', '.join(repeated(names))}")


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, default=OWN_SOURCE, help="folder of the package")
    parser.add_argument("--check", action="store_true", help="print broken rules only; exit code 1 if there are any")
    parser.add_argument("--tests", action="store_true", help="print modules without a test file of their name only")
    options = parser.parse_args()
    modules = read_modules(options.source)
    if options.tests:
        print("\n".join(without_tests(modules, OWN_TESTS)))
        return 0
    own = options.source.resolve() == OWN_SOURCE  # the exceptions are functions of this project
    broken = broken_rules(modules) + (function_rules(modules) if own else function_rules(modules, {}, {}))
    if own:
        broken += [f"{name}: has no test file of its name" for name in without_tests(modules, OWN_TESTS)]
    if not options.check:
        print_figures(modules)
    print("\n".join(broken) if broken else "structure: every rule holds")
    return int(bool(broken) and options.check)


if __name__ == "__main__":
    sys.exit(main())
