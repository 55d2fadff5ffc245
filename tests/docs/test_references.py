"""Files and Python names that the docs and docstrings mention exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "earwitness"
ROOMS = [path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "examples").glob("*.ipynb")]
FOREIGN = "## Codebases worth learning from"
"""A section about files of other projects."""
NOT_OURS = {"features.py", "params.py", "setup.py", "NAME.py", "conftest.py"}


def pages() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        if page.name not in ("CHANGELOG.md", "credits.md"):
            yield page, page.read_text(encoding="utf-8").partition(FOREIGN)[0]


@cache
def file_names() -> set[str]:
    folders = ("src", "tests", "scripts", "bench")
    return {path.name for folder in folders for path in (ROOT / folder).rglob("*.py")}


def exists(path: str) -> bool:
    """Whether a path exists in the repository or the package, or, without a folder, anywhere in it."""
    return (ROOT / path).exists() or (SOURCE / path).exists() or path in file_names() | NOT_OURS


def resolves(name: str) -> bool:
    """Whether a dotted name is a module of the package, or is defined in one."""
    parts = name.removeprefix("earwitness.").split(".")
    place = SOURCE
    while parts and (place / parts[0]).is_dir():
        place /= parts.pop(0)
    if parts and (place / f"{parts[0]}.py").is_file():
        place /= f"{parts.pop(0)}.py"
    if not parts:
        return True
    text = (place / "__init__.py" if place.is_dir() else place).read_text(encoding="utf-8")
    return re.search(rf"\b{re.escape(parts[0])}\b", text) is not None


def test_files_that_the_docs_mention_exist() -> None:
    missing = [
        (page.name, path)
        for page, text in pages()
        for path in re.findall(r"(?<![\w./-])((?:[\w-]+/)*[\w-]+\.py)\b", text)
        if not path.endswith("/NAME.py") and not exists(path)
    ]
    assert missing == []


def test_python_names_that_the_docs_mention_exist() -> None:
    rooms = "|".join(ROOMS)
    missing = [
        (page.name, name)
        for page, text in pages()
        for name in re.findall(rf"(?<![\w./-])(?<!--set )((?:earwitness\.)?(?:{rooms})(?:\.[A-Za-z_]\w*)+)", text)
        if (name.startswith("earwitness.") or name.count(".") > 1) and not resolves(name)
    ]
    assert missing == []


def test_python_names_that_the_docstrings_mention_exist() -> None:
    missing = [
        (path.relative_to(SOURCE).as_posix(), name)
        for path in SOURCE.rglob("*.py")
        for name in re.findall(r"`(earwitness(?:\.[A-Za-z_]\w*)+)`", path.read_text(encoding="utf-8"))
        if not resolves(name)
    ]
    assert missing == []


def test_missing_files_and_names_are_noticed() -> None:
    assert resolves("metrics.counts.COLUMNS")
    assert resolves("earwitness.core.errors.EarwitnessError")
    assert not resolves("metrics.counts.NO_COLUMNS")
    assert not resolves("earwitness.training.folders.open_sources")
    assert exists("core/files/atomic.py")
    assert not exists("core/files/atoms.py")
