"""Measured room impulse responses in SOFA files (AES69), read with h5py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import BankError, MissingExtraError

FloatArray = NDArray[np.float64]

_FOA_CHANNELS: Final = 4
_SAME_PLACE_METRES: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class SofaRoom:
    """What a SOFA file says about one room, and its responses as they are asked for.

    Attributes:
        path: the file.
        rate: samples a second.
        position: (n, 3) sources relative to the listener, in metres ahead, left and up as the listener looks.
        eye_height: metres of the listener above the floor; None where the file does not say.
        ambisonic: whether responses are W, Y, Z, X; else of one omnidirectional microphone.
        data: `Data.IR`, (measurements, receivers, samples[, emitters]).
        delay: (n,) samples to add in front.
    """

    path: Path
    rate: float
    position: FloatArray
    eye_height: float | None
    ambisonic: bool
    data: Any
    delay: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of source positions."""
        return len(self.position)

    def response(self, index: int) -> FloatArray:
        """Response number `index`: (4, samples) W, Y, Z, X, or (1, samples)."""
        channels = _FOA_CHANNELS if self.ambisonic else 1
        measurement, emitter = divmod(index, self.data.shape[3] if self.data.ndim == 4 else 1)
        part = self.data[measurement, :channels]
        part = np.asarray(part[..., emitter] if self.data.ndim == 4 else part, dtype=np.float64)
        return np.pad(part, ((0, 0), (int(self.delay[index]), 0)))


@contextmanager
def open_sofa(path: Path) -> Iterator[SofaRoom]:
    """Open a SOFA file of room responses.

    Raises:
        BankError: it is not readable, or holds none that fit: first-order ambisonics (W, Y, Z, X), or a microphone.
        MissingExtraError: h5py is not installed.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise MissingExtraError("reading SOFA files", "sofa") from error
    try:
        with h5py.File(path, "r") as file:
            yield _described(path, file)
    except (OSError, KeyError, ValueError, IndexError) as error:
        raise BankError(f"'{path}' is not a usable SOFA file of room responses: {error}") from error


def _described(path: Path, file: Any) -> SofaRoom:
    if _text(file.attrs, "Conventions") != "SOFA":
        raise ValueError("it lacks the attribute Conventions = SOFA")
    if _text(file.attrs, "DataType") not in ("FIR", "FIR-E", "FIRE"):
        raise ValueError(f"its data type is '{_text(file.attrs, 'DataType')}', not FIR or FIR-E")
    data = file["Data.IR"]
    if data.ndim not in (3, 4) or not data.shape[2]:
        raise ValueError(f"Data.IR has the shape {data.shape}")
    measurements, receivers = data.shape[:2]
    emitters = data.shape[3] if data.ndim == 4 else 1
    listener = _places(file, "ListenerPosition", measurements)
    source = _places(file, "SourcePosition", measurements)[:, None, :]
    if emitters > 1:
        source = source + _places(file, "EmitterPosition", emitters)[None, :, :]
    turned = _turned(file, (source - listener[:, None, :]).reshape(-1, 3), emitters)
    if not np.isfinite(turned).all() or np.linalg.norm(turned, axis=1).min() < 0.05:
        raise ValueError("a source is less than 5 cm from the listener, or nowhere")
    delay = np.asarray(file.get("Data.Delay", [[0.0]]), dtype=np.float64)
    delay = np.broadcast_to(delay.reshape(delay.shape[0], -1)[:, :1], (measurements, 1))
    height = float(listener[0, 2])
    return SofaRoom(
        path=path,
        rate=float(np.asarray(file["Data.SamplingRate"]).ravel()[0]),
        position=turned,
        eye_height=height if height > 0.2 else None,
        ambisonic=_is_ambisonic(file, receivers),
        data=data,
        delay=np.repeat(np.maximum(np.rint(delay[:, 0]), 0).astype(np.int64), emitters),
    )


def _is_ambisonic(file: Any, receivers: int) -> bool:
    places = file["ReceiverPosition"]
    if "harmonic" in _text(places.attrs, "Type").lower():
        if receivers < _FOA_CHANNELS:
            raise ValueError(f"it has {receivers} ambisonic channels; 4 (W, Y, Z, X) or more are needed")
        return True
    if receivers == _FOA_CHANNELS:
        # Capsules of an array are apart; ambisonic channels are not.
        cartesian = _cartesian(np.asarray(places, dtype=np.float64)[..., 0].reshape(-1, 3), places)
        return bool(np.ptp(cartesian, axis=0).max() < _SAME_PLACE_METRES)
    if receivers == 2:
        raise ValueError("it is binaural; responses of first-order ambisonics or of one microphone are needed")
    return False


def _places(file: Any, name: str, count: int) -> FloatArray:
    """Places (count, 3) in metres, whatever their coordinates."""
    variable = file[name]
    values = np.asarray(variable, dtype=np.float64)
    if values.ndim == 3:
        values = values[..., 0]
    return np.broadcast_to(_cartesian(values.reshape(-1, 3), variable), (count, 3))


def _cartesian(values: FloatArray, variable: Any) -> FloatArray:
    if _text(variable.attrs, "Type").lower() != "spherical":
        return values
    azimuth, elevation = np.radians(values[:, 0]), np.radians(values[:, 1])
    level = values[:, 2] * np.cos(elevation)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), values[:, 2] * np.sin(elevation)], axis=1)


def _turned(file: Any, places: FloatArray, emitters: int) -> FloatArray:
    """Places in the listener's own axes: ahead is its view, up its up vector."""
    if "ListenerView" not in file:
        return places
    count = len(places) // emitters
    ahead = np.repeat(_places(file, "ListenerView", count), emitters, axis=0)
    up = np.broadcast_to([0.0, 0.0, 1.0], ahead.shape)
    if "ListenerUp" in file:
        up = np.repeat(_places(file, "ListenerUp", count), emitters, axis=0)
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    left = np.cross(up, ahead)
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    axes = np.stack([ahead, left, np.cross(ahead, left)], axis=1)
    return np.asarray(np.einsum("nij,nj->ni", axes, places))


def _text(attributes: Any, name: str) -> str:
    value = attributes.get(name, "")
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
