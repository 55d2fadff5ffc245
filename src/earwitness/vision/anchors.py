"""Where the outputs of MediaPipe's single-shot detectors sit in their input picture.

These networks (BlazeFace, BlazePose's detector) use anchors of one fixed size, so that an anchor is just the centre of
its cell. Layers of the same stride share a grid: their anchors alternate cell by cell.
Source: options of the public MediaPipe graphs (strides, anchors a cell), counts checked against the models' outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray


def anchor_centres(size: int, strides: Sequence[int], per_layer: int = 2) -> NDArray[np.float32]:
    """Centres (n, 2), x and y in 0..1, in the order of the network's outputs.

    Args:
        size: side of the square input, pixels.
        strides: pixels from cell to cell, one a layer.
        per_layer: anchors in a cell that each layer has.
    """
    centres = []
    for stride, layers in groupby(strides):
        cells = -(-size // stride)
        steps = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        centres.append(np.repeat(grid, per_layer * len(list(layers)), axis=0))
    return np.concatenate(centres)
