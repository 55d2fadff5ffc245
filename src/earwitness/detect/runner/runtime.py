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
from earwitness.core.files.cache import stamp
from earwitness.core.files.small_files import read_bytes
from earwitness.encoders.onnx_session import MOST_BYTES, check_onnx, silent_onnxruntime
from earwitness.encoders.token_arrays import TokenArrays, no_tokens

Device = Literal["auto", "cpu", "cuda"]
DEVICES: Final[tuple[str, ...]] = get_args(Device)
ACCDDOA: Final = "accddoa"
"""Output of the fields of the classes."""
ANY_SOUND: Final = "any_sound"
"""Optional output of the fields of a class for any sound."""
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
    def classes(self) -> int | None:
        """Classes of its output, where they are fixed."""

    @property
    def modalities(self) -> Mapping[str, tuple[int | None, int | None]]:
        """Semantic tokens that the model takes: name -> positions and values per token, where they are fixed."""

    @property
    def any_sound(self) -> bool:
        """Whether the model has a class for any sound besides its own classes."""

    def run(
        self,
        features: NDArray[np.float32],
        tokens: Mapping[str, TokenArrays] | None = None,
        *,
        any_sound: bool = False,
    ) -> NDArray[np.float32]:
        """Run a batch.

        Args:
            features: (batch, channels, frames, bands) float32.
            tokens: semantic tokens of the modalities present in any clip of the batch.
            any_sound: also return the class for any sound, after the others.

        Returns:
            (batch, label frames, 3, classes, 4): x, y, distance in metres, on-screen probability.
        """

    def unload(self) -> None:
        """Free the memory of the model; the next `run` loads it again."""


class OnnxRuntime:
    """A model loaded in ONNX Runtime.

    Args:
        path: the .onnx file; input `features`, outputs `accddoa` and, in some models, `any_sound`.
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
        self._checked = False
        self.modalities: Mapping[str, tuple[int | None, int | None]] = {}
        self.classes: int | None = None
        if known_channels is not None and device != "cuda":
            self.channels = known_channels
            return
        session = self._opened()
        if device == "cuda" and _CUDA not in session.get_providers():
            raise ModelError("CUDA was requested but does not work here: install onnxruntime-gpu, or use --device cpu")

    @property
    def device(self) -> str:
        """The device in use: "cuda" or "cpu"."""
        return "cuda" if _CUDA in self._opened().get_providers() else "cpu"

    @property
    def any_sound(self) -> bool:
        """Whether the model has a class for any sound."""
        self._opened()
        return self._any_sound

    def _opened(self) -> Any:
        """The session, opened if necessary, and checked the first time."""
        if self._session is None:
            self._session = self._open()
        if not self._checked:
            self.channels = self._check(self._session)
            self._checked = True
        return self._session

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
        shape, tail = inputs.get("features", []), outputs.get(ACCDDOA, [])[2:]
        names = [name.removesuffix(f".{VALUES}") for name in inputs if name.endswith(f".{VALUES}")]
        known = {"features", *(f"{name}.{part}" for name in names for part in TokenArrays._fields)}
        if not set(inputs) <= known or len(shape) != 4 or not isinstance(shape[1], int):
            wanted = "expected 'features' (batch, channels, frames, bands) and those for tokens"
            raise ModelError(f"{self.path}: its inputs are {_describe(inputs)}; {wanted}")
        if not _fits(tail, _TAIL):
            wanted = f"expected 'accddoa' (batch, label frames, {TRACKS}, classes, {FIELDS})"
            raise ModelError(f"{self.path}: its outputs are {_describe(outputs)}; {wanted}")
        self.classes = tail[1] if isinstance(tail[1], int) else None
        self._any_sound = ANY_SOUND in outputs
        if self._any_sound and not _fits(outputs[ANY_SOUND][2:], _ANY_TAIL):
            wanted = f"expected '{ANY_SOUND}' (batch, label frames, {', '.join(map(str, _ANY_TAIL))})"
            raise ModelError(f"{self.path}: its outputs are {_describe(outputs)}; {wanted}")
        self._inputs = frozenset(inputs)  # without those that the network does not use
        self.modalities = {name: _fixed(inputs[f"{name}.{VALUES}"][2:]) for name in names}
        return shape[1]

    def run(
        self,
        features: NDArray[np.float32],
        tokens: Mapping[str, TokenArrays] | None = None,
        *,
        any_sound: bool = False,
    ) -> NDArray[np.float32]:
        """Run a batch; see `Runtime`.

        Raises:
            ModelError: the model cannot take this shape, its output is not finite, its file has changed, or it has no
                class for any sound.
        """
        session = self._opened()
        if any_sound and not self._any_sound:
            raise ModelError(f"{self.path}: has no class for any sound; use a model with it, such as the default one")
        fed: dict[str, NDArray[Any]] = {"features": np.ascontiguousarray(features, dtype=np.float32)}
        for name, (positions, dim) in self.modalities.items():
            given = (tokens or {}).get(name) or no_tokens(len(features), positions or 1, dim or 1)
            for part, array in zip(TokenArrays._fields, given, strict=True):
                if f"{name}.{part}" in self._inputs:
                    fed[f"{name}.{part}"] = array.astype(np.float32, copy=False) if part == VALUES else array
        try:
            with _limited() as options:
                outputs = session.run([ACCDDOA, *([ANY_SOUND] if any_sound else [])], fed, options)
        except Exception as error:  # as above
            raise ModelError(f"{self.path}: cannot run on features {features.shape} ({_first_line(error)})") from error
        for output, tail in zip(outputs, ((TRACKS, self.classes, FIELDS), _ANY_TAIL), strict=False):
            if (
                output.shape[0] != features.shape[0]
                or not _fits(list(output.shape[2:]), tail)
                or output.shape[1] != outputs[0].shape[1]
            ):
                raise ModelError(
                    f"{self.path}: returned an output of shape {output.shape}; expected (batch, frames, 3, classes, 4)"
                )
        result: NDArray[np.float32] = np.concatenate(outputs, axis=3).astype(np.float32, copy=False)
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


_TAIL: Final = (TRACKS, None, FIELDS)
"""Sizes of the last three axes of the output; the number of classes is that of the model."""
_ANY_TAIL: Final = (TRACKS, 1, FIELDS)


def _fits(shape: list[Any], wanted: tuple[int | None, ...]) -> bool:
    """Whether a shape fits; sizes of both may be unknown."""
    return len(shape) == len(wanted) and all(
        not isinstance(size, int) or want in (None, size) for size, want in zip(shape, wanted, strict=True)
    )


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
