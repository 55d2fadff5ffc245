"""Visual detectors by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.encoders.weights import Weights, find_weights
from earwitness.errors import MissingExtraError, RecipeError
from earwitness.vision.boxes import Boxes
from earwitness.vision.protocol import VisualDetector

LIGHT: Final = "pose"
VITPOSE: Final = "vitpose"
OWLVIT: Final = "owlvit-boxes"
DETECTORS: Final = (LIGHT, VITPOSE, OWLVIT)


class LateDetector:
    """A detector that is loaded when it first looks: files without pictures, and pictures seen before, need none.

    Args:
        name: of the detector with all that its results depend on.
        load: loads it.
    """

    def __init__(self, name: str, load: Callable[[], VisualDetector]) -> None:
        self.name, self._load = name, load
        self._detector: VisualDetector | None = None

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        """See `VisualDetector`; raises what loading raises."""
        if self._detector is None:
            self._detector = self._load()
        return self._detector.detect(pictures)

    def rest(self) -> None:
        """Give it back until it is to look again."""
        self._detector = None


def open_detector(name: str) -> VisualDetector:
    """A detector whose weights and libraries are there; it is loaded when it first looks.

    Args:
        name: one of `DETECTORS`.

    Raises:
        RecipeError: there is no such detector.
        MissingWeightsError: its weights have not been fetched; names the command.
        MissingExtraError: a library is missing; names the optional install.
        EncoderError: its weights are damaged.
    """
    if name == LIGHT:
        from earwitness.vision.pose import PoseConfig, PoseDetector

        folder, config = find_weights(LIGHT).folder, PoseConfig()
        _require("seeing people in pictures", "vision", "ai_edge_litert")
        return LateDetector(config.name, lambda: PoseDetector(folder, config))
    if name == VITPOSE:
        from earwitness.vision.vitpose import VitPoseDetector

        pose, people = find_weights("vitpose"), find_weights("rtdetr")
        _require("the visual detector 'vitpose'", "semantic", "transformers", "torch")
        called = _called(name, people, pose)
        return LateDetector(called, lambda: VitPoseDetector(people.folder, pose.folder, called))
    if name == OWLVIT:
        from earwitness.vision.owlvit_boxes import OwlVitBoxes

        weights = find_weights("owlvit")
        _require("the visual detector 'owlvit-boxes'", "semantic", "transformers", "torch")
        called = _called(name, weights)
        return LateDetector(called, lambda: OwlVitBoxes(weights.folder, called))
    raise RecipeError(f"unknown visual detector '{name}'; choose one of: {', '.join(DETECTORS)}")


def _called(name: str, *weights: Weights) -> str:
    """Of a detector and its weights; the number counts changes of what is made of them."""
    return f"{name}-1 {' '.join(each.digest[:16] for each in weights)}"


def _require(feature: str, extra: str, *modules: str) -> None:
    if any(find_spec(module) is None for module in modules):
        raise MissingExtraError(feature, extra)
