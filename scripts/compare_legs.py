"""Compares short runs that differ in one lever: `python scripts/compare_legs.py RUN_A RUN_B... --bank BANK`.

Each run's last averaged weights get calibration, smoothing and thresholds as by `export-model`, from scenes of the
valid split of the bank in the validation rooms of RUN_A's recipe, and are scored on other scenes of that kind, which
are the same for all runs. Prints the scores of each run, and the paired differences to RUN_A (95 %, jackknife over
scenes). A difference of two runs contains the chance of their training, which these intervals do not include: repeat
with other seeds what seems to help.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError, RecipeError
from earwitness.data.dcase.labels import LabelRows
from earwitness.metrics import Counts, Protocol, count, jackknife
from earwitness.metrics.counts import COLUMNS, CONDITIONS
from earwitness.metrics.curves import curve_intervals, curve_sums
from earwitness.models.checkpoint import load_model
from earwitness.models.network import Network
from earwitness.models.symmetric import MirroredNetwork
from earwitness.training.data.clip_stream import VALID_STREAM, SceneStream
from earwitness.training.data.training_sources import OpenSynthesizer
from earwitness.training.export.calibrate import calibrate, tune
from earwitness.training.export.model_export import run_recipe
from earwitness.training.loop.trainer import LAST_NAME
from earwitness.training.loop.validate import ValidSet, decode_outputs
from earwitness.training.recipe import Recipe

RULES: Final = Protocol.STRICT
FIGURES: Final = {"f_score": "F20/1", "doa_error_deg": "DOAE (deg)", "relative_distance_error": "RDE"}
SECOND: Final = "second sources of a class found"


@dataclass(frozen=True)
class Scored:
    """What a run reaches: additive counts, and sums (scenes, 26) of `curve_sums`."""

    counts: Counts
    sums: NDArray[np.float64]


def rendered(recipe: Recipe, bank: str, scenes: int, seed: int) -> ValidSet:
    """Validation scenes of a recipe, from another seed than its own.

    Raises:
        RecipeError: the seed is that of the recipe's validation, or its clips are those of folders.
    """
    if recipe.data.folders:
        raise RecipeError("compare_legs: the first run was trained on folders, but scenes of a bank are needed")
    if seed in (recipe.data.valid_seed, recipe.data.seed):
        raise RecipeError(f"compare_legs: seed {seed} is one of the run's own; choose another")
    source = OpenSynthesizer(recipe.data.model_copy(update={"bank": bank}), "valid")
    stream = SceneStream(source, recipe.features, seed=seed, swap="none", stream=VALID_STREAM)
    return ValidSet.render(stream, scenes)


def network(run: Path, first: Recipe, mirror: bool) -> Network:
    """The last averaged network of a run.

    Raises:
        RecipeError: the run has other features or other classes than the first run.
    """
    recipe = run_recipe(run)
    if recipe.features != first.features or recipe.vocabulary != first.vocabulary:
        raise RecipeError(f"{run}: has other features or classes than the first run: compare runs with the same")
    net = load_model(run / LAST_NAME)
    return MirroredNetwork(net, recipe.features) if mirror else net


def scored(net: Network, tuning: ValidSet, test: ValidSet) -> Scored:
    """Tune on some scenes, score on others."""
    outputs = tuning.outputs(net)
    calibration = calibrate(outputs, tuning.references)
    smoothing, thresholds = tune(calibration.apply(outputs), tuning.references)
    events = decode_outputs(
        calibration.apply(test.outputs(net)), np.array(thresholds), smoothing, vocabulary=test.references[0].vocabulary
    )
    truth, found = ([LabelRows.from_table(table) for table in side] for side in (test.references, events))
    names = [f"scene{number}" for number in range(len(truth))]
    return Scored(count(names, truth, found, RULES), curve_sums(truth, found))


def figures(run: Scored, minus: Scored | None = None) -> dict[str, list[float]]:
    """Each figure with the ends of its 95 % interval; with `minus` the paired differences to that run."""
    other = None if minus is None else minus.counts
    found = {}
    intervals = jackknife(run.counts, RULES, minus=other)
    for name, title in FIGURES.items():
        found[title] = intervals.of("macro", name)
    for position, label in enumerate(CONDITIONS["overlap"]):
        own = run.counts.only("overlap", position)
        if not own.by("class")[:, [COLUMNS.index("pairs"), COLUMNS.index("missed")]].sum():
            continue  # no scene has so many events at once
        part = None if other is None else other.only("overlap", position)
        found[f"F20/1, {label}"] = jackknife(own, RULES, minus=part).of("micro", "f_score")
    values = {title: [one.estimate, one.low, one.high] for title, one in found.items()}
    curves = curve_intervals(run.sums, None if minus is None else minus.sums)
    return values | {SECOND: curves["second_sources_found"]}


def compared(runs: Mapping[str, Scored]) -> dict[str, Any]:
    """Scores of each run, and the differences of all but the first to the first."""
    first = next(iter(runs.values()))
    return {
        name: {"scores": figures(run)} | ({} if run is first else {"differences": figures(run, first)})
        for name, run in runs.items()
    }


def table(result: Mapping[str, Any]) -> list[str]:
    """The result as lines of Markdown."""
    first, *others = result
    heads = [first, *(head for name in others for head in (name, f"{name} - {first} (95 %)"))]
    lines = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for title, (value, *_) in result[first]["scores"].items():
        cells = [f"{value:.3f}"]
        for name in others:
            gain, low, high = result[name]["differences"][title]
            cells += [f"{result[name]['scores'][title][0]:.3f}", f"{gain:+.3f} ({low:+.3f} .. {high:+.3f})"]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def run_names(runs: Sequence[Path]) -> list[str]:
    """The names of the folders, or their paths where names repeat."""
    names = [run.resolve().name for run in runs]
    return names if len(set(names)) == len(names) else [str(run) for run in runs]


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN", help="folders of finished runs; the first is the control"
    )
    parser.add_argument("--bank", required=True)
    parser.add_argument("--scenes", type=int, default=800, help="scenes that are scored")
    parser.add_argument("--tune", type=int, default=300, help="scenes that thresholds and calibration are tuned on")
    parser.add_argument(
        "--seed", type=int, default=5150, help="of the scored scenes; the next one is that of the others"
    )
    parser.add_argument(
        "--mirror", action="store_true", help="average with the mirror image, as `export-model --mirror`"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    asked = parser.parse_args()
    if min(asked.scenes, asked.tune) < 2 or len(set(asked.runs)) < 2:
        parser.error("give two different runs or more, and two scenes or more")
    try:
        recipe = run_recipe(asked.runs[0])
        nets = [network(run, recipe, asked.mirror) for run in asked.runs]
        test = rendered(recipe, asked.bank, asked.scenes, asked.seed)
        tuning = rendered(recipe, asked.bank, asked.tune, asked.seed + 1)
    except EarwitnessError as error:
        raise SystemExit(str(error)) from None
    result = compared({
        name: scored(net, tuning, test) for name, net in zip(run_names(asked.runs), nets, strict=True)
    })  # fmt: skip
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(table(result)))


if __name__ == "__main__":
    main()
