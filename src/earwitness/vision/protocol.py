"""What every visual detector offers, whatever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
