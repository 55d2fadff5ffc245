"""Visual detectors by name."""

from __future__ import annotations

from typing import Final

from earwitness.encoders.weights import find_weights, weights_folder
from earwitness.errors import RecipeError
from earwitness.vision.protocol import VisualDetector

LIGHT: Final = "pose"
DETECTORS: Final = (LIGHT, "vitpose", "owlvit-boxes")


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
    if name == "vitpose":
        from earwitness.vision.vitpose import VitPoseDetector

        return VitPoseDetector(weights_folder(name))
    if name == "owlvit-boxes":
        from earwitness.vision.owlvit_boxes import OwlVitBoxes

        return OwlVitBoxes(find_weights("owlvit").folder)
    raise RecipeError(f"unknown visual detector '{name}'; choose one of: {', '.join(DETECTORS)}")
