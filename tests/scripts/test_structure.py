from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "structure.py"


@pytest.fixture(scope="module")
def structure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structure", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["structure"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def package(folder: Path, files: dict[str, str]) -> Path:
    root = folder / "pkg"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for parent in path.relative_to(root).parents:
            (root / parent / "__init__.py").touch()
    return root


def test_a_tidy_package_breaks_no_rule(structure: Any, tmp_path: Path) -> None:
    root = package(tmp_path, {"low/a.py": "class A: ...\n", "high/b.py": "from pkg.low.a import A\n"})
    modules = structure.read_modules(root)
    assert structure.broken_rules(modules) == []
    assert modules["pkg.high.b"].imports == {"pkg.low.a"}
    assert structure.room_graph(modules) == {"pkg.high": {"pkg.low"}}


def test_modules_without_a_test_file_of_their_name(structure: Any, tmp_path: Path) -> None:
    files = {"r/a.py": "def f(): ...", "r/s/b.py": "def g(): ...", "r/s/c.py": "def h(): ...", "r/d.py": "X = 1"}
    modules = structure.read_modules(package(tmp_path, files))
    tests = tmp_path / "tests"
    (tests / "r").mkdir(parents=True)
    (tests / "r" / "test_b.py").touch()
    assert structure.without_tests(modules, tests) == ["pkg.r.a", "pkg.r.s.c"]


@pytest.mark.parametrize(
    ("files", "broken"),
    [
        ({"r/a.py": "from pkg.r import b", "r/b.py": "def f():\n    from pkg.r.a import x"},
         "cycle between files: pkg.r.a, pkg.r.b"),
        ({"r/a.py": "import pkg.s.b", "s/b.py": "", "s/c.py": "from pkg.r.d import x", "r/d.py": ""},
         "cycle between rooms: pkg.r, pkg.s"),
        ({"r/a.py": "", "s/a.py": ""}, "module name used twice: pkg.r.a, pkg.s.a"),
        ({"r/a.py": "class C: ...", "s/b.py": "class C: ..."}, "public class C defined twice: pkg.r.a, pkg.s.b"),
        ({"r/a.py": "x = 1\n" * 351}, "pkg.r.a: 351 lines, more than 350"),
        ({f"r/m{number}.py": "" for number in range(13)}, "pkg.r: 13 modules on one level, more than 12"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_named(structure: Any, tmp_path: Path, files: dict[str, str], broken: str) -> None:
    root = package(tmp_path, files)
    assert structure.broken_rules(structure.read_modules(root)) == [broken]
    command = [sys.executable, str(SCRIPT), "--source", str(root), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout.strip()) == (1, broken)


def test_files_of_the_command_line_may_share_names(structure: Any, tmp_path: Path) -> None:
    root = package(tmp_path, {"cli/a.py": "", "r/a.py": ""} | {f"cli/m{number}.py": "" for number in range(20)})
    assert structure.broken_rules(structure.read_modules(root)) == []


def test_modules_with_one_importer_are_found(structure: Any, tmp_path: Path) -> None:
    root = package(tmp_path, {"r/a.py": "import pkg.r.b", "r/b.py": "", "s/c.py": "", "r/d.py": "import pkg.s.c"})
    assert structure.single_importers(structure.read_modules(root)) == {"pkg.r.b": "pkg.r.a"}


LONG = "def f():\n" + "    x = 1\n" * 60
WIDE = "class C:\n    def m(self, a, b, c, *, d, e, f, g, **h): ...\n"


def test_long_functions_and_long_argument_lists_are_named(structure: Any, tmp_path: Path) -> None:
    modules = structure.read_modules(package(tmp_path, {"r/a.py": LONG, "r/b.py": WIDE}))
    assert structure.function_rules(modules, {}, {}) == [
        "pkg.r.a.f: 61 lines, more than 60",
        "pkg.r.b.C.m: 8 arguments, more than 7",
    ]


def test_nested_functions_count_and_the_limits_are_allowed(structure: Any, tmp_path: Path) -> None:
    nested = "def g():\n    if True:\n        def h(a, b, c, d, e, f, g, h): ...\n"
    at_limit = "def f(a, b, c, d, e, f, g):\n" + "    x = 1\n" * 59
    modules = structure.read_modules(package(tmp_path, {"r/a.py": nested, "r/b.py": at_limit}))
    assert structure.function_rules(modules, {}, {}) == ["pkg.r.a.g.h: 8 arguments, more than 7"]


def test_signatures_of_commands_do_not_count_but_their_bodies_do(structure: Any, tmp_path: Path) -> None:
    signature = "def run(\n" + "".join(f"    a{number}: int = 0,\n" for number in range(70)) + ") -> None:\n"
    files = {"cli/a.py": signature + "    x = 1\n", "cli/b.py": signature + "    x = 1\n" * 61,
             "cli/c.py": signature.replace("run", "_run") + "    x = 1\n"}  # fmt: skip
    assert structure.function_rules(structure.read_modules(package(tmp_path, files)), {}, {}) == [
        "pkg.cli.b.run: 61 lines, more than 60",
        "pkg.cli.c._run: 73 lines, more than 60",
        "pkg.cli.c._run: 70 arguments, more than 7",
    ]


@pytest.mark.parametrize(
    ("exception", "problem"),
    [
        ({"pkg.r.a.f": 61}, None),
        ({"pkg.r.a.f": 60}, "pkg.r.a.f: 61 lines, more than 60"),
        ({"pkg.r.a.f": 62}, "pkg.r.a.f: lower its exception in scripts/structure.py from 62 to 61 lines"),
        ({"pkg.r.a.f": 61, "pkg.r.a.gone": 70},
         "pkg.r.a.gone: no longer needs its exception (70 lines) in scripts/structure.py; remove it"),
    ],
)  # fmt: skip
def test_exceptions_may_only_shrink(
    structure: Any, tmp_path: Path, exception: dict[str, int], problem: str | None
) -> None:
    modules = structure.read_modules(package(tmp_path, {"r/a.py": LONG}))
    assert structure.function_rules(modules, exception, {}) == ([] if problem is None else [problem])


def test_the_command_checks_functions_too(structure: Any, tmp_path: Path) -> None:
    root = package(tmp_path, {"r/a.py": LONG})
    command = [sys.executable, str(SCRIPT), "--source", str(root), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stdout.strip()) == (1, "pkg.r.a.f: 61 lines, more than 60")
