"""The eyes of `detect`: a visual detector, a camera's field of view and the fusion, ready for any number of files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import EncoderError, MissingExtraError, RecipeError
from earwitness.events import EventTable
from earwitness.geometry import DEFAULT_FOV_DEG
from earwitness.inference.detection import TURNED_OFF
from earwitness.inference.fusion import Fused
from earwitness.inference.fusion_settings import FusionSettings, default_settings
from earwitness.inference.long_fusion import fuse_long
from earwitness.inference.picture_warnings import picture_warnings
from earwitness.inference.reasons import EventKey, Reason, Thing, reasons, things
from earwitness.vision.cache import cached_watch
from earwitness.vision.choice import LIGHT, LateDetector, open_detector
from earwitness.vision.protocol import VisualDetector
from earwitness.vision.scenery import Scenery, shows_scene
from earwitness.vision.watch import DEFAULT_RATE, Watched, watch

AUTO: Final = "auto"
"""The light detector where it is present, none where it is not."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What looking at a file came to.

    Attributes:
        fused: the events after it, and what was done to each.
        width, height: of the pictures as they were watched, pixels.
        content: left, top, right, bottom of what is not black bar, pixels.
        frames: label frames with a picture.
        things: everything seen, by number.
        reasons: for each event that something seen bears on, what that is.
        from_cache: whether the file had been watched before.
        warnings: what a user should know of the pictures.
    """

    fused: Fused
    width: int
    height: int
    content: tuple[int, int, int, int]
    frames: int
    things: tuple[Thing, ...]
    reasons: dict[EventKey, Reason]
    from_cache: bool
    warnings: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the picture's width, what is not black bar."""
        left, _, right, _ = self.content
        return max(1, right - left) / self.width


class Eyes:
    """Looks at the pictures of files.

    Args:
        detector: what finds people and things.
        rate: pictures a second that it looks at.
        settings: of the fusion; by default those that ship.
        cache: folder of what was seen; by default the user's.
        keep: whether what was seen is kept there, for the next time.
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

    def look(
        self,
        path: str | Path,
        table: EventTable,
        fov: float = DEFAULT_FOV_DEG,
        progress: Callable[[float], None] | None = None,
    ) -> Sight:
        """Merge the events of a file with what its pictures show.

        Args:
            path: a file with moving pictures.
            table: its events, sources linked.
            fov: horizontal field of view of its camera, degrees.
            progress: called with the seconds looked at.

        Raises:
            RecipeError: a field of view that cannot be.
            MediaError: its pictures cannot be read.
        """
        if not 1 <= fov <= 170:
            raise RecipeError(f"the field of view must lie in 1..170 degrees, not {fov:g}")
        watched, kept = self._watch(path, progress)
        scenery = Scenery(watched, fov)
        fused = _nothing_on_cards(fuse_long(table, scenery, fov, self._settings), shows_scene(watched))
        why = dict(reasons(fused, scenery))
        seen, frames = tuple(things(scenery)), watched.num_frames - watched.first_frame
        width, height, content = watched.width, watched.height, watched.content
        said = picture_warnings(table, fused, scenery, watched, fov, self._settings)
        return Sight(fused, width, height, content, frames, seen, why, kept, (*watched.warnings, *said))

    def _watch(self, path: str | Path, progress: Callable[[float], None] | None) -> tuple[Watched, bool]:
        if self._keep:
            return cached_watch(path, self._detector, self._rate, self._cache, progress)
        return watch(path, self._detector, self._rate, progress=progress), False

    def rest(self) -> None:
        """Give back the memory of the detector, where it is one that can be loaded again."""
        if isinstance(self._detector, LateDetector):
            self._detector.rest()

    def record(self) -> dict[str, Any]:
        """What decides its results, as plain values."""
        return {
            "detector": self._detector.name,
            "pictures_per_second": self._rate,
            "fusion": self._settings.fitted_on or "unnamed settings",
        }


def _nothing_on_cards(fused: Fused, shown: NDArray[np.bool_]) -> Fused:
    """Nothing is on screen while the picture shows no scene."""
    frame = fused.table.frame
    hidden = ~shown[np.minimum(frame, len(shown) - 1)]
    if not hidden.any():
        return fused
    table = fused.table.with_columns(onscreen=fused.table.onscreen & ~hidden)
    return replace(fused, table=table, onscreen_probability=np.where(hidden, 0.0, fused.onscreen_probability))


def open_eyes(name: str | None, *, keep: bool = True) -> tuple[Eyes | None, str]:
    """Eyes by the name of their detector.

    Args:
        name: a visual detector, "auto", or None for none.
        keep: as in `Eyes`.

    Returns:
        The eyes, or None and why there are none.

    Raises:
        RecipeError: there is no such detector.
        EncoderError, MissingExtraError: it was asked for by name and is not there, or damaged.
    """
    if name is None:
        return None, TURNED_OFF
    if name != AUTO:
        return Eyes(open_detector(name), keep=keep), ""
    try:
        return Eyes(open_detector(LIGHT), keep=keep), ""
    except (MissingExtraError, EncoderError) as error:
        return None, str(error)
