"""YAMNet's convolutions as arrays, for networks that hold them."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.encoders.onnx_check import MOST_BYTES, check_onnx
from earwitness.encoders.weights import Weights, find_weights
from earwitness.errors import EncoderError, first_line
from earwitness.small_files import read_bytes

CONVOLUTIONS: Final = 27


def convolutions(weights: Weights | None = None) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Kernel and bias of each convolution, in the order in which they are done; needs the `onnx` package.

    Args:
        weights: `model.onnx` and `model.data`; by default those that were fetched.

    Raises:
        MissingWeightsError: they have not been fetched.
        EncoderError: the weights are not YAMNet's.
    """
    import onnx
    from onnx import numpy_helper

    weights = weights or find_weights("yamnet")
    try:
        path = weights.path("model.onnx")
        check_onnx(read_bytes(path, MOST_BYTES, EncoderError), str(path), EncoderError, external=("model.data",))
        graph = onnx.load(str(path)).graph
        arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        nodes = [node for node in graph.node if node.op_type == "Conv"]
        # The graph takes 8-bit copies of the kernels, made from the whole ones that it holds.
        found = [(arrays[node.input[1].removesuffix("_qdq")], arrays[node.input[2]]) for node in nodes]
    except EncoderError:
        raise
    except Exception as error:  # onnx raises a dozen unrelated types for damaged files
        raise EncoderError(f"{weights.folder}: not YAMNet's weights ({first_line(error)})") from error
    if len(found) != CONVOLUTIONS:
        raise EncoderError(f"{weights.folder}: not YAMNet's weights ({len(found)} convolutions, not {CONVOLUTIONS})")
    return [(np.array(kernel, dtype=np.float32), np.array(bias, dtype=np.float32)) for kernel, bias in found]
