"""Weights as 16-bit numbers in an ONNX file: half the size, and arithmetic in 32 bits once they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEWEST: Final = 1024
"""Weights with fewer numbers than this stay as they are: there is nothing to gain."""
_LARGEST: Final = float(np.finfo(np.float16).max)


def halve(path: Path) -> None:
    """Rewrite an ONNX file with its large float32 weights as float16, each turned back by a Cast where it is used.

    ONNX Runtime does the casts once, while it loads.
    """
    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < FEWEST:
            continue
        short = f"{tensor.name}.half"
        casts.append(helper.make_node("Cast", [short], [tensor.name], to=TensorProto.FLOAT))
        halved = numpy_helper.from_array(np.clip(values, -_LARGEST, _LARGEST).astype(np.float16), short)
        graph.initializer.remove(tensor)
        graph.initializer.append(halved)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
