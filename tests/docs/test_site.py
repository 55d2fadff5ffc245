from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]


def build_command() -> list[str]:
    """The command of `make docs`."""
    (arguments,) = re.findall(r"\$\(BIN\)/mkdocs (build [^#\n]*)", (ROOT / "Makefile").read_text())
    return [sys.executable, "-m", "mkdocs", *arguments.split()]


@pytest.mark.parametrize(
    ("page", "problem"),
    [("[x](nowhere.md)", "nowhere.md"), ("[x](index.md#nowhere)", "#nowhere"), ("not in the navigation", "other.md")],
)
def test_make_docs_fails_on_broken_links_and_on_pages_outside_the_navigation(
    tmp_path: Path, page: str, problem: str
) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra 'docs'")
    rules = (ROOT / "mkdocs.yml").read_text().partition("validation:\n")[2].partition("nav:")[0]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Start")
    (tmp_path / "docs" / "other.md").write_text(page)
    nav = "nav: [index.md]" if problem == "other.md" else "nav: [index.md, other.md]"
    (tmp_path / "mkdocs.yml").write_text(f"site_name: x\nplugins: []\nvalidation:\n{rules}{nav}\n")
    done = subprocess.run(
        build_command(), cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
    )  # fmt: skip
    assert done.returncode == 1
    assert problem in done.stdout + done.stderr


def test_the_site_builds_strictly_and_needs_no_network(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="needs the extra 'docs'")
    pytest.importorskip("mkdocstrings", reason="needs the extra 'docs'")
    done = subprocess.run(
        [*build_command(), "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "site").glob("*.html")}
    assert {"index.html", "tour.html", "how-it-works.html", "train.html", "own-sounds.html", "api.html", "formats.html",
            "faq.html", "tasks.html"} <= set(pages)  # fmt: skip
    for name, text in pages.items():
        loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=[\"']?(https?:[^\"' >]+)", text)
        loaded += re.findall(r"<link[^>]+rel=[\"']?(?:stylesheet|preconnect)[^>]+href=[\"']?(https?:[^\"' >]+)", text)
        assert not loaded, (name, loaded)
    assert "detect_array" in pages["api.html"], "the API comes from the docstrings"


def test_the_diagrams_are_as_the_script_draws_them(tmp_path: Path) -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("draw_diagrams", ROOT / "scripts" / "draw_diagrams.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    script.OUT = tmp_path
    script.main()
    for drawn in tmp_path.glob("*.svg"):
        assert drawn.read_text() == (ROOT / "docs" / "images" / drawn.name).read_text()
        picture = ElementTree.parse(drawn).getroot()
        width, height = (float(value) for value in picture.attrib["viewBox"].split()[2:])
        for box in picture.findall("{http://www.w3.org/2000/svg}rect"):
            x, y, wide, high = (float(box.get(name, "0")) for name in ("x", "y", "width", "height"))
            assert 0 <= x <= x + wide <= width, drawn.name
            assert 0 <= y <= y + high <= height, drawn.name
