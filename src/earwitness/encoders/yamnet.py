"""YAMNet: a tagger of AudioSet's 521 classes with 1024-dimensional embeddings; needs only ONNX Runtime.

Its input is a log-mel spectrogram at 16 kHz (`earwitness.features.mel`) in patches of 96 frames. Its convolutions
are also available as arrays, for networks that contain them.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field

from earwitness.core.errors import EncoderError, first_line
from earwitness.core.files.small_files import read_bytes
from earwitness.encoders.encoder_input import as_channels, sound_map
from earwitness.encoders.onnx_session import MOST_BYTES, check_onnx, open_session, with_outputs
from earwitness.encoders.protocol import SoundChannel, SoundSettings, TokenMap, fingerprint
from earwitness.encoders.weights.weight_files import Weights, find_weights, local_weights
from earwitness.features import mel

CONVOLUTIONS: Final = 27


def convolutions(weights: Weights | None = None) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Kernel and bias of each convolution, in the order of the network; needs the `onnx` package.

    Args:
        weights: `model.onnx` and `model.data`; by default the downloaded ones.

    Raises:
        MissingWeightsError: they have not been downloaded.
        EncoderError: the weights are not those of YAMNet.
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
        # The graph uses 8-bit copies of the kernels, quantised from the float kernels that it contains.
        found = [(arrays[node.input[1].removesuffix("_qdq")], arrays[node.input[2]]) for node in nodes]
    except EncoderError:
        raise
    except Exception as error:  # onnx raises a dozen unrelated types for damaged files
        raise EncoderError(f"{weights.folder}: not YAMNet's weights ({first_line(error)})") from error
    if len(found) != CONVOLUTIONS:
        raise EncoderError(f"{weights.folder}: not YAMNet's weights ({len(found)} convolutions, not {CONVOLUTIONS})")
    return [(np.array(kernel, dtype=np.float32), np.array(bias, dtype=np.float32)) for kernel, bias in found]


RATE: Final = 16_000
_WINDOW: Final = 400
_FRAME_HOP: Final = 160
_PATCH_FRAMES: Final = 96
_PATCH_SAMPLES: Final = (_PATCH_FRAMES - 1) * _FRAME_HOP + _WINDOW

_SCALE: Final = 0.047937885
_ZERO: Final = 144
"""The 8-bit graph takes log-mel values as round(x / scale) + zero."""
_EMBEDDING: Final = "/model/GlobalAveragePool_output_0_updated"
_LOGITS: Final = "class_scores_updated"
_FILES: Final = ("model.data", "classes.csv")
_REVISION: Final = 1


class YamnetSettings(SoundSettings):
    """Settings of YAMNet.

    Attributes:
        hop_frames: hop between tokens, in frames of 10 ms. A token covers 0.975 s for any hop.
    """

    hop_frames: int = Field(default=24, ge=1, le=_PATCH_FRAMES)


class Yamnet:
    """YAMNet as a sound encoder and as a tagger.

    Attributes:
        settings: settings of the encoder.
        channels: channels that are encoded.
        classes: AudioSet's names of the 521 classes.
        fingerprint: identifies weights and settings.
    """

    name: Final = "yamnet"
    modality: Final[Literal["sound"]] = "sound"
    dim: Final = 1024

    def __init__(self, weights: Weights, settings: YamnetSettings | None = None, threads: int = 1) -> None:
        """Load the network.

        Args:
            weights: `model.onnx`, `model.data` and `classes.csv`.
            settings: settings of the encoder; None takes the defaults.
            threads: threads of ONNX Runtime.

        Raises:
            EncoderError: the weights are not those of YAMNet.
        """
        self.settings = settings or YamnetSettings()
        self.channels: tuple[SoundChannel, ...] = self.settings.channels
        self.fingerprint = fingerprint(self.name, weights.digest, self.settings.model_dump(mode="json"), _REVISION)
        self.classes = _class_names(weights.path("classes.csv"))
        self._session = _session(weights, threads)

    @classmethod
    def load(cls, settings: YamnetSettings | None = None, folder: Path | None = None, threads: int = 1) -> Self:
        """Load the network with the downloaded weights, or with those in `folder`.

        Raises:
            MissingWeightsError: the weights have not been downloaded.
        """
        weights = find_weights(cls.name) if folder is None else local_weights(cls.name, folder, _FILES, ("model.onnx",))
        return cls(weights, settings, threads)

    def encode(self, stereo: NDArray[np.float32], rate: int) -> TokenMap:
        """Encode a segment of sound; see `protocol.SoundEncoder`. Token k is centred on (k + 1/2) hops."""
        channels = as_channels(stereo, rate, RATE, self.channels)
        outputs = [self._run(channel, _EMBEDDING) for channel in channels]
        return sound_map(np.stack(outputs, axis=1), self._times(channels.shape[1]), self.channels)

    def encode_batch(self, windows: Sequence[NDArray[np.float32]], rate: int) -> list[TokenMap]:
        """Encode several segments one after the other, since the graph takes one patch at a time."""
        return [self.encode(window, rate) for window in windows]

    def tag(self, stereo: NDArray[np.float32], rate: int) -> TokenMap:
        """Logits of the 521 AudioSet classes as tokens: (T, channels, 521)."""
        channels = as_channels(stereo, rate, RATE, self.channels)
        outputs = [self._run(channel, _LOGITS) for channel in channels]
        return sound_map(np.stack(outputs, axis=1), self._times(channels.shape[1]), self.channels)

    def _times(self, samples: int) -> NDArray[np.float64]:
        hop = self.settings.hop_frames * _FRAME_HOP
        steps = np.arange(max(1, round(samples / hop)), dtype=np.float64)
        return np.asarray((steps + 0.5) * (hop / RATE))

    def _run(self, channel: NDArray[np.float32], output: str) -> NDArray[np.float32]:
        """One output (T, numbers) of every patch of a channel (n,) at 16 kHz."""
        hop = self.settings.hop_frames
        steps = self._times(channel.size).size
        before = (_PATCH_SAMPLES - hop * _FRAME_HOP) // 2
        total = (hop * (steps - 1)) * _FRAME_HOP + _PATCH_SAMPLES
        padded = np.zeros(total, dtype=np.float32)
        # Silence before and after the sound, so that the first and last tokens are spaced like all others.
        source = channel[max(0, -before) : max(0, -before) + total - max(0, before)]
        padded[max(0, before) : max(0, before) + source.size] = source
        quantized = np.clip(np.rint(log_mel(padded) / _SCALE) + _ZERO, 0, 255).astype(np.uint8)
        patches = sliding_window_view(quantized, _PATCH_FRAMES, axis=0)[::hop]
        rows = [
            self._session.run([output], {"audio": np.ascontiguousarray(patch.T)[None, None]})[0].ravel()
            for patch in patches
        ]
        return np.asarray(np.stack(rows), dtype=np.float32)


def log_mel(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """YAMNet's log-mel frames (frames, 64) of sound (n,) at 16 kHz; the first window starts at the first sample."""
    return mel.log_mel(sliding_window_view(sound, _WINDOW)[::_FRAME_HOP], RATE)


def _session(weights: Weights, threads: int) -> Any:
    path = weights.path("model.onnx")
    contents = read_bytes(path, MOST_BYTES, EncoderError)
    check_onnx(contents, str(path), EncoderError, external=("model.data",))
    graph = with_outputs(contents, (_EMBEDDING, _LOGITS))
    try:
        return open_session(graph, threads, weights.folder)
    except Exception as error:  # ONNX Runtime raises a dozen unrelated types, none of them its own base class
        raise EncoderError(f"{weights.folder}: not YAMNet's weights ({first_line(error)})") from error


def _class_names(path: Path) -> tuple[str, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(row["display_name"] for row in csv.DictReader(file))
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise EncoderError(f"{path}: not a table of YAMNet's classes ({error})") from error
