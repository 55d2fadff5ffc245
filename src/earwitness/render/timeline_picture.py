"""A plot of events over time: directions and distances, with one colour for each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from earwitness.core.errors import EncodingError, one_line
from earwitness.core.events import FRAME_SECONDS, EventTable
from earwitness.render.marks import separated

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from earwitness.results.detection import Detection

_WIDTH_INCHES: Final = 11.0
_PANEL_INCHES: Final = 2.1
_DPI: Final = 150
_AZIMUTH_TICKS: Final = {90: "90° left", 45: "45° left", 0: "ahead", -45: "45° right", -90: "90° right"}
_UNKNOWN_AT: Final = -120
_LINE: Final = "#D5D9DF"
_TEXT: Final = "#2B323C"


def timeline_picture(
    table: EventTable, out_png: str | Path, reference: EventTable | None = None, title: str | None = None
) -> Path:
    """Plot azimuth and distance over time; a reference is plotted on the left, the prediction on the right.

    Filled marks are on screen, hollow ones off screen. Sounds without direction have their own row; sounds without
    distance appear in the upper half only.

    Args:
        table: the events.
        out_png: file to write; the suffix determines the format (.png, .svg, .pdf).
        reference: the reference events.
        title: title of the figure.

    Returns:
        `out_png`.

    Raises:
        EncodingError: the file cannot be written.
    """
    return _save(_figure(table, reference, title), Path(out_png))


def result_plot(result: Detection, path: str | Path | None = None) -> Any:
    """Return the plot of a result as a matplotlib figure, which notebooks show, and write it to `path` if given.

    Raises:
        EncodingError: the file cannot be written.
    """
    title = None if result.path is None else one_line(result.path.name).replace("$", "\\$")
    figure = _figure(result.table, None, title)
    if path is not None:
        _save(figure, Path(path))
    return figure


def _figure(table: EventTable, reference: EventTable | None, title: str | None) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = [("Reference", reference), ("Prediction", table)] if reference is not None else [("", table)]
    tables = [(name, separated(part)) for name, part in columns if part is not None]
    figure = Figure(figsize=(_WIDTH_INCHES, 2 * _PANEL_INCHES + 0.9), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots(2, len(tables), sharex=True, sharey="row", squeeze=False)
    farthest = _farthest([part for _, part in tables])
    seconds = max(max(part.duration for _, part in tables), FRAME_SECONDS)
    for column, (name, part) in enumerate(tables):
        _draw(axes[0, column], part, np.where(np.isnan(part.azimuth), _UNKNOWN_AT, part.azimuth))
        _draw(axes[1, column], part, part.distance)
        axes[0, column].set_title(name, color=_TEXT, fontsize=11, fontweight="bold", loc="left")
        axes[1, column].set_xlabel("time (s)", color=_TEXT)
        _style(axes[0, column], seconds)
        _style(axes[1, column], seconds)
    ticks = dict(_AZIMUTH_TICKS)
    if any(np.isnan(part.azimuth).any() for _, part in tables):
        ticks[_UNKNOWN_AT] = "unknown"
    axes[0, 0].set_ylim(min(ticks) - 5, 95)
    axes[0, 0].set_yticks(list(ticks), list(ticks.values()))
    axes[1, 0].set_ylim(0, farthest)
    axes[1, 0].set_ylabel("distance (m)", color=_TEXT)
    _add_legend(figure, [part for _, part in tables])
    if title is not None:
        figure.suptitle(title, color=_TEXT, fontweight="bold")
    return figure


def _draw(axes: Axes, table: EventTable, values: Any) -> None:
    times = (table.frame + 0.5) * FRAME_SECONDS
    for class_index in np.unique(table.class_index).tolist():
        colour = table.vocabulary[class_index].colour
        for source in np.unique(table.source[table.class_index == class_index]).tolist():
            rows = np.flatnonzero((table.class_index == class_index) & (table.source == source))
            rows = rows[np.argsort(table.frame[rows])]
            # Break the line where the sound pauses.
            breaks = np.flatnonzero(np.diff(table.frame[rows]) > 1) + 1
            axes.plot(
                np.insert(times[rows], breaks, np.nan), np.insert(values[rows].astype(np.float64), breaks, np.nan),
                color=colour, linewidth=1.2, alpha=0.6, solid_capstyle="round",
            )  # fmt: skip
            for onscreen in (True, False):
                some = rows[table.onscreen[rows] == onscreen]
                axes.scatter(
                    times[some], values[some], s=13, facecolors=colour if onscreen else "white", edgecolors=colour,
                    linewidths=1.0, zorder=3, clip_on=False,
                )  # fmt: skip


def _style(axes: Axes, seconds: float) -> None:
    axes.set_xlim(0, seconds)
    axes.grid(True, color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_TEXT, length=0)
    for spine in axes.spines.values():
        spine.set_color(_LINE)


def _add_legend(figure: Any, tables: list[EventTable]) -> None:
    from matplotlib.lines import Line2D

    classes = {one.slug: one for table in tables for one in table.vocabulary}
    used = {table.vocabulary[index].slug for table in tables for index in table.class_index.tolist()}
    handles = [
        Line2D([], [], color=one.colour, marker="o", markersize=5, label=one.name)
        for slug, one in classes.items()
        if slug in used
    ]
    if not handles:
        figure.text(0.5, 0.5, "no sound events", ha="center", va="center", color=_TEXT)
        return
    for label, face in (("in picture", "#808893"), ("outside", "white")):
        handles.append(
            Line2D([], [], linestyle="none", marker="o", markersize=5, markerfacecolor=face,
                   markeredgecolor="#808893", label=label)
        )  # fmt: skip
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(handles), 8), frameon=False, labelcolor=_TEXT,
        fontsize=9,
    )  # fmt: skip


def _farthest(tables: list[EventTable]) -> float:
    """Upper end of the distance axis: a little beyond the farthest source."""
    distances = np.concatenate([table.distance for table in tables])
    known = distances[np.isfinite(distances)]
    return float(max(1.0, 1.1 * known.max())) if known.size else 5.0


def _save(figure: Any, out: Path) -> Path:
    from matplotlib import rc_context

    from earwitness.core.files.atomic import atomic_file

    # No date, version and random ids: the same events give the same bytes. SVG text stays searchable.
    without = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    try:
        with atomic_file(out) as temporary, rc_context({"svg.hashsalt": "earwitness", "svg.fonttype": "none"}):
            figure.savefig(temporary, metadata=without.get(out.suffix.lower()))
    except ValueError as error:
        raise EncodingError(f"{out}: cannot be written as a picture ({error})") from None
    return out
