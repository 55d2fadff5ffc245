"""EfficientNet-Lite0 (ImageNet): a grid of picture features, 1280 per cell; runs in ONNX Runtime.

Source: M. Tan, Q. Le: EfficientNet (2019) in its "lite" form (tensorflow/tpu, efficientnet/lite): no
squeeze-and-excite, ReLU6, TensorFlow's "same" padding, input (x - 127) / 128. It is used as a fully convolutional
network here, so that the input size is not limited to 224 x 224.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from earwitness.core.errors import EncoderError, MissingExtraError, first_line
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.encoders.encoder_input import PictureGrid, PictureSettings, check_frames
from earwitness.encoders.onnx_session import open_session
from earwitness.encoders.protocol import TokenMap, fingerprint
from earwitness.encoders.weights.weight_files import Weights, find_weights, local_weights

CELL: Final = 32
_MEAN, _DEVIATION = np.float32(127), np.float32(128)
_EPSILON: Final = 1e-3
_BLOCKS: Final = 16
_HALVING: Final = (1, 3, 5, 11)
"""Blocks that halve height and width, as the stem does."""
_FILE: Final = "model.pth"
_REVISION: Final = 1

Arrays = Mapping[str, NDArray[np.float32]]


class EfficientNetSettings(PictureSettings):
    """Settings of EfficientNet-Lite0. By default 10 x 6 cells; a column in the middle is 10 degrees wide.

    Attributes:
        width, height: size of the input in pixels, multiples of 32.
    """

    rows: int | None = Field(default=1, ge=1)
    width: int = Field(default=320, ge=CELL, multiple_of=CELL)
    height: int = Field(default=192, ge=CELL, multiple_of=CELL)


class EfficientNetLite0:
    """EfficientNet-Lite0 as a picture encoder.

    Attributes:
        settings: settings of the encoder.
        fingerprint: identifies weights and settings.
    """

    name: Final = "efficientnet-lite0"
    modality: Final[Literal["picture"]] = "picture"
    dim: Final = 1280

    def __init__(
        self, weights: Weights, settings: EfficientNetSettings | None = None, threads: int = 1, batch: int = 8
    ) -> None:
        """Load the network.

        Args:
            weights: `model.pth`.
            settings: settings of the encoder; None takes the defaults.
            threads: threads of ONNX Runtime.
            batch: pictures per batch.

        Raises:
            EncoderError: the weights are not those of this network.
            MissingExtraError: torch or onnx is not installed.
        """
        self.settings = settings or EfficientNetSettings()
        self.fingerprint = fingerprint(self.name, weights.digest, self.settings.model_dump(mode="json"), _REVISION)
        self._batch = batch
        arrays = _read_arrays(weights.path(_FILE))
        try:
            self._session = _session(arrays, self.settings, threads)
            self._classifier = arrays["_fc.weight"], arrays["_fc.bias"]
        except KeyError as error:
            raise EncoderError(f"{weights.path(_FILE)}: not EfficientNet-Lite0's weights: {error} is missing") from None

    @classmethod
    def load(cls, settings: EfficientNetSettings | None = None, folder: Path | None = None, threads: int = 1) -> Self:
        """Load the network with the downloaded weights, or with those in `folder`.

        Raises:
            MissingWeightsError: the weights have not been downloaded.
        """
        weights = find_weights(cls.name) if folder is None else local_weights(cls.name, folder, (), (_FILE,))
        return cls(weights, settings, threads)

    def encode(
        self, frames: NDArray[np.uint8], times: NDArray[np.float64], horizontal_fov_deg: float = DEFAULT_FOV_DEG
    ) -> TokenMap:
        """Encode pictures; see `protocol.PictureEncoder`."""
        size = check_frames(frames, times, horizontal_fov_deg)
        grid = PictureGrid.of((self.settings.width, self.settings.height), CELL, size, self.settings.fit)
        return grid.token_map(self._cells(grid, frames), times, horizontal_fov_deg, self.settings)

    def classify(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits (N, 1000) of the ImageNet classes."""
        size = check_frames(frames, np.arange(len(frames), dtype=np.float64), 100.0)
        grid = PictureGrid.of((self.settings.width, self.settings.height), CELL, size, self.settings.fit)
        weight, bias = self._classifier
        return np.asarray(self._cells(grid, frames).mean(axis=(1, 2)) @ weight.T + bias)

    def _cells(self, grid: PictureGrid, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, rows, columns, 1280)."""
        parts = []
        for start in range(0, len(frames), self._batch):
            drawn = grid.draw(frames[start : start + self._batch], Image.Resampling.BICUBIC)
            pixels = (drawn.transpose(0, 3, 1, 2) - _MEAN) / _DEVIATION
            parts.append(self._session.run(["cells"], {"pixels": pixels})[0].transpose(0, 2, 3, 1))
        return np.concatenate(parts)


class _Conv(NamedTuple):
    """A convolution of the network: the names of its arrays, and how it is applied."""

    weight: str
    norm: str
    stride: int = 1
    depthwise: bool = False
    active: bool = True


def _session(arrays: Arrays, settings: EfficientNetSettings, threads: int) -> Any:
    """The network as an ONNX Runtime session, which takes about half as long as torch."""
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise MissingExtraError("efficientnet-lite0", "semantic") from error
    graph = _Graph(onnx, arrays, settings.height, settings.width)
    last = graph.convolve("pixels", _Conv("_conv_stem", "_bn0", stride=2))
    for number in range(_BLOCKS):
        last = graph.block(last, number)
    last = graph.convolve(last, _Conv("_conv_head", "_bn1"))
    return open_session(graph.serialised(last), threads)


class _Graph:
    """Builds the ONNX graph, with batch normalisation folded into the convolutions."""

    def __init__(self, onnx: Any, arrays: Arrays, height: int, width: int) -> None:
        self._onnx, self._arrays = onnx, arrays
        self._height, self._width = height, width
        self._nodes: list[Any] = []
        self._constants = {"zero": np.float32(0), "six": np.float32(6)}

    def convolve(self, source: str, conv: _Conv) -> str:
        """Append convolution, bias and activation; returns the name of the output."""
        gain = self._arrays[f"{conv.norm}.weight"] / np.sqrt(self._arrays[f"{conv.norm}.running_var"] + _EPSILON)
        weight = self._arrays[f"{conv.weight}.weight"]
        self._constants[f"{conv.weight}.w"] = weight * gain[:, None, None, None]
        self._constants[f"{conv.weight}.b"] = (
            self._arrays[f"{conv.norm}.bias"] - self._arrays[f"{conv.norm}.running_mean"] * gain
        )
        kernel = weight.shape[-1]
        down, across = (_same(length, kernel, conv.stride) for length in (self._height, self._width))
        self._node(
            "Conv", [source, f"{conv.weight}.w", f"{conv.weight}.b"], f"{conv.weight}.y",
            kernel_shape=[kernel, kernel], strides=[conv.stride, conv.stride],
            pads=[down[0], across[0], down[1], across[1]], group=weight.shape[0] if conv.depthwise else 1,
        )  # fmt: skip
        self._height, self._width = -(-self._height // conv.stride), -(-self._width // conv.stride)
        if not conv.active:
            return f"{conv.weight}.y"
        return self._node("Clip", [f"{conv.weight}.y", "zero", "six"], f"{conv.weight}.a")

    def block(self, source: str, number: int) -> str:
        """Append an inverted residual block; returns the name of the output."""
        name, stride, last = f"_blocks.{number}.", 2 if number in _HALVING else 1, source
        expand, shrink = f"{name}_expand_conv", f"{name}_project_conv"
        widens = f"{expand}.weight" in self._arrays
        if widens:
            last = self.convolve(last, _Conv(expand, f"{name}_bn0"))
        last = self.convolve(last, _Conv(f"{name}_depthwise_conv", f"{name}_bn1", stride, depthwise=True))
        last = self.convolve(last, _Conv(shrink, f"{name}_bn2", active=False))
        if not widens or stride > 1 or self._channels(expand)[1] != self._channels(shrink)[0]:
            return last
        return self._node("Add", [source, last], f"{name}sum")

    def serialised(self, output: str) -> bytes:
        """The serialised graph from "pixels" (N, 3, H, W) to "cells" (N, 1280, H / 32, W / 32)."""
        self._node("Identity", [output], "cells")
        helper, float32 = self._onnx.helper, self._onnx.TensorProto.FLOAT
        constants = [self._onnx.numpy_helper.from_array(np.asarray(array), name)
                     for name, array in self._constants.items()]  # fmt: skip
        graph = helper.make_graph(
            self._nodes, "efficientnet-lite0",
            [helper.make_tensor_value_info("pixels", float32, ["pictures", 3, None, None])],
            [helper.make_tensor_value_info("cells", float32, ["pictures", 1280, None, None])],
            constants,
        )  # fmt: skip
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        return bytes(model.SerializeToString())

    def _channels(self, conv: str) -> tuple[int, int]:
        """Number of output and input channels."""
        out, into = self._arrays[f"{conv}.weight"].shape[:2]
        return out, into

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(self._onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output


def _same(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same" padding along one axis, before and after; an odd sample goes after."""
    total = max(0, (-(-length // stride) - 1) * stride + kernel - length)
    return total // 2, total - total // 2


def _read_arrays(path: Path) -> Arrays:
    """The arrays of a PyTorch file; only tensors are unpickled."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise MissingExtraError("efficientnet-lite0", "semantic") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return {name: np.asarray(tensor.numpy()) for name, tensor in state.items()}
    except Exception as error:  # torch raises pickle's, zip's and its own errors for damaged files
        raise EncoderError(f"{path}: not a file of PyTorch weights ({first_line(error)})") from error
