"""Model runtimes: a protocol, and its implementation by ONNX Runtime. Outputs are physical fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any, Final, Literal, Protocol, cast, get_args

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import ModelError, UsageError
from earwitness.core.files.digests import stamp
from earwitness.core.files.small_files import read_bytes
from earwitness.core.telemetry import silent_onnxruntime
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.encoders.weights.onnx_check import MOST_BYTES, check_onnx
from earwitness.models.token_arrays import TokenArrays, no_tokens

Device = Literal["auto", "cpu", "cuda"]
DEVICES: Final[tuple[str, ...]] = get_args(Device)
VALUES: Final = "values"
TRACKS: Final = 3
FIELDS: Final = 4
MOST_THREADS: Final = 1024
LONGEST_RUN_SECONDS: Final = 600.0
"""Limit for one batch of windows; a window of the shipped model takes about ten milliseconds."""
_CUDA: Final = "CUDAExecutionProvider"
_CPU: Final = "CPUExecutionProvider"


class Runtime(Protocol):
    """A loaded model."""

    @property
    def channels(self) -> int:
        """Feature channels that the model takes."""

    @property
    def modalities(self) -> Mapping[str, tuple[int | None, int | None]]:
        """Semantic tokens that the model takes: name -> positions and values per token, where they are fixed."""

    def run(
        self, features: NDArray[np.float32], tokens: Mapping[str, TokenArrays] | None = None
    ) -> NDArray[np.float32]:
        """Run a batch.

        Args:
            features: (batch, channels, frames, bands) float32.
            tokens: semantic tokens of the modalities present in any clip of the batch.

        Returns:
            (batch, label frames, 3, classes, 4): x, y, distance in metres, on-screen probability.
        """

    def unload(self) -> None:
        """Free the memory of the model; the next `run` loads it again."""


class OnnxRuntime:
    """A model loaded in ONNX Runtime.

    Args:
        path: the .onnx file; input `features`, output `accddoa`.
        threads: threads per call; one by default, because several processes often share a machine.
        device: `auto` uses CUDA where it works.
        contents: contents of the .onnx file, if it is part of another file; `path` then only names it in messages.
        known_channels: feature channels of a model that is known to be suitable and takes no tokens, such as a shipped
            one: it is opened when it is first run. Opening takes as long as a minute of sound, and the command that
            only starts other processes never runs it.

    Raises:
        ModelError: the file is missing, damaged or not a suitable model, or CUDA was requested and does not work.
        UsageError: an unknown device, or a number of threads out of range.
    """

    def __init__(
        self,
        path: str | Path,
        threads: int = 1,
        device: Device = "auto",
        contents: bytes | None = None,
        known_channels: int | None = None,
    ) -> None:
        self.path = Path(path)
        device = check_device(device)
        if threads < 1:
            raise UsageError(f"the number of threads must be at least 1, not {threads}")
        if contents is None and not self.path.is_file():
            raise ModelError(f"{self.path}: no such model file")
        if threads > MOST_THREADS:
            raise UsageError(f"the number of threads must be at most {MOST_THREADS}, not {threads}")
        self._contents, self._threads, self._wanted = contents, threads, device
        self._stamp = None if contents is not None else stamp(self.path)
        self._session: Any = None
        self._inputs = frozenset({"features"})
        self.modalities: Mapping[str, tuple[int | None, int | None]] = {}
        if known_channels is not None and device != "cuda":
            self.channels = known_channels
            return
        self._session = self._open()
        if device == "cuda" and self.device != "cuda":
            raise ModelError("CUDA was requested but does not work here: install onnxruntime-gpu, or use --device cpu")
        self.channels = self._check(self._session)

    @property
    def device(self) -> str:
        """The device in use: "cuda" or "cpu"."""
        if self._session is None:
            self._session = self._open()
        return "cuda" if _CUDA in self._session.get_providers() else "cpu"

    def unload(self) -> None:
        """Free the memory of the model; see `Runtime`."""
        self._session = None

    def _open(self) -> Any:
        onnxruntime = silent_onnxruntime()
        if self._stamp is not None and stamp(self.path) != self._stamp:
            raise ModelError(f"{self.path}: was changed while it was in use; run the command again")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        model = str(self.path) if self._contents is None else self._contents
        held = read_bytes(self.path, MOST_BYTES, ModelError) if self._contents is None else self._contents
        check_onnx(held, str(self.path), ModelError)
        del held
        try:
            return onnxruntime.InferenceSession(model, options, providers=_providers(self._wanted))
        except Exception as error:  # ONNX Runtime raises many unrelated types without a base class of its own
            raise ModelError(f"{self.path}: not a usable ONNX model ({_first_line(error)})") from error

    def _check(self, session: Any) -> int:
        inputs = {item.name: item.shape for item in session.get_inputs()}
        outputs = {item.name: item.shape for item in session.get_outputs()}
        shape, tail = inputs.get("features", []), outputs.get("accddoa", [])[2:]
        names = [name.removesuffix(f".{VALUES}") for name in inputs if name.endswith(f".{VALUES}")]
        known = {"features", *(f"{name}.{part}" for name in names for part in TokenArrays._fields)}
        if not set(inputs) <= known or len(shape) != 4 or not isinstance(shape[1], int):
            wanted = "expected 'features' (batch, channels, frames, bands) and those for tokens"
            raise ModelError(f"{self.path}: its inputs are {_describe(inputs)}; {wanted}")
        if len(tail) != len(_TAIL) or any(
            isinstance(n, int) and n != want for n, want in zip(tail, _TAIL, strict=True)
        ):
            wanted = f"expected 'accddoa' (batch, label frames, {', '.join(map(str, _TAIL))})"
            raise ModelError(f"{self.path}: its outputs are {_describe(outputs)}; {wanted}")
        self._inputs = frozenset(inputs)  # without those that the network does not use
        self.modalities = {name: _fixed(inputs[f"{name}.{VALUES}"][2:]) for name in names}
        return shape[1]

    def run(
        self, features: NDArray[np.float32], tokens: Mapping[str, TokenArrays] | None = None
    ) -> NDArray[np.float32]:
        """Run a batch; see `Runtime`.

        Raises:
            ModelError: the model cannot take this shape, its output is not finite, or its file has changed.
        """
        if self._session is None:
            self._session = self._open()
        fed: dict[str, NDArray[Any]] = {"features": np.ascontiguousarray(features, dtype=np.float32)}
        for name, (positions, dim) in self.modalities.items():
            given = (tokens or {}).get(name) or no_tokens(len(features), positions or 1, dim or 1)
            for part, array in zip(TokenArrays._fields, given, strict=True):
                if f"{name}.{part}" in self._inputs:
                    fed[f"{name}.{part}"] = array.astype(np.float32, copy=False) if part == VALUES else array
        try:
            with _limited() as options:
                (output,) = self._session.run(["accddoa"], fed, options)
        except Exception as error:  # as above
            raise ModelError(f"{self.path}: cannot run on features {features.shape} ({_first_line(error)})") from error
        result: NDArray[np.float32] = np.asarray(output, dtype=np.float32)
        if result.shape[0] != features.shape[0] or result.shape[2:] != _TAIL:
            raise ModelError(
                f"{self.path}: returned an output of shape {result.shape}; expected (batch, frames, 3, classes, 4)"
            )
        if not np.isfinite(result).all():
            raise ModelError(f"{self.path}: returned values that are not finite; the model is damaged or unsuitable")
        return result


@contextmanager
def _limited() -> Iterator[Any]:
    """Run options that stop a run after `LONGEST_RUN_SECONDS`."""
    options = silent_onnxruntime().RunOptions()
    timer = Timer(LONGEST_RUN_SECONDS, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()


def check_device(name: str) -> Device:
    """Return the device called `name`.

    Raises:
        UsageError: there is no such device.
    """
    if name not in DEVICES:
        raise UsageError(f"unknown device '{name}'; choose one of: {', '.join(DEVICES)}")
    return cast(Device, name)


_TAIL: Final = (TRACKS, NUM_CLASSES, FIELDS)


def _fixed(shape: list[Any]) -> tuple[int | None, int | None]:
    positions, dim = (size if isinstance(size, int) else None for size in shape)
    return positions, dim


def _providers(device: Device) -> list[str]:
    onnxruntime = silent_onnxruntime()
    wanted = [_CPU] if device == "cpu" else [_CUDA, _CPU]
    return [name for name in wanted if name in onnxruntime.get_available_providers()]


def _describe(shapes: dict[str, Any]) -> str:
    return ", ".join(f"'{name}' {tuple(shape)}" for name, shape in shapes.items()) or "none"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:160] if lines else type(error).__name__
