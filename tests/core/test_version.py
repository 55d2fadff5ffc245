from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.core import version
from earwitness.core.version import __version__, commit


def test_the_version_is_that_of_the_package() -> None:
    assert re.fullmatch(r"\d+(\.\d+)+\S*|0\+unknown", __version__)


def test_the_commit_is_known_in_a_checkout_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}\+?|unknown", commit())
    monkeypatch.setattr(version, "__file__", str(tmp_path / "version.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit.__wrapped__() == "unknown", "outside a repository"
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert commit.__wrapped__() == "unknown", "in a repository that does not contain the package"


def test_importing_the_package_is_light() -> None:
    code = "import sys, earwitness; print({'numpy', 'torch', 'av', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
