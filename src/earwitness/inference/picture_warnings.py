"""What the pictures say against the results: a view that is unlikely, several shots, channels that seem exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from earwitness.events import EventTable
from earwitness.geometry import DEFAULT_FOV_DEG
from earwitness.inference.fusion import Fused
from earwitness.inference.fusion_settings import FusionSettings
from earwitness.inference.long_fusion import fuse_long
from earwitness.vision.scenery import Scenery
from earwitness.vision.watch import Watched

_ASIDE_DEG: Final = (10.0, 60.0)
"""Directions that tell left from right, and that a camera may see."""
_LEAST_FRAMES: Final = 60
_LEAST_EVENTS: Final = 3
_EXCHANGED: Final = 1.5
"""So many times as many sounds must have a cause in the picture once left and right are exchanged: 1.9 with the sample
video; none of 16 rendered videos reaches it with the channels as they are."""
_LIKELY: Final = 0.5
_UPRIGHT: Final = 0.8
"""Width over height of a picture that was taken with a phone held upright."""


def picture_warnings(
    table: EventTable, fused: Fused, scenery: Scenery, watched: Watched, fov: float, settings: FusionSettings
) -> Iterator[str]:
    """Warnings in plain sentences.

    Args:
        table: events as they were heard.
        fused: the same after the fusion.
        scenery: what was seen.
        watched: the pictures.
        fov: horizontal field of view that was taken, degrees.
        settings: of the fusion.
    """
    scenes = [shot for shot in watched.shots if shot.kind == "scene"]
    if len(scenes) > 1:
        yield f"cut into {len(scenes)} shots: one field of view ({fov:g} degrees, --fov) is taken for all of them"
    if fov == DEFAULT_FOV_DEG and _is_upright(watched):
        yield (
            f"the picture is upright: its camera hardly sees {fov:g} degrees across, more likely about 40; say so "
            "with --fov"
        )
    if seems_exchanged(table, fused, scenery, fov, settings):
        yield (
            "left and right of sound and picture do not fit each other: where the picture is not mirrored, the "
            "channels are exchanged; try --swap-channels"
        )


def seems_exchanged(table: EventTable, fused: Fused, scenery: Scenery, fov: float, settings: FusionSettings) -> bool:
    """Whether far more of what is heard would have a cause in the picture if left were right."""
    aside = np.abs(fused.azimuth_before)
    aside = (aside >= _ASIDE_DEG[0]) & (aside <= _ASIDE_DEG[1])
    events = sum(bool(_ASIDE_DEG[0] <= abs(event.azimuth) <= _ASIDE_DEG[1]) for event in table.iter_events())
    if not len(scenery) or aside.sum() < _LEAST_FRAMES or events < _LEAST_EVENTS:
        return False
    mirrored = fuse_long(table.with_columns(azimuth=-table.azimuth), scenery, fov, settings)
    as_heard, exchanged = float(fused.common[aside].mean()), float(mirrored.common[aside].mean())
    return exchanged >= _LIKELY and exchanged > _EXCHANGED * as_heard


def _is_upright(watched: Watched) -> bool:
    """Whether most of what is shown is higher than wide."""
    upright = total = 0
    for shot in watched.shots:
        if shot.kind == "scene":
            left, top, right, bottom = shot.content
            total += shot.stop - shot.start
            upright += (shot.stop - shot.start) * (right - left < _UPRIGHT * (bottom - top))
    return 2 * upright > total
