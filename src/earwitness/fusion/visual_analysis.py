"""Visual analysis: a visual detector and the fusion of its detections with sound events, for any number of files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError, MissingExtraError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.fusion.explanation import candidate_summaries, explanations
from earwitness.fusion.fuse import Fused, fuse_long
from earwitness.fusion.fusion_settings import FusionSettings, default_settings
from earwitness.fusion.picture_warnings import picture_warnings
from earwitness.fusion.visual_result import VisualResult
from earwitness.results.detection import TURNED_OFF
from earwitness.vision.detectors.detector_registry import LIGHT, LazyDetector, VisualDetector, open_detector
from earwitness.vision.observation_cache import cached_observation
from earwitness.vision.observe import DEFAULT_RATE, Observation, observe
from earwitness.vision.tracking.candidate_index import CandidateIndex, shows_scene

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
