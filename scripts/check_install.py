"""Install earwitness as users do, in fresh environments of every Python that is there, and run the demo in each.

    python scripts/check_install.py                       every Python, with the newest and with the lowest dependencies
    python scripts/check_install.py --newest-python --unpinned

"Lowest" means the lower bounds that pyproject.toml states for that Python, wheels only: a bound without one is wrong.
Exits with 1 if any installation or demo fails, after all were tried.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[1]
SUPPORTED: Final = ((3, 11), (3, 12), (3, 13))
INSTALL_SECONDS: Final = 900
DEMO_SECONDS: Final = 300
_INHERITED: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_CONSTRAINT")
"""What would lend this checkout, or its versions, to the new environment."""


class CheckError(Exception):
    """A step that failed, with the end of what it printed."""


@dataclass(frozen=True)
class Interpreter:
    """A Python that runs: its version and its executable."""

    version: tuple[int, int]
    path: Path

    @property
    def name(self) -> str:
        """Such as "3.12"."""
        return f"{self.version[0]}.{self.version[1]}"


def find_interpreters() -> list[Interpreter]:
    """One interpreter for each supported version: those on the path first, then those of pyenv and uv."""
    found: dict[tuple[int, int], Interpreter] = {}
    for version in SUPPORTED:
        for path in _candidates(f"python{version[0]}.{version[1]}"):
            if _runs(path, version):
                found[version] = Interpreter(version, path)
                break
    return list(found.values())


def this_interpreter() -> Interpreter:
    """The Python that runs this script."""
    return Interpreter((sys.version_info.major, sys.version_info.minor), Path(sys.executable))


def _candidates(name: str) -> Iterator[Path]:
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    roots = (
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions",
        Path.home() / ".local/share/uv/python",
    )
    for root in roots:
        folders += sorted(root.glob("*/bin"), reverse=True)
    yield from (folder / name for folder in folders if (folder / name).is_file())


def _runs(path: Path, version: tuple[int, int]) -> bool:
    code = f"import sys, venv; sys.exit(sys.version_info[:2] != {version})"
    try:
        return subprocess.run([path, "-c", code], capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def lowest_pins(version: tuple[int, int]) -> list[str]:
    """`name==bound` for each dependency of the package itself that applies to this Python."""
    with (ROOT / "pyproject.toml").open("rb") as opened:
        listed = tomllib.load(opened)["project"]["dependencies"]
    environment = {
        "python_version": f"{version[0]}.{version[1]}",
        "python_full_version": f"{version[0]}.{version[1]}.0",
    }
    pins = {}
    for requirement in map(Requirement, listed):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (bound,) = (part.version for part in requirement.specifier if part.operator == ">=")
            pins[requirement.name] = f"{requirement.name}=={bound}"
    return list(pins.values())


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    _run(INSTALL_SECONDS, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(interpreter: Interpreter, wheel: Path, pins: list[str], folder: Path) -> str:
    """Install into a fresh environment and run the demo; returns what was installed.

    Raises:
        CheckError: a step failed, or the demo found nothing.
    """
    _run(INSTALL_SECONDS, str(interpreter.path), "-m", "venv", str(folder / "env"))
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "--disable-pip-version-check"]
    _run(INSTALL_SECONDS, *pip, "install", "--quiet", "--only-binary", ":all:", str(wheel), *pins)
    _run(DEMO_SECONDS, str(scripts / "earwitness"), "demo", "--out", str(folder / "demo"), cwd=folder)
    with (folder / "demo" / "sample.csv").open(newline="") as opened:
        rows = len(list(csv.reader(opened))) - 1
    if rows < 1:
        raise CheckError("the demo ran, but found no event in the sample")
    listed = _run(60, *pip, "freeze").split()
    return " ".join(entry for entry in listed if entry.split("==")[0] in {"av", "numpy", "onnxruntime", "scipy"})


def _run(seconds: float, *command: str, cwd: Path = ROOT) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _INHERITED}
    try:
        done = subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise CheckError(f"{Path(command[0]).name} {command[1]}: not done after {seconds:.0f} s") from None
    if done.returncode:
        raise CheckError(
            f"{' '.join(command[:4])} ...: exit code {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return done.stdout


def main() -> int:
    """Try every combination that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--newest-python", action="store_true", help="the newest supported Python only, not each")
    which.add_argument("--this-python", action="store_true", help="the Python that runs this script only")
    parser.add_argument("--unpinned", action="store_true", help="newest dependencies only, not the lowest bounds too")
    asked = parser.parse_args()
    interpreters = [this_interpreter()] if asked.this_python else find_interpreters()
    if not interpreters:
        print("no Python from 3.11 to 3.13 runs here", file=sys.stderr)
        return 1
    failed = 0
    with tempfile.TemporaryDirectory(prefix="earwitness-install-") as folder:
        wheel = build_wheel(Path(folder))
        for interpreter in interpreters[-1:] if asked.newest_python else interpreters:
            for kind in ("newest",) if asked.unpinned else ("newest", "lowest"):
                place = Path(folder) / f"{interpreter.name}-{kind}"
                place.mkdir()
                try:
                    pins = lowest_pins(interpreter.version) if kind == "lowest" else []
                    outcome = f"ok ({check(interpreter, wheel, pins, place)})"
                except CheckError as error:
                    failed += 1
                    outcome = f"FAILED\n{error}"
                print(f"Python {interpreter.name}, {kind} dependencies: {outcome}", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
