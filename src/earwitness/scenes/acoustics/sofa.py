"""Measured room impulse responses in SOFA files (AES69), read with h5py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import BankError, MissingExtraError, first_line

if TYPE_CHECKING:
    from earwitness.scenes.acoustics.sofa_variables import SofaVariables

FloatArray = NDArray[np.float64]

LONGEST_SECONDS: Final = 2.0
"""Only this part of a response is used."""
_READ_SECONDS: Final = LONGEST_SECONDS + 0.2
_FOA_CHANNELS: Final = 4
_SAME_PLACE_METRES: Final = 0.01
_NEAREST_METRES: Final = 0.05
_MOST_BYTES: Final = 3 * 2**30
"""Maximum memory for the responses of a file."""
_NO_ROOMS: Final = ("freefield", "simplefreefield", "simpleheadphone", "annotated", "singletracked")
"""Prefixes of conventions for heads, headphones or sources without a room."""


@dataclass(frozen=True, slots=True, eq=False)
class SofaRoom:
    """The description of a room in a SOFA file; responses are read on demand.

    Attributes:
        path: the file.
        rate: samples per second.
        position: (n, 3) positions of sources relative to the listener and its view: metres ahead, left and up.
        listener_height: height of the listener above the floor in metres; None if the file does not state it.
        ambisonic: whether responses are W, Y, Z, X; else they are of one omnidirectional microphone.
        data: `Data.IR`, (measurements, receivers, samples), or with an axis of emitters before or after the samples.
        emitter_axis: axis of the emitters in `data`; None if there is none.
        delay: (measurements, receivers, emitters) samples to prepend.
    """

    path: Path
    rate: float
    position: FloatArray
    listener_height: float | None
    ambisonic: bool
    data: Any
    emitter_axis: int | None
    delay: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of source positions."""
        return len(self.position)

    def response(self, index: int) -> FloatArray:
        """The first two seconds of response number `index`: (4, samples) W, Y, Z, X, or (1, samples).

        Raises:
            BankError: it cannot be read, is silent, or contains NaN or infinity.
        """
        channels, most = _FOA_CHANNELS if self.ambisonic else 1, round(_READ_SECONDS * self.rate)
        measurement, emitter = divmod(index, self.delay.shape[2])
        try:
            if self.emitter_axis is None:
                part = self.data[measurement, :channels, :most]
            elif self.emitter_axis == 2:
                part = self.data[measurement, :channels, emitter, :most]
            else:
                part = self.data[measurement, :channels, :most, emitter]
        except (OSError, ValueError, RuntimeError, MemoryError) as error:
            raise BankError(f"'{self.path}': response {index} cannot be read ({first_line(error)})") from error
        part = np.asarray(part, dtype=np.float64)
        if not np.isfinite(part).all() or not np.abs(part[0]).max(initial=0.0) > 0:
            raise BankError(f"'{self.path}': response {index} is silent or not finite; remove it from the file")
        delay = self.delay[measurement, :channels, emitter]
        late = int(delay.max())
        return np.stack(
            [np.pad(one, (int(lag), late - int(lag))) for one, lag in zip(part, delay, strict=True)]
        )  # fmt: skip


@contextmanager
def open_sofa(path: Path) -> Iterator[SofaRoom]:
    """Open a SOFA file of room responses; no other file is opened.

    Raises:
        BankError: it cannot be read, or its responses are neither first-order ambisonics (W, Y, Z, X) nor of a
            single microphone.
        MissingExtraError: h5py is not installed.
    """
    try:
        from earwitness.scenes.acoustics.sofa_variables import SofaVariables, open_file
    except ModuleNotFoundError as error:
        raise MissingExtraError("reading SOFA files", "sofa") from error
    try:
        file = open_file(path)
    except OSError as error:
        raise BankError(f"'{path}' is not a usable SOFA file of room responses: {first_line(error)}") from error
    with file:
        try:
            room = _described(path, SofaVariables(file))
        except (OSError, KeyError, ValueError, IndexError, TypeError, RuntimeError, MemoryError) as error:
            raise BankError(f"'{path}' is not a usable SOFA file of room responses: {first_line(error)}") from error
        yield room


def _described(path: Path, sofa: SofaVariables) -> SofaRoom:
    if sofa.attribute("Conventions") != "SOFA":
        raise ValueError("it lacks the attribute Conventions = SOFA")
    convention = sofa.attribute("SOFAConventions")
    if convention.lower().startswith(_NO_ROOMS):
        raise ValueError(f"its convention {convention} has no room; use SingleRoomSRIR")
    if sofa.attribute("DataType") not in ("FIR", "FIR-E", "FIRE"):
        raise ValueError(f"its data type is '{sofa.attribute('DataType')}', not FIR or FIR-E")
    data, rate = sofa.dataset("Data.IR"), sofa.rate()
    emitter_axis = _emitter_axis(sofa, data)
    samples = data.shape[2 if emitter_axis != 2 else 3] if data.ndim in (3, 4) else 0
    if not samples or not min(data.shape[:2]):
        raise ValueError(f"Data.IR has the shape {data.shape}; measurements, receivers and samples are needed")
    measurements, receivers = data.shape[:2]
    emitters = 1 if emitter_axis is None else data.shape[emitter_axis]
    _refuse_much(measurements * emitters, samples / rate)
    position, height = _positions(sofa, measurements, emitters)
    return SofaRoom(
        path=path,
        rate=rate,
        position=position,
        listener_height=height if height > 0.2 else None,
        ambisonic=_is_ambisonic(sofa, receivers),
        data=data,
        emitter_axis=emitter_axis,
        delay=sofa.delays(measurements, receivers, emitters, rate),
    )


def _emitter_axis(sofa: SofaVariables, data: Any) -> int | None:
    """FIR-E has emitters last, the older FIRE has samples last; decided by N, or else by the longer axis."""
    if data.ndim != 4:
        return None
    samples = sofa.dataset("N").size if "N" in sofa else max(data.shape[2:])
    return 2 if data.shape[3] == samples != data.shape[2] else 3


def _refuse_much(responses: int, seconds: float) -> None:
    needed = responses * _FOA_CHANNELS * min(seconds, LONGEST_SECONDS) * 24_000 * 8
    if needed > _MOST_BYTES:
        raise ValueError(f"it has {responses} responses of {seconds:.3g} s, which is too much; split it")


def _positions(sofa: SofaVariables, measurements: int, emitters: int) -> tuple[FloatArray, float]:
    """Positions of sources (n, 3) in the coordinates of the listener, and the height of the listener."""
    listener = sofa.places("ListenerPosition", measurements)
    source = sofa.places("SourcePosition", measurements)[:, None, :]
    if emitters > 1:
        source = source + sofa.places("EmitterPosition", emitters)[None, :, :]
    rotated = _rotated(sofa, (source - listener[:, None, :]).reshape(-1, 3), emitters)
    if not np.isfinite(rotated).all() or np.linalg.norm(rotated, axis=1).min() < _NEAREST_METRES:
        raise ValueError("a source is less than 5 cm from the listener, or has no position")
    return rotated, float(listener[0, 2])


def _is_ambisonic(sofa: SofaVariables, receivers: int) -> bool:
    if sofa.is_harmonic("ReceiverPosition"):
        if receivers < _FOA_CHANNELS:
            raise ValueError(f"it has {receivers} ambisonic channels; 4 (W, Y, Z, X) or more are needed")
        return True
    if receivers == _FOA_CHANNELS:
        # Capsules of an array have different positions; ambisonic channels have the same.
        places = sofa.places("ReceiverPosition", receivers)
        return bool(np.ptp(places, axis=0).max() < _SAME_PLACE_METRES)
    if receivers == 2:
        raise ValueError("it is binaural; responses of first-order ambisonics or of one microphone are needed")
    return False


def _rotated(sofa: SofaVariables, places: FloatArray, emitters: int) -> FloatArray:
    """Positions in the coordinates of the listener: ahead is its view, up its up vector."""
    if "ListenerView" not in sofa:
        return places
    count = len(places) // emitters
    ahead = np.repeat(sofa.places("ListenerView", count), emitters, axis=0)
    up = np.broadcast_to([0.0, 0.0, 1.0], ahead.shape)
    if "ListenerUp" in sofa:
        up = np.repeat(sofa.places("ListenerUp", count, same_as="ListenerView"), emitters, axis=0)
    left = np.cross(up, ahead)
    if min(np.linalg.norm(ahead, axis=1).min(), np.linalg.norm(left, axis=1).min()) < 1e-6:
        raise ValueError("ListenerView and ListenerUp give no directions")
    ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    axes = np.stack([ahead, left, np.cross(ahead, left)], axis=1)
    return np.asarray(np.einsum("nij,nj->ni", axes, places))
