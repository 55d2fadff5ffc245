"""The settings of one call of `Detector.detect`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, get_args

from earwitness.core.errors import UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.detect.smoothing import Smoothing
from earwitness.media.containers.sound_tracks import Track, track_text
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import Layout

OF_ONE_FILE: Final = ("pictures", "incremental")
"""Settings that name files: they apply to one file, and records do not contain them."""

Labels = Literal["classes", "any"]
"""What is detected: the classes of the model, or any sound."""
LABELS: Final[tuple[Labels, ...]] = get_args(Labels)


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
    labels: Labels
    find: str | Sequence[str]


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
        labels: "any": also what is none of the classes, by AudioSet's names; events of the classes that are clearly
            something else are left out. The model needs a class for any sound.
        find: words for the sounds to keep, such as "dog barking"; all by default. A sound that is none of the classes
            implies `labels="any"`.
    """

    swap_channels: bool = False
    allow_mono: bool = False
    threshold: float | None = None
    pictures: str | Path | None = None
    track: Track | None = None
    layout: Layout = "auto"
    incremental: str | Path | None = None
    fov: float = DEFAULT_FOV_DEG
    labels: Labels = "classes"
    find: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        """Check the threshold and the labels.

        Raises:
            UsageError: the threshold is outside 0..1, or there are no such labels.
        """
        if self.labels not in LABELS:
            raise UsageError(f"labels must be one of {', '.join(LABELS)}, not '{self.labels}'")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"the threshold must lie in 0..1, not {self.threshold:g}")

    def thresholds(self, default: Sequence[float]) -> list[float]:
        """One threshold per class.

        Args:
            default: (classes,) the thresholds of the card.
        """
        return list(default) if self.threshold is None else [float(self.threshold)] * len(default)

    def smoothing(self, default: Smoothing) -> Smoothing:
        """How events are cleaned up; a threshold of the user's also applies to events of low scores.

        Args:
            default: that of the card.
        """
        return default if self.threshold is None else default.keeping_unlikely()

    def reader(self, path: str | Path, rate: int) -> AudioReader:
        """A reader of the sound.

        Args:
            path: the file.
            rate: samples per second to read.

        Raises:
            MediaError: the file cannot be read, or has no such track.
        """
        mono: Literal["allow", "error"] = "allow" if self.allow_mono else "error"
        return AudioReader(path, rate, mono, self.track, self.swap_channels, self.layout)

    def record(self) -> dict[str, Any]:
        """The settings for the record of a run, as plain values."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in OF_ONE_FILE}
        # Records from before these settings stay valid.
        if self.labels == "classes":
            del values["labels"]
        values |= {"find": [self.find] if isinstance(self.find, str) else list(self.find)}
        if not self.find:
            del values["find"]
        return values | {"track": "auto" if self.track is None else track_text(self.track)}

    def result_record(self, track: Track) -> dict[str, Any]:
        """The settings that a result keeps, as plain values; without the threshold, which it keeps per class.

        Args:
            track: the sound track that was read.
        """
        values = self.record() | {"track": track_text(track)}
        del values["threshold"]
        return values
