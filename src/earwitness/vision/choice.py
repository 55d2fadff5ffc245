"""Visual detectors by name."""

from __future__ import annotations

from typing import Final

from earwitness.encoders.weights import find_weights
from earwitness.errors import RecipeError
from earwitness.vision.protocol import VisualDetector

LIGHT: Final = "pose"
DETECTORS: Final = (LIGHT,)


def open_detector(name: str) -> VisualDetector:
    """Load a detector.

    Args:
        name: one of `DETECTORS`.

    Raises:
        RecipeError: there is no such detector.
        MissingWeightsError: its weights have not been fetched; names the command.
        MissingExtraError: a library is missing; names the optional install.
        ModelError: its weights are damaged.
    """
    if name == LIGHT:
        from earwitness.vision.pose import PoseDetector

        return PoseDetector(find_weights(LIGHT).folder)
    raise RecipeError(f"unknown visual detector '{name}'; choose one of: {', '.join(DETECTORS)}")
