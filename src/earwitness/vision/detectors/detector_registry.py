"""Registry of visual detectors, and their protocol."""

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
    """Detects people or objects in pictures.

    Attributes:
        name: name with all settings and weights that determine the results; key of the cache.
    """

    @property
    def name(self) -> str:
        """Name with all settings and weights that determine the results."""

    def detect(self, pictures: Sequence[RGBArray]) -> list[Boxes]:
        """Detections in each picture (H, W, 3) uint8, best first.

        A result depends only on its picture and on earlier pictures of the same call, which are in order of time.
        """


LIGHT: Final = "pose"
VITPOSE: Final = "vitpose"
OWLVIT: Final = "owlvit-boxes"
DETECTORS: Final = (LIGHT, VITPOSE, OWLVIT)
EXPERIMENTAL: Final = (VITPOSE, OWLVIT)
"""Detectors that have never been run with their published weights."""


class LazyDetector:
    """A detector that is loaded on first use: sound files and cached observations do not need it.

    Args:
        name: name with all settings and weights that determine the results.
        load: loads the detector.
    """

    def __init__(self, name: str, load: Callable[[], VisualDetector]) -> None:
        self.name, self._load = name, load
        self._detector: VisualDetector | None = None

    def detect(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        """See `VisualDetector`; raises the errors of loading."""
        if self._detector is None:
            self._detector = self._load()
        return self._detector.detect(pictures)

    def unload(self) -> None:
        """Free its memory until it is used again."""
        self._detector = None


def open_detector(name: str) -> VisualDetector:
    """Create a detector after checking that its weights and libraries are installed; it is loaded on first use.

    Args:
        name: one of `DETECTORS`.

    Raises:
        UsageError: there is no such detector.
        MissingWeightsError: its weights have not been downloaded; the message gives the command.
        MissingExtraError: a library is missing; the message names the extra.
        EncoderError: its weights are damaged.
    """
    if name == LIGHT:
        from earwitness.vision.detectors.pose import PoseConfig, PoseDetector

        folder, config = find_weights(LIGHT).folder, PoseConfig()
        _require("detecting people in pictures", "vision", "ai_edge_litert")
        return LazyDetector(config.name, lambda: PoseDetector(folder, config))
    if name == VITPOSE:
        from earwitness.vision.detectors.experimental import VitPoseDetector

        pose, people = find_weights("vitpose"), find_weights("rtdetr")
        _require("the visual detector 'vitpose'", "semantic", "transformers", "torch")
        versioned = _versioned_name(name, people, pose)
        return LazyDetector(versioned, lambda: VitPoseDetector(people.folder, pose.folder, versioned))
    if name == OWLVIT:
        from earwitness.vision.detectors.experimental import OwlVitBoxes

        weights = find_weights("owlvit")
        _require("the visual detector 'owlvit-boxes'", "semantic", "transformers", "torch")
        versioned = _versioned_name(name, weights)
        return LazyDetector(versioned, lambda: OwlVitBoxes(weights.folder, versioned))
    raise UsageError(f"unknown visual detector '{name}'; choose one of: {', '.join(DETECTORS)}")


def _versioned_name(name: str, *weights: Weights) -> str:
    """Name of a detector with its weights; the number is the version of the method."""
    return f"{name}-1 {' '.join(each.digest[:16] for each in weights)}"


def _require(feature: str, extra: str, *modules: str) -> None:
    if any(find_spec(module) is None for module in modules):
        raise MissingExtraError(feature, extra)
