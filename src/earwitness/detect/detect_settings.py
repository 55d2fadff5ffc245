"""The settings of one call of `Detector.detect`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from earwitness.core.errors import UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.media.containers.sound_tracks import Track, track_text
from earwitness.media.sound.ambisonics import Layout


class DetectKeywords(TypedDict, total=False):
    """The fields of `DetectSettings` as keyword arguments."""

    swap_channels: bool
    allow_mono: bool
    threshold: float | None
    pictures: str | Path | None
    track: Track | None
    layout: Layout
    incremental: str | Path | None
    fov: float


@dataclass(frozen=True, slots=True)
class DetectSettings:
    """How to process one file.

    Attributes:
        swap_channels: left and right are exchanged in the file.
        allow_mono: accept mono files; their events have no direction (NaN).
        threshold: probability (0..1) above which a class is active; None: the thresholds of the card, one per class.
        pictures: the video file that belongs to the sound, where they are separate files, as in the DCASE sets.
        track: index of the sound track, from 0, or two mono tracks: left and right; None: the default track.
        layout: channel layout, where the file does not state it or states it wrongly: "foa" (ambisonics, ambiX), "fuma"
            or "surround".
        incremental: file that receives the events as JSON lines during detection; see `IncrementalEvents`.
        fov: horizontal field of view of the camera, degrees.
    """

    swap_channels: bool = False
    allow_mono: bool = False
    threshold: float | None = None
    pictures: str | Path | None = None
    track: Track | None = None
    layout: Layout = "auto"
    incremental: str | Path | None = None
    fov: float = DEFAULT_FOV_DEG

    def __post_init__(self) -> None:
        """Check the threshold.

        Raises:
            UsageError: it is outside 0..1.
        """
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"the threshold must lie in 0..1, not {self.threshold:g}")

    def thresholds(self, default: Sequence[float]) -> list[float]:
        """One threshold per class.

        Args:
            default: (classes,) the thresholds of the card.
        """
        return list(default) if self.threshold is None else [float(self.threshold)] * len(default)

    def record(self, track: Track = 0) -> dict[str, Any]:
        """The settings that a result keeps, as plain values.

        Args:
            track: the sound track that was read.
        """
        return {
            "swap_channels": self.swap_channels,
            "allow_mono": self.allow_mono,
            "track": track_text(track),
            "layout": self.layout,
            "fov": self.fov,
        }
