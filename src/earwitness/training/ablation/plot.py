"""The ablation as a picture: F20/1 of each row with its interval, and how each class gains over the reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from earwitness.classes import CLASSES
from earwitness.media.atomic import atomic_file
from earwitness.metrics.plots import BLUE, DPI, FAINT, INK, ORANGE
from earwitness.training.ablation.tables import Row

WIDEST_GAIN: Final = 40.0
"""Percentage points at which the colours end."""


def plot(rows: Sequence[Row], reference: Row, path: Path) -> None:
    """Draw the rows in their order and, beside them, the gain of each class over the reference."""
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
    gains = np.full((len(rows), len(CLASSES)), np.nan)
    certain = np.zeros(gains.shape, dtype=bool)
    for y, row in enumerate(rows):
        if row is reference:
            continue
        difference = row.minus(reference)
        for sound in CLASSES:
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
    axes.set_xticks(range(len(CLASSES)), [sound.name for sound in CLASSES], rotation=40, ha="right", fontsize=8.5)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(
        f"gain over {reference.name}, points of F20/1 (bold: 95 % interval without 0)",
        loc="left", fontsize=11,
    )  # fmt: skip
    axes.figure.colorbar(shown, ax=axes, shrink=0.8, pad=0.01).outline.set_visible(False)
