"""What is wanted of a shipped model, beside what a model reaches: the first table of `score_model.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.metrics import Counts, Protocol, Scores, jackknife
from earwitness.metrics.curves import BIN_DEG, BIN_NAMES, curve_intervals

FloatArray = NDArray[np.float64]

RULES: Final = Protocol.STRICT
WANTED: Final = {
    "f_score": ("F20/1", 0.60, "at least"),
    "doa_error_deg": ("DOAE (deg)", 11.0, "at most"),
    "relative_distance_error": ("RDE", 0.33, "at most"),
    "lowest_class_f_score": ("F20/1 of the worst class", 0.45, "at least"),
    "largest_bias_below_70_deg": ("largest bias below 70 deg of azimuth (deg)", 3.0, "at most"),
    "largest_bias_from_70_deg": ("largest bias from 70 deg on (deg)", 8.0, "at most"),
    "log_distance_correlation": ("log distance, correlation", 0.6, "at least"),
    "log_distance_slope": ("log distance, slope", 0.35, "at least"),
    "second_sources_found": ("second sources of a class found", 1 / 3, "at least"),
}
"""What is wanted of a shipped model, on scenes of the preset starss: title, value, whether it is a lower limit.

The bias is the mean signed error, outwards positive, in a bin of 10 degrees of the true azimuth, over the frames with
one event of the class.
"""


def goals(counts: Counts, sums: FloatArray, versus: Path | None) -> dict[str, dict[str, Any]]:
    """For each of `WANTED` the value with a 95 % interval, whether it is reached, and the difference to another model.

    Args:
        counts: of the model.
        sums: its `curve_sums`.
        versus: folder that score_model.py wrote for the other model.

    Raises:
        SystemExit: that folder lacks a file.
    """
    table = _goal_values(counts, sums)
    if versus is not None and not (versus / "curves.npy").is_file():
        raise SystemExit(f"--versus {versus}: has no curves.npy; score that model again")
    other = None if versus is None else (Counts.load(versus / "counts.npz"), np.load(versus / "curves.npy"))
    differences = {} if other is None else _goal_values(counts, sums, *other)
    found: dict[str, dict[str, Any]] = {}
    for name, (title, limit, kind) in WANTED.items():
        value = table[name][0]
        reached = bool(value >= limit) if kind == "at least" else bool(value <= limit)
        found[name] = {"title": title, "wanted": f"{kind} {limit:.3g}", "value": table[name], "reached": reached}
        found[name] |= {"difference": differences[name]} if differences else {}
    return found


def _goal_values(
    counts: Counts, sums: FloatArray, minus: Counts | None = None, minus_sums: FloatArray | None = None
) -> dict[str, list[float]]:
    intervals = jackknife(counts, RULES, minus=minus)
    each = {name: intervals.of("macro", name) for name in ("f_score", "doa_error_deg", "relative_distance_error")}
    own = Scores.from_counts(counts, RULES).macro.per_class
    worst = 0 if own is None else int(np.argmin(np.where(np.isnan(own.f_score), np.inf, own.f_score)))
    each["lowest_class_f_score"] = intervals.of_class("macro", "f_score", worst)
    found = {name: [one.estimate, one.low, one.high] for name, one in each.items()}
    return found | curve_intervals(sums, minus_sums)


def goal_lines(found: dict[str, dict[str, Any]]) -> list[str]:
    """The result of `goals` as lines of Markdown."""
    lines = ["| | value | 95 % | wanted | reached |", "|---|---|---|---|---|"]
    for one in found.values():
        value, *bounds = one["value"]
        lines.append(
            f"| {one['title']} | {value:.3f} | {_between(bounds)} | {one['wanted']} | "
            f"{'yes' if one['reached'] else 'no'} |"
        )
    if any("difference" in one for one in found.values()):
        lines += ["", "| difference to the other model | | 95 % |", "|---|---|---|"]
        for one in found.values():
            value, *bounds = one["difference"]
            lines.append(f"| {one['title']} | {value:+.3f} | {_between(bounds)} |")
    return [*lines, ""]


def bias_lines(figures: dict[str, list[float]]) -> list[str]:
    """The bias in each bin of azimuth, from `curve_intervals`, as lines of Markdown."""
    shown = [
        f"{(number + 0.5) * BIN_DEG:.0f}: {value:+.1f} ({low:+.1f} .. {high:+.1f})"
        for number, (value, low, high) in enumerate(figures[name] for name in BIN_NAMES)
    ]
    return [f"Bias outwards (95 %) by true azimuth, frames with one event of the class, deg: {', '.join(shown)}.", ""]


def _between(bounds: list[float]) -> str:
    return "–" if np.isnan(bounds).any() else f"{bounds[0]:.3f} .. {bounds[1]:.3f}"
