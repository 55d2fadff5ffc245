"""The fusion of hours of sound and picture, stretch by stretch, in memory that does not grow with them.

What is seen bears on the events during which it is there, and on silence up to three seconds around them; so the events
that begin within one minute are fused with what is seen from a little before the first to a little after the last of
them. What counts for a candidate as a whole, its score and number, is that of all its sightings. The result is that of
fusing everything at once, except that events of more than two minutes are fused in pieces of two minutes, each by the
evidence of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.events import EventTable
from earwitness.inference.evidence import OUTSIDE_FRAMES, all_sounding_frames
from earwitness.inference.fusion import Fused, fuse
from earwitness.inference.fusion_settings import FusionSettings
from earwitness.vision.scenery import Scenery

Rows = NDArray[np.intp]

STRETCH_FRAMES: Final = 600
LONGEST_FRAMES: Final = 1200
"""At least a stretch: two pieces of one event must not begin in the same."""


def fuse_long(table: EventTable, scenery: Scenery, fov: float, settings: FusionSettings) -> Fused:
    """Merge what is heard with what is seen; arguments and result as in `fusion.fuse`."""
    table = table.sorted()
    count = len(table)
    sounds = all_sounding_frames(table)
    azimuth, distance, onscreen = table.azimuth.copy(), table.distance.copy(), table.onscreen.copy()
    common, probability, which = np.zeros(count), np.zeros(count), np.full(count, -1, dtype=np.int64)
    for rows in _stretches(table):
        part = table.select(rows)
        around = int(part.frame[0]) - OUTSIDE_FRAMES, int(part.frame[-1]) + 1 + OUTSIDE_FRAMES
        fused = fuse(part, scenery.during(*around), fov, settings, sounds)
        azimuth[rows], distance[rows], onscreen[rows] = fused.table.azimuth, fused.table.distance, fused.table.onscreen
        common[rows], probability[rows], which[rows] = fused.common, fused.onscreen_probability, fused.candidate
    after = table.with_columns(azimuth=azimuth, distance=distance, onscreen=onscreen)
    return Fused(after, table.azimuth, table.distance, table.onscreen, common, probability, which)


def _stretches(table: EventTable) -> Iterator[Rows]:
    """Rows of the events and pieces of events that begin within one stretch, in the order of the sorted table."""
    order = np.lexsort((table.frame, table.source, table.class_index))
    runs, first, stop = table.runs()
    since = runs.frame - np.repeat(runs.frame[first], stop - first)
    began = np.empty(len(table), dtype=np.int64)
    began[order] = runs.frame - since % LONGEST_FRAMES
    stretch = began // STRETCH_FRAMES
    by_stretch = np.argsort(stretch, kind="stable")
    yield from np.split(by_stretch, np.flatnonzero(np.diff(stretch[by_stretch])) + 1) if len(table) else ()
