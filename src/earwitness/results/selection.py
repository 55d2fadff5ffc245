"""Parts of a result: by time, class, direction, screen and confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from earwitness.core.errors import UsageError
from earwitness.core.events import FRAME_RATE
from earwitness.results.class_choice import ClassChoice
from earwitness.results.detection import Detection

Range = tuple[float | None, float | None]


def select(
    result: Detection,
    *,
    time: Range = (None, None),
    classes: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    azimuth: Range = (None, None),
    onscreen: bool | None = None,
    score: float = 0.0,
) -> Detection:
    """Return a result with some of the events; times still count from the beginning of the recording.

    Args:
        result: the result.
        time: from and to, seconds; events that go beyond are cut.
        classes: names of classes or groups to keep.
        exclude: names of classes or groups to leave out.
        azimuth: from and to, degrees, positive to the left, in any order; events whose median lies within are kept.
        onscreen: keep only events that are on screen, or off screen.
        score: lowest mean confidence of an event.

    Raises:
        UsageError: an unknown class, a range that ends before it begins, or a value that is no number.
    """
    result = ClassChoice.of(classes, exclude).apply(result)
    table = result.table
    begin, end = _bounds(time, "time")
    table = table.select(
        table.frame >= math.floor(begin * FRAME_RATE + 1e-6) if math.isfinite(begin) else table.frame >= 0
    )
    if math.isfinite(end):
        table = table.select(table.frame < math.ceil(end * FRAME_RATE - 1e-6))
    low, high = sorted(_bounds(azimuth, "azimuth", ordered=False))
    whole = (low, high) == (-math.inf, math.inf)
    by_event, first, stop = table.runs()
    kept = np.zeros(len(by_event), dtype=np.bool_)
    for start, last in zip(first.tolist(), stop.tolist(), strict=True):
        rows = slice(start, last)
        middle = float(np.median(by_event.azimuth[rows]))
        kept[rows] = (
            (whole or low <= middle <= high)
            and (onscreen is None or bool(by_event.onscreen[rows].mean() >= 0.5) == onscreen)
            and float(by_event.score[rows].mean()) >= score
        )
    return replace(result, table=by_event.select(kept).sorted())


def _bounds(given: Range, name: str, *, ordered: bool = True) -> tuple[float, float]:
    try:
        low, high = given
        begin, end = (-math.inf if low is None else float(low)), (math.inf if high is None else float(high))
    except (TypeError, ValueError):
        raise UsageError(f"{name} is a pair of numbers, from and to, such as (0, 10); None is open") from None
    if math.isnan(begin) or math.isnan(end) or (ordered and end < begin):
        raise UsageError(f"{name}=({given[0]}, {given[1]}) ends before it begins")
    return begin, end
