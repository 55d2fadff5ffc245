"""Plots of scores as PNG: a bar chart of the classes, azimuth and distance errors, and reliability."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from earwitness.core.files.atomic import atomic_file
from earwitness.metrics.counts import COLUMNS
from earwitness.metrics.curves import Reliability
from earwitness.metrics.intervals import Intervals
from earwitness.metrics.matching import Pairs
from earwitness.metrics.protocols import AZIMUTH_THRESHOLD_DEG
from earwitness.metrics.scores import Scores

INK: Final = "#222222"
FAINT: Final = "#8a8a8a"
BLUE: Final = "#1f6f9f"
PALE: Final = "#a8cfe3"
ORANGE: Final = "#d1641f"
NEAREST_M: Final = 0.25
FARTHEST_M: Final = 16.0
DPI: Final = 150


def plot_classes(scores: Scores, path: Path | str, intervals: Intervals | None = None) -> None:
    """Plot F20/1 and F20/1/on-off of each class, best class first, with the number of labels.

    Args:
        intervals: adds error bars to F20/1.
    """
    plain, onscreen = scores.macro.per_class, scores.macro_onscreen.per_class
    assert plain is not None
    assert onscreen is not None
    f_score, f_onscreen = np.nan_to_num(plain.f_score) * 100, np.nan_to_num(onscreen.f_score) * 100
    order = np.argsort(f_score, kind="stable")
    figure, axes = _figure(8.4, max(5.6, 1.0 + 0.3 * len(scores.counts.vocabulary)))
    vocabulary = scores.counts.vocabulary
    place = np.arange(len(vocabulary))
    axes.barh(place + 0.2, f_score[order], height=0.38, color=BLUE, label="F20/1")
    axes.barh(place - 0.2, f_onscreen[order], height=0.38, color=PALE, label="F20/1/on-off")
    if intervals is not None:
        bounds = [intervals.of_class("macro", "f_score", int(index)) for index in order]
        reach = np.array([[max(b.estimate - b.low, 0), max(b.high - b.estimate, 0)] for b in bounds]).T * 100
        axes.errorbar(
            f_score[order], place + 0.2, xerr=np.nan_to_num(reach), fmt="none", ecolor=INK, elinewidth=1, capsize=2
        )
    table = scores.counts.by("class")
    labels = table[:, COLUMNS.index("pairs")] + table[:, COLUMNS.index("missed")]
    axes.set_yticks(place, [f"{vocabulary[index].name}  ({labels[index]:,.0f})" for index in order])
    average, average_onscreen = scores.macro.f_score * 100, scores.macro_onscreen.f_score * 100
    axes.axvline(average, color=BLUE, linewidth=1, linestyle=(0, (4, 3)))
    axes.axvline(average_onscreen, color=PALE, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.6, len(vocabulary) - 0.4)
    axes.set_xlabel("F-score, % (dashed: macro average; in brackets: labelled frames)")
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.7)
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    title = f"Macro F20/1 {average:.1f} %, with on/off {average_onscreen:.1f} %"
    axes.set_title(f"{title}   ({scores.protocol.value}, {len(scores.counts.files):,} clips)", loc="left", fontsize=11)
    axes.legend(loc="lower right", frameon=False)
    _save(figure, path)


def plot_errors(pairs: Pairs, path: Path | str) -> None:
    """Plot predicted against true azimuth and distance of all matched pairs, with the limits of F20/1 and medians."""
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.suptitle(
        f"{pairs.azimuth.size:,} matched pairs (class and frame agree; darker: more of them)",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    _azimuth_panel(left, pairs)
    _distance_panel(right, pairs)
    _save(figure, path)


def _azimuth_panel(axes: Axes, pairs: Pairs) -> None:
    edges = np.arange(-90, 91, 5.0)
    _density(axes, pairs.azimuth, pairs.answered_azimuth, edges)
    line = np.array([-90.0, 90.0])
    axes.plot(line, line, color=INK, linewidth=1)
    for offset in (-AZIMUTH_THRESHOLD_DEG, AZIMUTH_THRESHOLD_DEG):
        axes.plot(line, line + offset, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    _medians(axes, pairs.azimuth, pairs.answered_azimuth, np.arange(-90, 91, 15.0), "upper left")
    ticks = np.arange(-90, 91, 30)
    axes.set(xlim=(-90, 90), ylim=(-90, 90), xticks=ticks, yticks=ticks)
    axes.set_xlabel("true azimuth, degrees (positive: left)")
    axes.set_ylabel("predicted azimuth, degrees")
    error = np.abs(pairs.azimuth - pairs.answered_azimuth)
    within = (error <= AZIMUTH_THRESHOLD_DEG).mean() if error.size else np.nan
    median = np.median(error) if error.size else np.nan
    axes.set_title(f"Azimuth: median error {median:.0f}°, {within:.0%} within the limit", loc="left", fontsize=11)


def _distance_panel(axes: Axes, pairs: Pairs) -> None:
    truth = np.clip(pairs.distance_cm / 100, NEAREST_M, FARTHEST_M)
    answer = np.clip(pairs.answered_distance_cm / 100, NEAREST_M, FARTHEST_M)
    _density(axes, truth, answer, np.geomspace(NEAREST_M, FARTHEST_M, 37))
    line = np.array([NEAREST_M, FARTHEST_M])
    axes.plot(line, line, color=INK, linewidth=1)
    axes.plot(line, 2 * line, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    _medians(axes, truth, answer, np.geomspace(NEAREST_M, FARTHEST_M, 13), "lower right")
    axes.set(xscale="log", yscale="log", xlim=tuple(line), ylim=tuple(line))
    ticks = [0.25, 0.5, 1, 2, 4, 8, 16]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    axes.set_xlabel("true distance, m")
    axes.set_ylabel("predicted distance, m")
    relative = np.abs(pairs.answered_distance_cm - pairs.distance_cm) / np.maximum(pairs.distance_cm, 1.0)
    median = np.median(relative) if relative.size else np.nan
    within = (relative <= 1).mean() if relative.size else np.nan
    axes.set_title(f"Distance: median error {median:.0%}, {within:.0%} within the limit", loc="left", fontsize=11)


def _density(axes: Axes, truth: NDArray[np.float64], answer: NDArray[np.float64], edges: NDArray[np.float64]) -> None:
    counts, _, _ = np.histogram2d(truth, answer, bins=[edges, edges])
    top = max(float(counts.max()), 2.0)
    shown = np.where(counts > 0, counts, np.nan).T
    # The palest blues look white, so a single pair starts above them.
    axes.pcolormesh(edges, edges, shown, cmap="Blues", norm=LogNorm(0.3, top), rasterized=True)
    axes.set_aspect("equal", adjustable="box")
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _medians(
    axes: Axes,
    truth: NDArray[np.float64],
    answer: NDArray[np.float64],
    edges: NDArray[np.float64],
    corner: Literal["upper left", "lower right"],
) -> None:
    """Plot the median prediction of each bin of the truth; a bias moves the dots off the diagonal."""
    place = np.clip(np.digitize(truth, edges) - 1, 0, edges.size - 2)
    for index in np.unique(place):
        inside = place == index
        axes.plot(np.median(truth[inside]), np.median(answer[inside]), "o", color=ORANGE, markersize=4.5, clip_on=False)
    axes.plot([], [], "o", color=ORANGE, markersize=4.5, label="median")
    axes.plot([], [], color=INK, linewidth=1, linestyle=(0, (4, 3)), label="limit of F20/1")
    axes.legend(loc=corner, frameon=False, fontsize=9)


def plot_reliability(classes: Sequence[Reliability], path: Path | str) -> None:
    """Plot the observed frequency against the predicted probability: thin lines for classes, a thick one for all.

    Args:
        classes: one for each class, with the same bins.
    """
    figure, axes = _figure(5.2, 5.2)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
    for each in classes:
        axes.plot(each.predicted, each.observed, color=PALE, linewidth=1)
    count = np.sum([each.count for each in classes], axis=0)
    said, true = (
        np.nansum([getattr(each, name) * each.count for each in classes], axis=0) / np.maximum(count, 1)
        for name in ("predicted", "observed")
    )
    full = count > 0
    axes.plot(said[full], true[full], color=BLUE, linewidth=2, marker="o", markersize=4)
    for x, y, number in zip(said[full], true[full], count[full], strict=True):
        axes.annotate(f"{number:,}", (x, y), (6, -9), textcoords="offset points", fontsize=7, color=FAINT)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xlabel("predicted probability of activity")
    axes.set_ylabel("share of active frames")
    _save(figure, path)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _save(figure: Figure, path: Path | str) -> None:
    FigureCanvasAgg(figure)
    with atomic_file(Path(path)) as temporary:
        figure.savefig(temporary, dpi=DPI, format="png")
