"""The lower bounds that are installed, and the interpreters that are found; the installing is `make test-install`."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def check_install() -> ModuleType:
    pytest.importorskip("packaging")
    spec = importlib.util.spec_from_file_location("check_install", ROOT / "scripts" / "check_install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_every_dependency_has_one_lower_bound_for_every_python(
    check_install: ModuleType, version: tuple[int, int]
) -> None:
    names = [pin.split("==")[0] for pin in check_install.lowest_pins(version)]
    everywhere = {pin.split("==")[0] for other in check_install.SUPPORTED for pin in check_install.lowest_pins(other)}
    assert sorted(names) == sorted(everywhere)
    assert {"av", "numpy", "onnxruntime"} <= set(names)


def test_bounds_follow_the_python(check_install: ModuleType) -> None:
    assert "numpy==1.26" in check_install.lowest_pins((3, 11))
    assert "numpy==1.26" not in check_install.lowest_pins((3, 13))


def test_a_python_that_does_not_run_is_not_taken(
    check_install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = sys.version_info[:2]
    if version not in check_install.SUPPORTED:
        pytest.skip(f"Python {version} is not one that is installed for")
    name = f"python{version[0]}.{version[1]}"
    broken, working = tmp_path / "broken", tmp_path / "working"
    for folder, lines in ((broken, "exit 127"), (working, f'exec "{sys.executable}" "$@"')):
        folder.mkdir()
        (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(broken), str(working), "/usr/bin", "/bin"]))
    found = {interpreter.version: interpreter.path for interpreter in check_install.find_interpreters()}
    assert found[version] == working / name
