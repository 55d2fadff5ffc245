"""Visual detectors by name.

What every visual detector offers, whatever runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MissingExtraError, UsageError
from earwitness.encoders.weights.weight_files import Weights, find_weights
from earwitness.vision.boxes import Boxes

RGBArray = NDArray[np.uint8]


class VisualDetector(Protocol):
    """Finds people or things in pictures.

    Attributes:
        name: of the detector with all that its results depend on; results are cached under it.
    """

    @property
    def name(self) -> str:
        """Of the detector and its settings."""

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """What is in each picture (H, W, 3) uint8, surest first.

        A result depends on its picture and, at most, on those before it in the same call, which follow in time.
        """


LIGHT: Final = "pose"
VITPOSE: Final = "vitpose"
OWLVIT: Final = "owlvit-boxes"
DETECTORS: Final = (LIGHT, VITPOSE, OWLVIT)


class LazyDetector:
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

    def unload(self) -> None:
        """Give it back until it is to look again."""
        self._detector = None


def open_detector(name: str) -> VisualDetector:
    """A detector whose weights and libraries are there; it is loaded when it first looks.

    Args:
        name: one of `DETECTORS`.

    Raises:
        UsageError: there is no such detector.
        MissingWeightsError: its weights have not been fetched; names the command.
        MissingExtraError: a library is missing; names the optional install.
        EncoderError: its weights are damaged.
    """
    if name == LIGHT:
        from earwitness.vision.detectors.pose import PoseConfig, PoseDetector

        folder, config = find_weights(LIGHT).folder, PoseConfig()
        _require("seeing people in pictures", "vision", "ai_edge_litert")
        return LazyDetector(config.name, lambda: PoseDetector(folder, config))
    if name == VITPOSE:
        from earwitness.vision.detectors.vitpose import VitPoseDetector

        pose, people = find_weights("vitpose"), find_weights("rtdetr")
        _require("the visual detector 'vitpose'", "semantic", "transformers", "torch")
        called = _called(name, people, pose)
        return LazyDetector(called, lambda: VitPoseDetector(people.folder, pose.folder, called))
    if name == OWLVIT:
        from earwitness.vision.detectors.owlvit_boxes import OwlVitBoxes

        weights = find_weights("owlvit")
        _require("the visual detector 'owlvit-boxes'", "semantic", "transformers", "torch")
        called = _called(name, weights)
        return LazyDetector(called, lambda: OwlVitBoxes(weights.folder, called))
    raise UsageError(f"unknown visual detector '{name}'; choose one of: {', '.join(DETECTORS)}")


def _called(name: str, *weights: Weights) -> str:
    """Of a detector and its weights; the number counts changes of what is made of them."""
    return f"{name}-1 {' '.join(each.digest[:16] for each in weights)}"


def _require(feature: str, extra: str, *modules: str) -> None:
    if any(find_spec(module) is None for module in modules):
        raise MissingExtraError(feature, extra)
