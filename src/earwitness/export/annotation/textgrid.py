"""Praat TextGrid: one interval tier for each class and source; gaps between events are empty intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from earwitness.export.annotation.tiers import Tier, tiers
from earwitness.export.wording import place

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

_Interval = tuple[float, float, str]


def to_textgrid(result: Detection) -> str:
    """Return a TextGrid in Praat's long text format (Praat manual: TextGrid file formats).

    Without events, writes one empty tier, because Praat cannot open a grid without tiers.
    """
    end = max(result.duration, result.table.duration)
    found = tiers(result) or [Tier("sound events", ())]
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.6f}",
        "tiers? <exists>", f"size = {len(found)}", "item []:",
    ]  # fmt: skip
    for number, tier in enumerate(found, start=1):
        intervals = _filled(tier, end, has_video=result.has_video)
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(tier.name)}",
            "        xmin = 0", f"        xmax = {end:.6f}", f"        intervals: size = {len(intervals)}",
        ]  # fmt: skip
        for place_in_tier, (start, stop, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{place_in_tier}]:", f"            xmin = {start:.6f}",
                f"            xmax = {stop:.6f}", f"            text = {_quoted(text)}",
            ]  # fmt: skip
    return "\n".join([*lines, ""])


def _filled(tier: Tier, end: float, *, has_video: bool) -> list[_Interval]:
    """Contiguous intervals from 0 to the end."""
    intervals: list[_Interval] = []
    last = 0.0
    for event in tier.events:
        start, stop = round(event.start, 6), min(round(event.end, 6), end)
        if start > last:
            intervals.append((last, start, ""))
        intervals.append((start, stop, place(event, has_video)))
        last = stop
    return [*intervals, (last, end, "")] if last < end else intervals


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
