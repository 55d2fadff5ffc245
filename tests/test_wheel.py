"""Wheel and source archive, built and installed where nothing of this checkout is on the path."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel, and the source archive it was built from."""
    pytest.importorskip("hatchling", reason="building needs hatchling (extra 'dev')")
    if not (ROOT / "pyproject.toml").is_file():
        pytest.skip("no source tree to build from")
    folder = tmp_path_factory.mktemp("built")

    def build(source: Path, target: str) -> None:
        command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
        subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)

    build(ROOT, "sdist")
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    build(source, "wheel")
    (wheel,) = folder.glob("*.whl")
    return wheel, archive


def test_the_wheel_holds_what_is_needed_and_no_more(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[0]).namelist()
    assert "earwitness/assets/models/default.onnx" in names
    assert "earwitness/assets/models/default.json" in names
    assert "earwitness/assets/models/default.safetensors" in names
    assert "earwitness/assets/sample/sample.mp4" in names
    assert {path.name for path in (ROOT / "recipes").iterdir()} == {
        Path(name).name for name in names if name.startswith("earwitness/assets/recipes/")
    }
    assert any(name.endswith("licenses/NOTICE") for name in names)
    assert all(name.startswith(("earwitness/", "earwitness-")) for name in names)
    assert built[0].stat().st_size < 40 * 2**20


def test_the_wheel_works_where_it_is_installed(built: tuple[Path, Path], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name
    site = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, str(built[0])], check=True, capture_output=True)
    # Its dependencies are lent from here; of path files in that folder, such as this checkout's, nothing is read.
    (Path(site) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert str(tmp_path) in run(str(python), "-c", "import earwitness; print(earwitness.__file__)")
    earwitness = str(scripts / "earwitness")
    assert "detect" in run(earwitness, "--help")
    assert run(earwitness, "recipes", "show", "seld") == (ROOT / "recipes" / "seld.yaml").read_text(encoding="utf-8")
    sample = Path(site) / "earwitness" / "assets" / "sample" / "sample.mp4"
    run(earwitness, "detect", str(sample), "--out", "out", "--quiet")
    document = json.loads((tmp_path / "out" / "sample.json").read_text())
    assert document["events"]
    assert document["tool"]["commit"] == "unknown"
