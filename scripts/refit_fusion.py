"""Fit the fusion of sound and picture to a model, and measure it: all steps in one call.

    python scripts/refit_fusion.py --bank BANK --people people --model MODEL --work DIR --out fusion.json

BANK is a sound bank with a validation split, `people` what scripts/photo_people.py writes. In DIR the steps keep what
they made: sets with pictures, what the model hears and what the detector sees in them; called again, they go on where
they stopped. Afterwards DIR/figures holds the figures of docs/vision-measurements.md as text and JSON: `test` (one
clip in five stands still), `still` (nothing moves in any clip), each with the settings of the fusion before and after,
and `limits` (what keeps the fusion from being right more often).

`--scale 0.1` renders a tenth of the clips, for a trial. Most of the time goes into pictures: `--workers 2` renders and
analyses in two processes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from render_visual import open_bank

from earwitness.core.vocabulary import CLASSES

HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class VisualSet:
    """A set to render: its name, part of the bank, number of clips, seed, and further options of render_visual.py."""

    name: str
    part: str
    clips: int
    seed: int
    options: tuple[str, ...] = ()


FITTED: Final = (
    VisualSet("calibration", "calibration", 500, 51, ("--still", "0.2")),
    VisualSet("more", "calibration", 1200, 951, ("--still", "0.2", "--dull", "0.25")),
)
LENT: Final = VisualSet("lent", "calibration", 800, 2051, ("--still", "0.2"))
"""Further clips for classes that the calibration part of the bank lacks."""
MEASURED: Final = (
    VisualSet("test", "test", 1000, 6077, ("--still", "0.2")),
    VisualSet("still", "test", 400, 7077, ("--still", "1")),
)


def lacking(bank: Path) -> list[str]:
    """Slugs of the classes of which the calibration part of a bank has no sound."""
    kinds = {sound.kind for sound in open_bank(bank, "calibration", frozenset()).sounds}
    return [sound_class.slug for sound_class in CLASSES if sound_class.slug not in kinds]


def sets_to_fit(bank: Path) -> list[VisualSet]:
    """The sets that the fit needs."""
    missing = lacking(bank)
    lent = VisualSet(LENT.name, LENT.part, LENT.clips, LENT.seed, (*LENT.options, "--lend", ",".join(missing)))
    return [*FITTED, *([lent] if missing else [])]


def in_shares(script: str, arguments: list[str], workers: int) -> None:
    """Run a script that takes `--share` in several processes.

    Raises:
        SystemExit: one of them fails.
    """
    command = [sys.executable, str(HERE / script), *arguments]
    running = [subprocess.Popen([*command, "--share", f"{number}/{workers}"]) for number in range(workers)]
    failed = [process.wait() for process in running]
    if any(failed):
        raise SystemExit(f"{script} {' '.join(arguments)}: failed; see above")


def written(script: str, arguments: list[str], text: Path) -> None:
    """Run a script and write what it prints.

    Raises:
        SystemExit: it fails.
    """
    done = subprocess.run(
        [sys.executable, str(HERE / script), *arguments], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{script} {' '.join(arguments)}: failed; see above")
    text.write_text(done.stdout, encoding="utf-8")
    print(done.stdout)


def main() -> None:
    """Render, listen, watch, fit, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--people", type=Path, required=True, help="holds the folders calibration and test")
    parser.add_argument("--model", default="default")
    parser.add_argument("--preset", default="starss", help="scene preset; none: the sampler's own scenes")
    parser.add_argument("--work", type=Path, required=True, help="folder for sets and figures")
    parser.add_argument("--out", type=Path, required=True, help="the settings of the fusion")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the clips")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    fitted = sets_to_fit(given.bank)
    preset = [] if given.preset == "none" else ["--preset", given.preset]
    for one in (*fitted, *MEASURED):
        clips = max(2 * given.workers, round(one.clips * given.scale))
        folder = given.work / one.name
        sources = ["--bank", str(given.bank), "--people", str(given.people / one.part), "--part", one.part]
        drawn = ["--clips", str(clips), "--seed", str(one.seed), *one.options, *preset]
        in_shares("render_visual.py", [*sources, *drawn, "--out", str(folder)], given.workers)
        in_shares("measure_fusion.py", [str(folder), "--model", given.model], given.workers)
    figures = given.work / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    sets = [str(given.work / one.name) for one in fitted]
    written("fit_fusion.py", [*sets, "--model", given.model, "--out", str(given.out)], figures / "fit.txt")
    for one in MEASURED:
        for title, settings in (("before", []), ("after", ["--settings", str(given.out)])):
            name = figures / f"{one.name}-{title}"
            measured = [str(given.work / one.name), "--model", given.model, *settings, "--json", f"{name}.json"]
            written("measure_fusion.py", measured, name.with_suffix(".txt"))
    written("explain_fusion.py", [*sets, "--model", given.model], figures / "limits.txt")


if __name__ == "__main__":
    main()
