"""Validated access to the variables of a SOFA file, converted to metres, radians, hertz and samples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_MOST_NUMBERS: Final = 4_000_000
_LARGEST_CHUNK: Final = 256 * 2**20
"""Maximum size of a compressed chunk in bytes; a chunk is always decompressed completely."""
_ANGLES: Final = {
    **dict.fromkeys(("degree", "degrees", "deg", "°"), float(np.pi / 180)),
    **dict.fromkeys(("radian", "radians", "rad"), 1.0),
}
_LENGTHS: Final = {
    **dict.fromkeys(("metre", "metres", "meter", "meters", "m"), 1.0),
    **dict.fromkeys(("centimetre", "centimetres", "centimeter", "centimeters", "cm"), 0.01),
    **dict.fromkeys(("millimetre", "millimetres", "millimeter", "millimeters", "mm"), 0.001),
}
_RATES: Final = {
    **dict.fromkeys(("", "hertz", "hz", "1/s"), 1.0),
    **dict.fromkeys(("kilohertz", "khz"), 1000.0),
}
_SECONDS: Final = {
    **dict.fromkeys(("second", "seconds", "s"), 1.0),
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), 0.001),
}
_SAMPLES: Final = ("", "sample", "samples")
_LOWEST_HZ, _HIGHEST_HZ = 4_000.0, 768_000.0
_SAME_METRES: Final = 0.001
_FARTHEST_METRES: Final = 100.0
_LONGEST_DELAY_SECONDS: Final = 2.0
_TURN: Final = 2 * np.pi


class SofaVariables:
    """Access to the variables of an open SOFA file; all faults raise a ValueError that names the variable.

    Links and external data are refused, so that a file cannot cause another one to be opened.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def __contains__(self, name: str) -> bool:
        return self._file.get(name, getlink=True) is not None

    def attribute(self, name: str, variable: str | None = None) -> str:
        """Text of an attribute of the file or of a variable; "" if there is none."""
        value = (self._file if variable is None else self.dataset(variable)).attrs.get(name, "")
        if isinstance(value, np.ndarray):
            value = value.ravel()[0] if value.size else ""
        if isinstance(value, h5py.Empty):
            return ""
        return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip("\0 ")

    def dataset(self, name: str) -> Any:
        """A variable, without reading its values.

        Raises:
            ValueError: it is missing, is in another file, or has chunks that are too large.
        """
        link = self._file.get(name, getlink=True)
        if link is None:
            raise ValueError(f"it lacks {name}")
        found = self._file[name] if isinstance(link, h5py.HardLink) else None
        if not isinstance(found, h5py.Dataset):
            raise ValueError(f"{name} is a link or a group, not data of this file")
        if found.is_virtual or found.external:
            raise ValueError(f"the data of {name} are in another file; save it as a single file")
        if found.dtype.kind not in "fiu":
            raise ValueError(f"{name} does not hold numbers")
        if found.chunks and int(np.prod(found.chunks, dtype=float)) * found.dtype.itemsize > _LARGEST_CHUNK:
            raise ValueError(f"{name} has chunks of more than {_LARGEST_CHUNK >> 20} MB; save it again")
        return found

    def numbers(self, name: str) -> FloatArray:
        """All values of a variable in its own shape.

        Raises:
            ValueError: it is missing, too large or empty, or contains non-finite values.
        """
        found = self.dataset(name)
        if not 0 < found.size <= _MOST_NUMBERS:
            raise ValueError(f"{name} holds {found.size} numbers")
        values = np.asarray(found[()], dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds NaN or infinity")
        return values

    def rate(self) -> float:
        """Data.SamplingRate, hertz."""
        values, unit = np.unique(self.numbers("Data.SamplingRate")), self._unit("Data.SamplingRate")
        if unit not in _RATES:
            raise ValueError(f"Data.SamplingRate is in '{unit}', not hertz or kilohertz")
        if values.size != 1 or not _LOWEST_HZ <= values[0] * _RATES[unit] <= _HIGHEST_HZ:
            stated = ", ".join(f"{value:g}" for value in values[:3])
            raise ValueError(
                f"Data.SamplingRate is {stated} {unit}".rstrip()
                + f"; one rate of {_LOWEST_HZ:g} to {_HIGHEST_HZ:g} Hz is needed (check its unit)"
            )
        return float(values[0] * _RATES[unit])

    def delays(self, measurements: int, receivers: int, emitters: int, rate: float) -> NDArray[np.int64]:
        """Data.Delay: (measurements, receivers, emitters) samples; zeros if missing."""
        shape = (measurements, receivers, emitters)
        if "Data.Delay" not in self:
            return np.zeros(shape, dtype=np.int64)
        unit = self._unit("Data.Delay")
        if unit not in _SAMPLES and unit not in _SECONDS:
            raise ValueError(f"Data.Delay is in '{unit}', not samples or seconds")
        values = self.numbers("Data.Delay") * (1.0 if unit in _SAMPLES else _SECONDS[unit] * rate)
        if not (values.min() > -1 and values.max() <= _LONGEST_DELAY_SECONDS * rate):
            raise ValueError(
                f"Data.Delay goes from {values.min():g} to {values.max():g} samples; "
                f"it must be within 0 to {_LONGEST_DELAY_SECONDS * rate:g}"
            )
        values = values.reshape(*values.shape, *(1,) * (3 - values.ndim)) if values.ndim < 3 else values
        return np.broadcast_to(np.rint(np.maximum(values, 0)).astype(np.int64), self._fits("Data.Delay", values, shape))

    def places(self, name: str, count: int, same_as: str | None = None) -> FloatArray:
        """Positions or directions (count, 3) of a variable: metres ahead, left and up.

        Args:
            name: the variable.
            count: required number; a single one is repeated.
            same_as: variable whose coordinate type and units apply if the variable does not state its own.
        """
        values = self.numbers(name)
        if values.ndim == 3:
            if np.ptp(values, axis=2).max() > _SAME_METRES:
                raise ValueError(f"{name} changes between measurements, which is not supported")
            values = values[..., 0]
        if values.ndim != 2 or values.shape[1] != 3:
            raise ValueError(f"{name} has the shape {values.shape}; three coordinates per position are needed")
        about = name if same_as is None or self.attribute("Type", name) else same_as
        places = self._cartesian(name, about, values)
        if np.abs(places).max() > _FARTHEST_METRES:
            raise ValueError(f"{name} goes up to {np.abs(places).max():g} m; the limit is {_FARTHEST_METRES:g} m")
        return np.broadcast_to(places, self._fits(name, places, (count, 3)))

    def is_harmonic(self, name: str) -> bool:
        """Whether the type is spherical harmonics instead of coordinates."""
        return "harmonic" in self.attribute("Type", name).lower()

    def _cartesian(self, name: str, about: str, values: FloatArray) -> FloatArray:
        kind = self.attribute("Type", about).strip().lower()
        units = [unit for unit in re.split(r"[,;\s]+", self._unit(about)) if unit]
        if kind in ("", "cartesian"):
            factors = [_LENGTHS.get(unit) for unit in (units or ["metre"])]
            if None in factors or len(factors) not in (1, 3):
                raise ValueError(f"{name} is in '{', '.join(units)}', not in metres or centimetres")
            return values * np.array(factors, dtype=np.float64)
        if kind != "spherical":
            raise ValueError(f"{name} has coordinates of the type '{kind}', not cartesian or spherical")
        if not units:
            _refuse_radians(name, values)
            units = ["degree", "degree", "metre"]
        spherical = [table.get(unit) for table, unit in zip((_ANGLES, _ANGLES, _LENGTHS), units, strict=False)]
        if len(units) != 3 or None in spherical:
            raise ValueError(f"{name} is in '{', '.join(units)}', not 'degree, degree, metre'")
        azimuth, elevation, radius = (values * np.array(spherical, dtype=np.float64)).T
        if np.abs(elevation).max() > np.pi / 2 + 1e-3 or np.abs(azimuth).max() > 2 * _TURN or radius.min() < 0:
            raise ValueError(f"{name} has impossible angles or distances; check its units")
        level = radius * np.cos(elevation)
        return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), radius * np.sin(elevation)], axis=1)

    def _unit(self, name: str) -> str:
        return self.attribute("Units", name).strip().lower()

    @staticmethod
    def _fits(name: str, values: NDArray[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
        """Check that values can be broadcast to a shape; returns the shape."""
        if len(values.shape) != len(shape) or any(
            have not in (1, want) for have, want in zip(values.shape, shape, strict=True)
        ):
            raise ValueError(f"{name} has the shape {values.shape}; {shape} is needed, where any length may be 1")
        return shape


def _refuse_radians(name: str, values: FloatArray) -> None:
    """Refuse angles without a unit that may be radians; the default is degrees."""
    angles = values[:, :2]
    small = np.abs(angles[:, 0]).max() <= _TURN + 1e-3 and np.abs(angles[:, 1]).max() <= np.pi / 2 + 1e-3
    if small and np.any(angles % 1):
        raise ValueError(f"{name} has no Units, and its angles may be radians; add its Units")


def open_file(path: Path) -> h5py.File:
    """Open an HDF5 file.

    Raises:
        OSError: it is not an HDF5 file.
    """
    if not path.is_file():
        raise OSError("there is no such file")
    return h5py.File(path, "r")
