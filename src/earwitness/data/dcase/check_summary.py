"""Output of `dataset check`: tables for the terminal, a dictionary for JSON."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from earwitness.core.errors import one_line
from earwitness.data.dcase.check import SetReport, label_statistics
from earwitness.data.dcase.labels import LabelRows

SHOWN: Final = 20
"""Maximum number of problems of one kind listed in the terminal; --json lists all."""


def as_dict(report: SetReport) -> dict[str, Any]:
    """The whole report as plain values for JSON."""
    rows = [clip.rows for clip in report.clips if clip.rows is not None]
    statistics = label_statistics(rows or [LabelRows.empty(report.folder.vocabulary)])
    frames, onscreen = statistics["frames"], statistics["onscreen"]
    return {
        "root": str(report.folder.root),
        "splits": {split: _split(report, split) for split in report.folder.splits},
        "classes": {
            one.slug: {"frames": frames[one.index], "onscreen": onscreen[one.index],
                       "clips": statistics["clips"][one.index]}
            for one in report.folder.vocabulary
        },
        "onscreen_share": sum(onscreen) / sum(frames) if sum(frames) else None,
        "polyphony": dict(zip(("0", "1", "2", "3", "4", "5", "6+"), statistics["polyphony"], strict=True)),
        "problems": [{"kind": one.kind, "where": one.where, "what": one.what} for one in report.problems],
    }  # fmt: skip


def _split(report: SetReport, split: str) -> dict[str, Any]:
    clips = [clip for clip in report.clips if clip.clip.split == split]
    names = [name for clip in clips if (name := clip.clip.parsed) is not None]
    return {
        "clips": len(clips),
        "hours": sum(clip.seconds for clip in clips) / 3600,
        "rooms": sorted({name.room for name in names}),
        "recordings": len({(name.fold, name.room, name.mix) for name in names}),
        "sounds": sum(clip.clip.sound is not None for clip in clips),
        "labels": sum(clip.clip.labels is not None for clip in clips),
        "pictures": sum(clip.clip.picture is not None for clip in clips),
    }


def print_report(report: SetReport, console: Console) -> None:
    """Print tables of splits and classes, then the problems."""
    found = as_dict(report)
    table = Table("split", title=escape(one_line(str(report.folder.root))), title_justify="left")
    for column in ("clips", "hours", "rooms", "recordings", "labels", "pictures"):
        table.add_column(column, justify="right")
    for split, row in found["splits"].items():
        table.add_row(
            split, f"{row['clips']:,}", f"{row['hours']:.2f}", str(len(row["rooms"])), str(row["recordings"]),
            f"{row['labels']:,}", f"{row['pictures']:,}",
        )  # fmt: skip
    console.print(table)
    classes = Table("class")
    for column in ("clips", "frames", "share", "on screen"):
        classes.add_column(column, justify="right")
    total = sum(row["frames"] for row in found["classes"].values())
    for one in report.folder.vocabulary:
        row = found["classes"][one.slug]
        classes.add_row(
            escape(one.name), f"{row['clips']:,}", f"{row['frames']:,}", _share(row["frames"], total),
            _share(row["onscreen"], row["frames"]),
        )  # fmt: skip
    console.print(classes)
    frames = sum(found["polyphony"].values())
    console.print("events at once: " + ", ".join(f"{n}: {_share(k, frames)}" for n, k in found["polyphony"].items()))
    if found["onscreen_share"] is not None:
        console.print(f"on screen: {found['onscreen_share']:.1%} of all labelled events")
    _print_problems(report, console)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _print_problems(report: SetReport, console: Console) -> None:
    if not report.problems:
        console.print("no problems found")
        return
    kinds = Counter(problem.kind for problem in report.problems)
    console.print(
        f"\n{len(report.problems)} problems: " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    )
    for kind, group in groupby(report.problems, key=lambda problem: problem.kind):
        for number, problem in enumerate(group):
            if number < SHOWN:
                console.print(f"  {kind}: {problem.where}: {problem.what}", soft_wrap=True, markup=False)
        if kinds[kind] > SHOWN:
            console.print(f"  {kind}: ... and {kinds[kind] - SHOWN} more; --json lists all")
