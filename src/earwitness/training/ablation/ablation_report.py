"""The report of an ablation: rows of all finished runs, as JSON, Markdown tables and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from earwitness.core.errors import RecipeError
from earwitness.core.events import EventTable
from earwitness.core.files.atomic import atomic_file
from earwitness.data.dcase.layout import scan
from earwitness.fusion.visual_analysis import open_visual_analysis
from earwitness.metrics.intervals import Interval
from earwitness.render.score_plots import BLUE, DPI, FAINT, INK, ORANGE
from earwitness.training.ablation.ablation_plan import AblationPlan
from earwitness.training.ablation.ablation_runs import RUNS, FinishedRun, finished
from earwitness.training.ablation.ablation_tables import After, Kind, Row, SetOutputs, as_json, score_run
from earwitness.training.export.ensemble_export import combine_clips, tune_weights

WIDEST_GAIN: Final = 40.0
"""Percentage points at the ends of the colour scale."""
JSON_NAME: Final = "ablation.json"
MARKDOWN_NAME: Final = "ablation.md"
PLOT_NAME: Final = "ablation.png"


def plot(rows: Sequence[Row], reference: Row, path: Path) -> None:
    """Plot F20/1 of each row with its interval and, beside it, the gain of each class over the reference."""
    height = 1.7 + 0.42 * len(rows)
    figure = Figure(figsize=(12.5, height), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.0, 1.25), sharey=True)
    _bars(left, rows, reference)
    _gains(right, rows, reference)
    FigureCanvasAgg(figure)
    with atomic_file(path) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png")


def _bars(axes: Axes, rows: Sequence[Row], reference: Row) -> None:
    place = np.arange(len(rows))[::-1]
    for y, row in zip(place, rows, strict=True):
        interval = row.intervals.of("macro", "f_score")
        colour = INK if row is reference else ORANGE if row.kind == "ensemble" else BLUE
        axes.plot([100 * interval.low, 100 * interval.high], [y, y], color=colour, linewidth=2, solid_capstyle="butt")
        axes.plot(100 * interval.estimate, y, "o", color=colour, markersize=7)
        if len(row.counts) > 1:
            each = [100 * scores.macro.f_score for scores in row.each]
            axes.plot(each, np.full(len(each), y), "|", color=colour, markersize=11, markeredgewidth=1.4)
    base = 100 * reference.scores.macro.f_score
    axes.axvline(base, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    axes.set_yticks(place, [row.name for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    lowest = min(100 * row.intervals.of("macro", "f_score").low for row in rows)
    axes.set_xlim(left=max(0.0, 5 * np.floor(lowest / 5) - 5))
    axes.set_xlabel("macro F20/1, %  (line: 95 % over clips; ticks: each seed)")
    axes.set_title(f"{len(reference.pooled.files)} test clips, strict protocol", loc="left", fontsize=11)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _gains(axes: Axes, rows: Sequence[Row], reference: Row) -> None:
    classes = reference.scores.counts.vocabulary
    gains = np.full((len(rows), len(classes)), np.nan)
    certain = np.zeros(gains.shape, dtype=bool)
    for y, row in enumerate(rows):
        if row is reference:
            continue
        difference = row.minus(reference)
        for sound in classes:
            interval = difference.of_class("macro", "f_score", sound.index)
            gains[y, sound.index] = 100 * interval.estimate
            certain[y, sound.index] = interval.low > 0 or interval.high < 0
    shown = axes.imshow(
        gains[::-1], aspect="auto", cmap="RdBu", vmin=-WIDEST_GAIN, vmax=WIDEST_GAIN, origin="lower",
        interpolation="nearest",
    )  # fmt: skip
    for y, x in zip(*np.nonzero(~np.isnan(gains)), strict=True):
        value = gains[y, x]
        axes.text(
            x, len(rows) - 1 - y, f"{value:+.0f}", ha="center", va="center", fontsize=8,
            fontweight="bold" if certain[y, x] else "normal", color="white" if abs(value) > 0.65 * WIDEST_GAIN else INK,
        )  # fmt: skip
    axes.set_xticks(range(len(classes)), [sound.name for sound in classes], rotation=40, ha="right", fontsize=8.5)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(
        f"gain over {reference.name}, points of F20/1 (bold: 95 % interval without 0)",
        loc="left", fontsize=11,
    )  # fmt: skip
    axes.figure.colorbar(shown, ax=axes, shrink=0.8, pad=0.01).outline.set_visible(False)


def collect(plan: AblationPlan, done: Sequence[FinishedRun]) -> list[Row]:
    """Rows of the finished runs, in the recipe's order; rows without a finished run are left out."""
    of = {name: [one for one in done if one.run.row == name] for name in plan.recipe.variants}
    rows = [
        _row(name, "variant", of[name], None, variant.about)
        for name, variant in plan.recipe.variants.items()
        if of[name]
    ]
    rows += [
        _row(name, "without", of[asked.variant], asked.only, asked.about)
        for name, asked in plan.recipe.without.items()
        if of[asked.variant]
    ]
    seen = {name: visual_fusion(plan.recipe.test, asked.detector) for name, asked in plan.recipe.seen.items()}
    rows += [
        _row(name, "seen", of[asked.variant], None, asked.about, seen[name])
        for name, asked in plan.recipe.seen.items()
        if of.get(asked.variant)
    ]
    for name, ensemble in plan.recipe.ensembles.items():
        outputs = ensemble_outputs(plan, done, name)
        if outputs is None:
            continue
        rows.append(_ensemble(name, outputs, ensemble.about))
        rows += [
            _ensemble(other, outputs, asked.about, seen[other])
            for other, asked in plan.recipe.seen.items()
            if asked.variant == name
        ]
    return rows


def visual_fusion(root: str, detector: str) -> After:
    """A function that merges a clip's events with visual detections in its video; without a video they stay.

    Raises:
        RecipeError: there is no such detector.
        MissingExtraError, MissingWeightsError: the detector is not installed.
    """
    visual_analysis, reason = open_visual_analysis(detector)
    if visual_analysis is None:
        raise RecipeError(f"visual post-processing: {reason}")
    videos = {clip.name: clip.picture for clip in scan(Path(root)).clips}

    def after(name: str, table: EventTable) -> EventTable:
        video = videos[name]
        return table if video is None else visual_analysis.analyse(video, table).fused.table

    return after


def _row(
    name: str,
    kind: Kind,
    done: Sequence[FinishedRun],
    only: Sequence[str] | None,
    about: str,
    after: After | None = None,
) -> Row:
    judged = [score_run(one.outputs("valid", only), one.outputs("test", only), after) for one in done]
    facts = {key: done[0].facts[key] for key in ("parameters", "steps", "clips_learnt", "training_clips")}
    return Row(name, kind, tuple(counts for counts, _ in judged), tuple(f_score for _, f_score in judged), about, facts)


@dataclass(frozen=True, slots=True, eq=False)
class EnsembleOutputs:
    """Averaged outputs of the runs of an ensemble.

    Attributes:
        members: the runs.
        weights: of each member; None if equal.
        valid, test: outputs for the sets.
    """

    members: tuple[FinishedRun, ...]
    weights: tuple[float, ...] | None
    valid: SetOutputs
    test: SetOutputs


def ensemble_outputs(plan: AblationPlan, done: Sequence[FinishedRun], name: str) -> EnsembleOutputs | None:
    """Outputs of an ensemble, with weights tuned on the validation set; None if a member is not finished."""
    asked = plan.recipe.ensembles[name]
    members = [one for member in asked.members for one in done if one.run.row == member]
    if len(members) < len(plan.recipe.seeds) * len(asked.members):
        return None
    valid, test = ([one.outputs(part) for one in members] for part in ("valid", "test"))
    weights = None
    if asked.weights == "tuned":
        weights = tune_weights([one.fields for one in valid], valid[0].references).weights
    whole = [
        SetOutputs(part[0].names, combine_clips([one.fields for one in part], weights), part[0].references)
        for part in (valid, test)
    ]
    return EnsembleOutputs(tuple(members), weights, *whole)


def _ensemble(name: str, outputs: EnsembleOutputs, about: str, after: After | None = None) -> Row:
    counts, reached = score_run(outputs.valid, outputs.test, after)
    facts = {
        "members": [f"{one.run.row}, seed {one.run.seed}" for one in outputs.members],
        "weights": None if outputs.weights is None else [round(weight, 4) for weight in outputs.weights],
        "parameters": sum(one.facts["parameters"] for one in outputs.members),
    }
    return Row(name, "ensemble", (counts,), (reached,), about, facts)


def markdown(plan: AblationPlan, rows: Sequence[Row], reference: Row) -> str:
    """Tables of all rows, of the differences from the reference, and of each class."""
    test = len(reference.pooled.files)
    lines = [
        f"Strict protocol, {test} test clips; mean over seeds (counts pooled), 95 % interval over clips (jackknife).",
        "",
        "| row | F20/1 % | each seed | F20/1/on-off % | DOAE ° | RDE | on/off acc. | parameters |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
        "",
        f"Paired difference from `{reference.name}` on the same clips, percentage points of F20/1 (95 %):",
        "",
        "| row | F20/1 | F20/1/on-off | classes that gain most | that lose most |",
        "|---|---|---|---|---|",
        *(_difference(row, reference) for row in rows if row is not reference),
        "",
        "F20/1 of each class, %:",
        "",
        "| class | " + " | ".join(row.name for row in rows) + " |",
        "|---|" + "---|" * len(rows),
        *_classes(rows),
        "",
    ]
    missing = sum(len(plan.recipe.seeds) for _ in plan.recipe.variants) - sum(
        len(row.counts) for row in rows if row.kind == "variant"
    )
    if missing:
        lines += [f"{missing} of {len(plan.runs)} runs are not finished yet.", ""]
    return "\n".join(lines)


def _line(row: Row) -> str:
    intervals = row.intervals
    each = ", ".join(f"{scores.macro.f_score * 100:.1f}" for scores in row.each)
    return (
        f"| {row.name} | {_percent(intervals.of('macro', 'f_score'))} | {each} "
        f"| {_percent(intervals.of('macro_onscreen', 'f_score'))} "
        f"| {_plain(row.scores.macro.doa_error_deg, 1)} | {_plain(row.scores.macro.relative_distance_error, 2)} "
        f"| {_plain(row.scores.macro.onscreen_accuracy, 2)} | {row.facts['parameters']:,} |"
    )


def _difference(row: Row, reference: Row) -> str:
    difference = row.minus(reference)
    classes = [(difference.of_class("macro", "f_score", sound.index), sound) for sound in row.scores.counts.vocabulary]
    classes = sorted((pair for pair in classes if not np.isnan(pair[0].estimate)), key=lambda pair: -pair[0].estimate)
    gains = [f"{sound.name} {_signed(one)}" for one, sound in classes[:3] if one.estimate > 0]
    losses = [f"{sound.name} {_signed(one)}" for one, sound in classes[::-1][:3] if one.estimate < 0]
    return (
        f"| {row.name} | {_signed_range(difference.of('macro', 'f_score'))} "
        f"| {_signed_range(difference.of('macro_onscreen', 'f_score'))} | {', '.join(gains)} | {', '.join(losses)} |"
    )


def _classes(rows: Sequence[Row]) -> list[str]:
    per_class = [row.scores.macro.per_class for row in rows]
    lines = []
    for sound in rows[0].scores.counts.vocabulary:
        cells = [_plain(100 * float(each.f_score[sound.index]), 1) if each is not None else "" for each in per_class]
        lines.append(f"| {sound.name} | " + " | ".join(cells) + " |")
    return lines


def _percent(interval: Interval) -> str:
    low, high = _plain(100 * interval.low, 1), _plain(100 * interval.high, 1)
    return f"{_plain(100 * interval.estimate, 1)} ({low} to {high})"


def _signed(interval: Interval) -> str:
    return f"{100 * interval.estimate:+.1f}"


def _signed_range(interval: Interval) -> str:
    # Bold: the interval does not contain 0.
    mark = "**" if interval.low > 0 or interval.high < 0 else ""
    return f"{mark}{_signed(interval)}{mark} ({100 * interval.low:+.1f} to {100 * interval.high:+.1f})"


def _plain(value: float, digits: int) -> str:
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


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
