from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import earwitness
from earwitness.core import version as versions

SCRIPT = "import sys; sys.path.insert(0, sys.argv[1]); import version; print(version.commit())"


def commit_of(folder: Path) -> str:
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "copied"
    folder.mkdir()
    shutil.copyfile(versions.__file__, folder / "version.py")
    return folder


def test_the_version_is_that_of_the_package() -> None:
    assert earwitness.__version__ == versions.__version__ == version("earwitness")


def test_the_commit_is_unknown_outside_a_repository(copied: Path) -> None:
    assert commit_of(copied) == "unknown"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_the_commit_says_whether_files_were_changed(copied: Path) -> None:
    git(copied, "init")
    assert commit_of(copied) == "unknown"
    (copied / "other").write_text("a")
    git(copied, "add", "other")
    git(copied, "commit", "-m", "of somebody else")
    assert commit_of(copied) == "unknown"  # installed inside another repository
    git(copied, "add", "version.py")
    git(copied, "commit", "-m", "ours")
    clean = commit_of(copied)
    assert re.fullmatch("[0-9a-f]{40}", clean)
    (copied / "other").write_text("b")
    assert commit_of(copied) == f"{clean}+"


def test_importing_the_package_is_light() -> None:
    code = "import sys, earwitness; print({'numpy', 'torch', 'av', 'pydantic'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
