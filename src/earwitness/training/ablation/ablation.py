"""Runs an ablation and tabulates its finished runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from earwitness.core.errors import RecipeError
from earwitness.core.files.atomic import atomic_file
from earwitness.training.ablation.ablation_plan import AblationPlan
from earwitness.training.ablation.ablation_report import collect, markdown, plot
from earwitness.training.ablation.ablation_runs import finished, train
from earwitness.training.ablation.ablation_tables import Row, as_json

RUNS: Final = "runs"
JSON_NAME: Final = "ablation.json"
MARKDOWN_NAME: Final = "ablation.md"
PLOT_NAME: Final = "ablation.png"


def ablate(
    plan: AblationPlan, out: Path, only: Collection[str] = (), say: Callable[[str], None] = print, workers: int = 1
) -> None:
    """Train every unfinished run: all variants with the first seed, then with the next.

    Args:
        plan: the runs.
        out: folder of the ablation.
        only: names of variants; empty runs all.
        say: called with progress messages.
        workers: processes that compute features.

    Raises:
        RecipeError: `only` holds an unknown variant.
        EarwitnessError: as training.
    """
    unknown = sorted(set(only) - set(plan.recipe.variants))
    if unknown:
        raise RecipeError(f"there is no variant '{unknown[0]}'; there are {', '.join(plan.recipe.variants)}")
    wanted = [run for run in plan.in_order() if run.test is not None and (not only or run.row in only)]
    for number, run in enumerate(wanted, start=1):
        head = f"{number}/{len(wanted)} {run.row}, seed {run.seed}"
        if finished(run, out / RUNS):
            say(f"{head}: finished already")
            continue
        say(f"{head}: training in {out / RUNS / run.folder}")
        done = train(run, out / RUNS, workers)
        for part in ("valid", "test"):
            done.outputs(part)
        say(f"{head}: final F20/1 {done.facts['last_valid_f_score']:.3f} on the validation clips")


def tabulate(plan: AblationPlan, out: Path) -> list[Row]:
    """Score the finished runs and write the results as JSON, Markdown and a plot.

    Raises:
        RecipeError: the reference has no finished run yet.
    """
    done = [one for run in plan.runs if (one := finished(run, out / RUNS)) is not None]
    rows = collect(plan, done)
    reference = next((row for row in rows if row.name == plan.recipe.reference), None)
    if reference is None:
        raise RecipeError(f"no run of the reference '{plan.recipe.reference}' is finished yet: run `earwitness ablate`")
    with atomic_file(out / JSON_NAME) as temporary:
        temporary.write_text(json.dumps(as_json(rows, reference), indent=1) + "\n", encoding="utf-8")
    with atomic_file(out / MARKDOWN_NAME) as temporary:
        temporary.write_text(markdown(plan, rows, reference), encoding="utf-8")
    plot(rows, reference, out / PLOT_NAME)
    return rows
