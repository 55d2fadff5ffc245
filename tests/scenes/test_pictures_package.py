from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src" / "earwitness"
PACKAGE = "earwitness.scenes.pictures"


def test_other_packages_import_only_from_the_package_itself() -> None:
    inside = ROOT / "scenes" / "pictures"
    found = []
    for path in ROOT.rglob("*.py"):
        if inside in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [f"{path.relative_to(ROOT)}: {name}" for name in names if name.startswith(f"{PACKAGE}.")]
    assert not found
