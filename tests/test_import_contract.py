"""The import contract lists every room of the package, and an import that points upwards breaks it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "earwitness"
CONTRACT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
FLOORS = [re.findall(r"earwitness\.(\w+)", floor) for floor in CONTRACT["layers"]]


def test_every_room_has_its_floor() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    assert sorted(room for floor in FLOORS for room in floor) == sorted(rooms)
    assert {path.name for path in SOURCE.glob("*.py")} == {"__init__.py"}


@pytest.fixture(scope="module")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package with the same rooms and the same contract, each room empty."""
    folder = tmp_path_factory.mktemp("rooms")
    (folder / "earwitness").mkdir()
    (folder / "earwitness" / "__init__.py").touch()
    for name in (room for floor in FLOORS for room in floor):
        (folder / "earwitness" / name).mkdir()
        (folder / "earwitness" / name / "__init__.py").touch()
    layers = ", ".join(f'"{floor}"' for floor in CONTRACT["layers"])
    (folder / "contract.toml").write_text(
        '[tool.importlinter]\nroot_package = "earwitness"\n'
        f'[[tool.importlinter.contracts]]\nname = "floors"\ntype = "layers"\nlayers = [{layers}]\n'
    )
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports_command as main; "
        "main(['--config', 'contract.toml', '--no-cache'])"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(("lower", "upper"), [("core", "cli"), ("results", "fusion"), ("export", "render")])
def test_an_import_that_points_upwards_breaks_the_contract(rooms: Path, tmp_path: Path, lower: str, upper: str) -> None:
    pytest.importorskip("importlinter", reason="the contract is checked by import-linter (extra 'dev')")
    folder = tmp_path / "rooms"
    shutil.copytree(rooms, folder)
    (folder / "earwitness" / upper / "__init__.py").write_text(f"import earwitness.{lower}\n")
    downwards = lint(folder)
    assert downwards.returncode == 0, downwards.stdout + downwards.stderr
    (folder / "earwitness" / upper / "__init__.py").write_text("")
    (folder / "earwitness" / lower / "__init__.py").write_text(f"import earwitness.{upper}\n")
    broken = lint(folder)
    assert broken.returncode != 0
    assert f"earwitness.{lower} is not allowed to import earwitness.{upper}" in broken.stdout
