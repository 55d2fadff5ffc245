"""Tables of scores for the terminal, and the JSON document of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich import box
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from earwitness.metrics.counts import COLUMNS, CONDITIONS, FILE_GROUPS, Counts
from earwitness.metrics.intervals import Interval, Intervals
from earwitness.metrics.protocols import Protocol
from earwitness.metrics.scores import Scores, average_quantities, class_quantities

BAR_WIDTH: Final = 10
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class _Column:
    """Format of one score: column head, factor, decimals, unit, and whether higher is better."""

    name: str
    head: str
    scale: float
    decimals: int
    unit: str
    more_is_better: bool

    def show(self, value: float, *, sign: bool = False, unit: bool = True) -> str:
        if np.isnan(value):
            return "–"
        return f"{value * self.scale:{'+' if sign else ''}.{self.decimals}f}{self.unit if unit else ''}"

    def bounds(self, interval: Interval, *, sign: bool = False) -> str:
        if np.isnan(interval.low):
            return "–"
        plus = "+" if sign else ""
        low, high = interval.low * self.scale, interval.high * self.scale
        return f"{low:{plus}.{self.decimals}f} … {high:{plus}.{self.decimals}f}"


_F: Final = _Column("f_score", "F20/1", 100, 1, " %", True)
_F_ON: Final = _Column("f_score", "F20/1/on-off", 100, 1, " %", True)
_DOAE: Final = _Column("doa_error_deg", "DOAE", 1, 1, "°", False)
_RDE: Final = _Column("relative_distance_error", "RDE", 1, 3, "", False)
_DISTANCE: Final = _Column("distance_error", "distance error", 0.01, 2, " m", False)
_ONSCREEN: Final = _Column("onscreen_accuracy", "on/off accuracy", 100, 1, " %", True)
_ALWAYS_OFF: Final = _Column("onscreen_accuracy_always_off", '  of always "off"', 100, 1, " %", True)
_SELD: Final = _Column("seld_error", "SELD error", 1, 3, "", False)
_ROWS: Final = (
    ("", _F), ("_onscreen", _F_ON), ("", _DOAE), ("", _RDE), ("", _DISTANCE), ("", _ONSCREEN), ("", _ALWAYS_OFF),
    ("", _SELD),
)  # fmt: skip
"""Rows of the table of averages, with the suffix of the average."""
_DETAILS: Final = (("DOAE", _DOAE), ("RDE", _RDE), ("dist", _DISTANCE), ("on/off", _ONSCREEN))
_LEGEND: Final = 'F-scores and on/off accuracy in %, dist: distance error in m; (off): on/off accuracy of always "off"'
_BAR_NEEDS: Final = 92
_INTERVAL_NEEDS: Final = 14
"""Width in characters of a table with bars, and of a column of intervals."""


def print_scores(
    scores: Scores,
    console: Console,
    intervals: Intervals | None = None,
    by: Sequence[str] = (),
) -> None:
    """Print the averages, classes, breakdowns and notes of an evaluation."""
    console.print()
    clips = _many(len(scores.counts.files), "clip")
    console.print(Text.assemble("protocol ", (scores.protocol.value, "bold"), f" · {clips}"))
    console.print(Text(_protocol_line(scores.protocol), style="dim"))
    console.print()
    console.print(_averages(scores, intervals))
    console.print(_classes(scores, intervals, console.width))
    for dimension in by:
        console.print(_breakdown(scores, dimension, console.width))
    print_notes(_notes(scores), console)


def print_comparison(
    first: Scores, second: Scores, names: tuple[str, str], difference: Intervals, console: Console
) -> None:
    """Print two systems side by side; `difference` holds the paired intervals of second - first."""
    console.print()
    console.print(Text.assemble("A ", (names[0], "bold"), "   B ", (names[1], "bold")))
    console.print(
        Text(
            f"protocol {first.protocol.value} · {_many(len(first.counts.files), 'clip')} · B − A with paired "
            f"{difference.method} interval over {_many(difference.units, difference.unit)}",
            style="dim",
        )
    )
    console.print()
    table = _table("macro average", "A", "B", "B − A", f"{difference.confidence:.0%} interval", "")
    for suffix, column in _ROWS:
        if column is not _ALWAYS_OFF:
            values = [float(getattr(getattr(scores, f"macro{suffix}"), column.name)) for scores in (first, second)]
            _difference_row(table, column.head, column, values, difference.of(f"macro{suffix}", column.name))
    console.print(table)
    console.print()
    table = _table("F20/1", "A", "B", "B − A", f"{difference.confidence:.0%} interval", "")
    per_class = [scores.macro.per_class for scores in (first, second)]
    for sound_class in first.counts.vocabulary:
        values = [float(each.f_score[sound_class.index]) for each in per_class if each is not None]
        interval = difference.of_class("macro", "f_score", sound_class.index)
        _difference_row(table, escape(sound_class.name), _F, values, interval)
    console.print(table)
    notes = [f"A: {note}" for note in _notes(first)] + [f"B: {note}" for note in _notes(second)]
    print_notes(notes, console)


def print_notes(notes: Sequence[str], console: Console) -> None:
    """Print notes, one per line."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for note in notes:
        grid.add_row(Text("!", style="bold yellow"), note)
    if notes:
        console.print()
        console.print(grid)


def breakdown(counts: Counts, dimension: str, protocol: Protocol) -> dict[str, dict[str, float]]:
    """Pooled (micro) scores by a condition or by a group of files, and the number of references.

    Args:
        dimension: one of azimuth, distance, overlap, onscreen; or fold, room, recording.

    Returns:
        For each value of the dimension: references, false_alarms, f_score, f_score_onscreen, the other micro scores.
    """
    if dimension in CONDITIONS:
        labels: Sequence[str] = CONDITIONS[dimension]
        table = counts.by(dimension, "class")
    else:
        grouped = counts.grouped(dimension)
        labels, table = grouped.files, grouped.by("file", "class")
    plain = average_quantities(table, protocol, micro=True)
    strict = average_quantities(table, protocol, micro=True, onscreen=True)
    totals = table.sum(axis=1)
    references = totals[:, COLUMNS.index("pairs")] + totals[:, COLUMNS.index("missed")]
    false_alarms = totals[:, COLUMNS.index("false_alarms")]
    rows = {"references": references, "false_alarms": false_alarms, **plain, "f_score_onscreen": strict["f_score"]}
    return {label: {name: float(value[row]) for name, value in rows.items()} for row, label in enumerate(labels)}


def as_json(scores: Scores, intervals: Intervals | None, by: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON document of an evaluation, with `intervals` and breakdowns (`by`) if given."""
    result = scores.as_dict()
    if intervals is not None:
        result["intervals"] = intervals.as_dict()
    if by:
        parts = {dimension: breakdown(scores.counts, dimension, scores.protocol) for dimension in by}
        result["by"] = {
            dimension: {
                label: {name: None if np.isnan(value) else value for name, value in row.items()}
                for label, row in part.items()
            }
            for dimension, part in parts.items()
        }
    return result


def _averages(scores: Scores, intervals: Intervals | None) -> RenderableType:
    spread = [] if intervals is None else [f"{intervals.confidence:.0%} interval"]
    table = _table("", "macro", *spread, "micro", *spread)
    for suffix, column in _ROWS:
        cells = []
        for average in ("macro", "micro"):
            value = column.show(getattr(getattr(scores, average + suffix), column.name))
            cells.append(Text(value, style="bold" if column in (_F, _F_ON) and average == "macro" else ""))
            if intervals is not None:
                cells.append(Text(column.bounds(intervals.of(average + suffix, column.name)), style="dim"))
        table.add_row(column.head, *cells, style="dim" if column is _ALWAYS_OFF else "")
    if intervals is None:
        return table
    how = f"intervals: {intervals.method} over {_many(intervals.units, intervals.unit)}"
    return Group(table, Text(how, style="dim"))


def _classes(scores: Scores, intervals: Intervals | None, width: int) -> RenderableType:
    spread = [] if intervals is None else [f"{intervals.confidence:.0%}"]
    roomy = width >= _BAR_NEEDS + _INTERVAL_NEEDS * len(spread)
    # In narrow terminals the bars are left out first, then the columns that the averages show too.
    labels_head = ["labels"] if roomy or not spread else []
    off_head = ["(off)"] if roomy or not spread else []
    heads = [*labels_head, "F20/1", *([""] if roomy else []), *spread, "/on-off", *(head for head, _ in _DETAILS)]
    table = _table("class", *heads, *off_head)
    counts = scores.counts.by("class")
    labels = counts[:, COLUMNS.index("pairs")] + counts[:, COLUMNS.index("missed")]
    absent = (labels == 0) & (counts[:, COLUMNS.index("false_alarms")] == 0)
    plain = class_quantities(counts, scores.protocol)
    onscreen = class_quantities(counts, scores.protocol, onscreen=True)["f_score"]
    for sound_class in scores.counts.vocabulary:
        index = sound_class.index
        cells: list[RenderableType] = [f"{labels[index]:,.0f}" for _ in labels_head]
        cells += _f_cells(float(plain["f_score"][index]), roomy)
        if intervals is not None:
            cells.append(Text(_F.bounds(intervals.of_class("macro", "f_score", index)), style="dim"))
        cells.append(_F_ON.show(float(onscreen[index]), unit=False))
        cells += [_cell(column, float(plain[column.name][index])) for _, column in _DETAILS]
        cells += [_cell(_ALWAYS_OFF, float(plain[_ALWAYS_OFF.name][index])) for _ in off_head]
        table.add_row(escape(sound_class.name), *cells, style="dim" if absent[index] else "")
    return Group(Text(), table, Text(_LEGEND if off_head else _LEGEND.partition(";")[0], style="dim"))


def _breakdown(scores: Scores, dimension: str, width: int) -> RenderableType:
    roomy = width >= _BAR_NEEDS
    heads = ["labels", "F20/1", *([""] if roomy else []), "/on-off", *(head for head, _ in _DETAILS), "extra"]
    table = _table(f"by {dimension}", *heads)
    for label, row in breakdown(scores.counts, dimension, scores.protocol).items():
        known = row["references"] > 0
        f_score, f_onscreen = (row[name] if known else float("nan") for name in ("f_score", "f_score_onscreen"))
        cells: list[RenderableType] = [f"{row['references']:,.0f}", *_f_cells(f_score, roomy)]
        cells += [_cell(_F_ON, f_onscreen), *(_cell(column, row[column.name]) for _, column in _DETAILS)]
        table.add_row(label, *cells, f"{row['false_alarms']:,.0f}")
    return Group(Text(), table, Text("all classes pooled; extra: predictions without a reference", style="dim"))


def _f_cells(f_score: float, bar: bool) -> list[RenderableType]:
    return [_F.show(f_score, unit=False), *([_bar(f_score)] if bar else [])]


def _cell(column: _Column, value: float) -> str:
    """A cell of a dense table: only degrees have their unit."""
    return column.show(value, unit=column is _DOAE)


def _difference_row(table: Table, head: str, column: _Column, values: list[float], interval: Interval) -> None:
    known = not np.isnan(interval.low)
    clear = known and (interval.low > 0 or interval.high < 0)
    same = known and interval.low == interval.high == 0
    verdict = Text("same" if same else "unclear" if known else "", style="dim")
    if clear:
        better = (interval.estimate > 0) == column.more_is_better
        verdict = Text("B better", style="green") if better else Text("B worse", style="red")
    table.add_row(
        head,
        *(column.show(value) for value in values),
        column.show(interval.estimate, sign=True),
        column.bounds(interval, sign=True),
        verdict,
    )


def _table(first: str, *heads: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1), header_style="bold")
    table.add_column(first, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    return table


def _bar(value: float) -> Text:
    """A bar of eighths of a character, `BAR_WIDTH` characters for 1."""
    eighths = 0 if np.isnan(value) else round(value * BAR_WIDTH * 8)
    text = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    return Text(text.ljust(BAR_WIDTH), style="cyan")


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _protocol_line(protocol: Protocol) -> str:
    if protocol is Protocol.DCASE2025:
        return "the official scorer's numbers, quirks included (docs/scoring.md)"
    return "every frame of every reference file counts; use --protocol dcase2025 for the official scorer's numbers"


def _notes(scores: Scores) -> list[str]:
    notes = list(scores.notes)
    if scores.undetected:
        names = ", ".join(scores.counts.vocabulary[index].name.lower() for index in scores.undetected)
        number = len(scores.undetected)
        head = f"{number} class{'es' if number > 1 else ''} never detected ({names})"
        if scores.protocol is Protocol.STRICT:
            detected = average_quantities(scores.counts.by("class"), Protocol.DCASE2025)
            notes.append(
                f"{head}: each counts as 180° and RDE 1 in the macro average; without them "
                f"DOAE {_DOAE.show(float(detected['doa_error_deg']))}, "
                f"RDE {_RDE.show(float(detected['relative_distance_error']))}"
            )
        else:
            notes.append(f"{head}: left out of DOAE, RDE, distance error and on/off accuracy")
    return notes


BREAKDOWNS: Final = (*CONDITIONS, *(name for name in FILE_GROUPS if name != "file"))
