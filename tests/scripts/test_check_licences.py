from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check_licences", ROOT / "scripts" / "check_licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", True),
        ("Apache-2.0 OR BSD-2-Clause", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        ("LGPL-2.1-or-later", True),
        ("BSD License; GNU General Public License v3 (GPLv3)", False),
        ("GPL-3.0-only", False),
        ("AGPL-3.0", False),
        ("MIT AND GPL-2.0-only", False),
        ("Proprietary", False),
        ("CC-BY-NC-4.0", False),
        ("", False),
    ],
)
def test_what_is_allowed(script: ModuleType, expression: str, allowed: bool) -> None:
    assert script.allowed(expression) is allowed


def test_all_that_is_installed_is_allowed(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main() == 0, capsys.readouterr().out


def test_each_core_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = {re.split(r"[><=~!\[ ]", line)[0].lower() for line in project["dependencies"]}
    rows = [
        line.split("|") for line in (ROOT / "docs" / "dependencies.md").read_text().splitlines() if line[:2] == "| "
    ]
    reasons = {row[1].strip(): row[2].strip() for row in rows[1:]}
    assert reasons.keys() == core
    assert all(len(reason) > 10 for reason in reasons.values())
