"""Visual analysis: a visual detector and the fusion of its detections with sound events, for any number of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError, MissingExtraError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.fusion.fuse import Fused, fuse_long
from earwitness.fusion.fusion_settings import FusionSettings, default_settings
from earwitness.fusion.visual_result import VisualResult, candidate_summaries, explanations
from earwitness.results.detection import TURNED_OFF
from earwitness.vision.candidates import CandidateIndex, shows_scene
from earwitness.vision.detectors.detector_registry import LIGHT, LazyDetector, VisualDetector, open_detector
from earwitness.vision.observation_cache import cached_observation
from earwitness.vision.observe import DEFAULT_RATE, Observation, observe

AUTO: Final = "auto"
"""Use the default detector where it is installed, none otherwise."""


class VisualAnalysis:
    """Fuses sound events with the objects in the pictures of a file.

    Args:
        detector: detects people and objects.
        rate: pictures per second for the detector.
        settings: settings of the fusion; by default the shipped ones.
        cache: folder of cached observations; by default in the user's cache.
        keep: cache the observations.
    """

    def __init__(
        self,
        detector: VisualDetector,
        *,
        rate: float = DEFAULT_RATE,
        settings: FusionSettings | None = None,
        cache: Path | None = None,
        keep: bool = True,
    ) -> None:
        self._detector, self._rate, self._cache, self._keep = detector, rate, cache, keep
        self._settings = settings or default_settings()

    def analyse(
        self,
        path: str | Path,
        table: EventTable,
        fov: float = DEFAULT_FOV_DEG,
        progress: Callable[[float], None] | None = None,
    ) -> VisualResult:
        """Analyse the pictures of a file and fuse the result with its events.

        Args:
            path: a file with moving pictures.
            table: its events, with linked sources.
            fov: horizontal field of view of the camera, degrees.
            progress: called with the seconds analysed.

        Raises:
            UsageError: a field of view out of range.
            MediaError: the pictures cannot be read.
        """
        if not 1 <= fov <= 170:
            raise UsageError(f"the field of view must lie in 1..170 degrees, not {fov:g}")
        observation, kept = self._observe(path, progress)
        candidate_index, settings = (
            CandidateIndex(observation, fov, table.vocabulary),
            self._settings.of(table.vocabulary),
        )
        fused = _off_screen_on_cards(fuse_long(table, candidate_index, fov, settings), shows_scene(observation))
        causes = dict(explanations(fused, candidate_index))
        objects, frames = tuple(candidate_summaries(candidate_index)), observation.num_frames - observation.first_frame
        width, height, content = observation.width, observation.height, observation.content
        warnings = (
            *observation.warnings,
            *picture_warnings(table, fused, candidate_index, observation, fov, settings),
        )
        return VisualResult(fused, width, height, content, frames, objects, causes, kept, warnings)

    def _observe(self, path: str | Path, progress: Callable[[float], None] | None) -> tuple[Observation, bool]:
        if self._keep:
            return cached_observation(path, self._detector, self._rate, self._cache, progress)
        return observe(path, self._detector, self._rate, progress=progress), False

    def unload(self) -> None:
        """Free the memory of the detector, if it can be loaded again."""
        if isinstance(self._detector, LazyDetector):
            self._detector.unload()

    def record(self) -> dict[str, Any]:
        """Everything that determines the results, as plain values."""
        return {
            "detector": self._detector.name,
            "pictures_per_second": self._rate,
            "fusion": self._settings.fitted_on or "unnamed settings",
        }


def _off_screen_on_cards(fused: Fused, shown: NDArray[np.bool_]) -> Fused:
    """Set events off screen while the picture does not show a scene."""
    frame = fused.table.frame
    hidden = ~shown[np.minimum(frame, len(shown) - 1)]
    if not hidden.any():
        return fused
    table = fused.table.with_columns(onscreen=fused.table.onscreen & ~hidden)
    return replace(fused, table=table, onscreen_probability=np.where(hidden, 0.0, fused.onscreen_probability))


def open_visual_analysis(name: str | None, *, keep: bool = True) -> tuple[VisualAnalysis | None, str]:
    """Create the visual analysis for a detector.

    Args:
        name: name of a visual detector, "auto", or None for no analysis.
        keep: as for `VisualAnalysis`.

    Returns:
        The analysis, or None and the reason.

    Raises:
        UsageError: there is no such detector.
        EncoderError, MissingExtraError: a detector was named that is not installed, or damaged.
    """
    if name is None:
        return None, TURNED_OFF
    if name != AUTO:
        return VisualAnalysis(open_detector(name), keep=keep), ""
    try:
        return VisualAnalysis(open_detector(LIGHT), keep=keep), ""
    except (MissingExtraError, EncoderError) as error:
        return None, str(error)


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
