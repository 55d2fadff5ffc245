"""How many events lie within a model's intervals, and how wide these are: `score_model.py --intervals`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from earwitness.core.events import EventTable
from earwitness.core.vocabulary import CLASSES
from earwitness.detect.model.interval_model import GROUPS
from earwitness.detect.model.loading import load
from earwitness.training.export.fit_intervals import EventErrors, IntervalCheck


def interval_report(
    model: str,
    references: Sequence[EventTable],
    predictions: Sequence[EventTable],
    conditions: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """How many of the matched events lie within the model's intervals, and how wide these are.

    Args:
        model: its name or path.
        references: N tables.
        predictions: N tables of the events that `detect` writes.
        conditions: title -> a label for each of the N clips: a table of each of them is added to those by the number of
            events at once and by class.

    Raises:
        SystemExit: the model has no intervals.
    """
    intervals = load(model)[0].card.intervals
    if intervals is None:
        raise SystemExit(f"{model}: its card has no intervals; export it again, or use scripts/recalibrate.py")
    check = IntervalCheck.of(intervals, EventErrors.of(references, predictions))
    overlap = np.minimum(check.overlap, len(GROUPS)) - 1
    masks = {
        "all": {"all events": np.ones(check.clip.size, dtype=bool)},
        "predicted at once": {label: check.group == index for index, label in enumerate(GROUPS)},
        "truly at once": {label: overlap == index for index, label in enumerate(GROUPS)},
        "class": {sound.name: check.class_index == sound.index for sound in CLASSES},
    }
    for title, labels in conditions.items():
        own = np.array(labels)[check.clip]
        masks[title] = {label: own == label for label in dict.fromkeys(labels)}
    summaries = {title: {label: check.summary(rows) for label, rows in parts.items()} for title, parts in masks.items()}
    return {"coverage": intervals.coverage, "by": summaries}


def interval_lines(found: dict[str, Any]) -> list[str]:
    """The result of `interval_report` as lines of Markdown."""
    lines = ["", f"Intervals of matched events; {found['coverage']:.0%} should lie within, for each of both."]
    for name, parts in found["by"].items():
        lines += [
            "",
            f"| {name} | events | azimuth within | median width, deg | distance within | median far / near |",
        ]
        lines.append("|---|---|---|---|---|---|")
        for label, one in parts.items():
            if one["events"]:
                lines.append(
                    f"| {label} | {one['events']:,} | {one['azimuth_coverage']:.1%} | {one['azimuth_width_deg']:.0f} | "
                    f"{one['distance_coverage']:.1%} | {one['distance_ratio']:.2f} |"
                )
    return lines
