"""Warnings from the pictures: an unlikely field of view, several shots, channels that seem exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from earwitness.core.events import EventTable
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.fusion.fuse import Fused, fuse_long
from earwitness.fusion.fusion_settings import FusionSettings
from earwitness.vision.observe import Observation
from earwitness.vision.tracking.candidate_index import CandidateIndex

_ASIDE_DEG: Final = (10.0, 60.0)
"""Range of azimuths that distinguish left from right and may be in the picture."""
_LEAST_FRAMES: Final = 60
_LEAST_EVENTS: Final = 3
_EXCHANGED: Final = 1.5
"""Ratio of explained sounds with exchanged to unexchanged channels from which the channels seem exchanged: 1.9 for the
exchanged sample video, below the limit for 16 rendered videos with correct channels."""
_LIKELY: Final = 0.5
_UPRIGHT: Final = 0.8
"""Ratio of width to height below which a picture is upright, as from a phone."""


def picture_warnings(
    table: EventTable,
    fused: Fused,
    candidate_index: CandidateIndex,
    observation: Observation,
    fov: float,
    settings: FusionSettings,
) -> Iterator[str]:
    """Yield warnings for the user.

    Args:
        table: events before the fusion.
        fused: events after the fusion.
        candidate_index: all candidates.
        observation: the observation of the pictures.
        fov: assumed horizontal field of view, degrees.
        settings: settings of the fusion.
    """
    scenes = [shot for shot in observation.shots if shot.kind == "scene"]
    if len(scenes) > 1:
        yield f"the video has {len(scenes)} shots: one field of view ({fov:g} degrees, --fov) is used for all of them"
    if fov == DEFAULT_FOV_DEG and _is_upright(observation):
        yield (
            f"the picture is upright: its horizontal field of view is hardly {fov:g} degrees, more likely about 40; "
            "set it with --fov"
        )
    if seems_exchanged(table, fused, candidate_index, fov, settings):
        yield (
            "left and right of sound and picture do not match: unless the picture is mirrored, the channels are "
            "exchanged; try --swap-channels"
        )


def seems_exchanged(
    table: EventTable, fused: Fused, candidate_index: CandidateIndex, fov: float, settings: FusionSettings
) -> bool:
    """Whether far more events would have a visible cause with left and right exchanged."""
    aside = np.abs(fused.azimuth_before)
    aside = (aside >= _ASIDE_DEG[0]) & (aside <= _ASIDE_DEG[1])
    events = sum(bool(_ASIDE_DEG[0] <= abs(event.azimuth) <= _ASIDE_DEG[1]) for event in table.iter_events())
    if not len(candidate_index) or aside.sum() < _LEAST_FRAMES or events < _LEAST_EVENTS:
        return False
    mirrored = fuse_long(table.with_columns(azimuth=-table.azimuth), candidate_index, fov, settings)
    unchanged, exchanged = float(fused.common[aside].mean()), float(mirrored.common[aside].mean())
    return exchanged >= _LIKELY and exchanged > _EXCHANGED * unchanged


def _is_upright(observation: Observation) -> bool:
    """Whether the picture is upright for most of the time."""
    upright = total = 0
    for shot in observation.shots:
        if shot.kind == "scene":
            left, top, right, bottom = shot.content
            total += shot.stop - shot.start
            upright += (shot.stop - shot.start) * (right - left < _UPRIGHT * (bottom - top))
    return 2 * upright > total
