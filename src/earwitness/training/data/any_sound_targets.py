"""Targets with the additional class for any sound, interference included."""

from __future__ import annotations

import numpy as np

from earwitness.core.errors import TrainingError
from earwitness.core.events import EventTable
from earwitness.core.geometry import fold
from earwitness.core.multi_accddoa import Targets, encode
from earwitness.scenes.scene import Scene


def with_any_sound(scene: object) -> Targets:
    """Targets (T, 3, classes + 1) of a synthetic scene; the last class holds all sounds, at most the nearest three.

    Raises:
        TrainingError: the scene is a recording, of which the interference is not known.
    """
    if not isinstance(scene, Scene):
        raise TrainingError("model.any_sound is trained on scenes of a bank: train without data.folders")
    own, frames = encode(scene.labels), scene.labels.num_frames
    tables = [
        EventTable.from_columns(
            frame=(at := np.flatnonzero(track.active)), class_index=0, source=number, azimuth=fold(track.azimuth[at]),
            distance=track.distance[at], onscreen=False, num_frames=frames,
        )
        for number, track in enumerate(scene.tracks)
    ]  # fmt: skip
    everything = encode(EventTable.concatenate(tables, frames))
    return Targets(
        np.concatenate([own.active, everything.active[:, :, :1]], axis=2),
        np.concatenate([own.values, everything.values[:, :, :1]], axis=2),
        own.dropped,
    )
