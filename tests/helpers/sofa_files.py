"""Writes SOFA files of measured rooms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

h5py = pytest.importorskip("h5py", reason="SOFA files need h5py (extra 'sofa')")
RATE = 48_000


def circle(distance: float, step_deg: float, start: float = 0.0, stop: float = 360.0, up: float = 0.0) -> np.ndarray:
    azimuth = np.radians(np.arange(start, stop, step_deg))
    return np.stack([distance * np.cos(azimuth), distance * np.sin(azimuth), np.full(azimuth.size, up)], axis=1)


def room_responses(places: np.ndarray, tail: float = 0.02, late: int = 0) -> np.ndarray:
    """Direct sound, and a diffuse tail of so much: (n, 4, samples) W, Y, Z, X."""
    rng = np.random.default_rng(0)
    distance = np.linalg.norm(places, axis=1)
    size = RATE // 2
    decay = np.exp(-np.arange(size) / RATE * 6.9 / 0.3) * tail
    responses = rng.standard_normal((len(places), 4, size)) * decay * np.sqrt([1, 1 / 3, 1 / 3, 1 / 3])[:, None]
    for response, place, away in zip(responses, places, distance, strict=True):
        at = round(away / 343 * RATE) + late
        response[:, :at] = 0
        response[:, at] += np.array([1, *(place[[1, 2, 0]] / away)]) / away
    return responses


def write_sofa(path: Path, responses: np.ndarray, places: np.ndarray, **changes: Any) -> Path:
    """What SingleRoomSRIR asks for, as far as it matters; `None` leaves a variable out."""
    receivers = responses.shape[1]
    variables: dict[str, Any] = {
        "Data.IR": responses,
        "Data.SamplingRate": np.array([float(RATE)]),
        "Data.Delay": np.zeros((1, receivers)),
        "ListenerPosition": np.array([[0.0, 0.0, 1.4]]),
        "ListenerView": np.array([[1.0, 0.0, 0.0]]),
        "ListenerUp": np.array([[0.0, 0.0, 1.0]]),
        "ReceiverPosition": np.zeros((receivers, 3, 1)),
        "EmitterPosition": np.zeros((1, 3, 1)),
        "SourcePosition": places + np.array([0.0, 0.0, 1.4]),
    }
    types = {"ReceiverPosition": "spherical harmonics" if receivers == 4 else "cartesian", **changes.pop("types", {})}
    variables |= {name.replace("Data_", "Data."): value for name, value in changes.items()}
    with h5py.File(path, "w") as file:
        file.attrs.update({"Conventions": "SOFA", "SOFAConventions": "SingleRoomSRIR", "DataType": "FIR"})
        for name, value in variables.items():
            if value is not None:
                file[name] = value
                if name.endswith(("Position", "View")):
                    file[name].attrs["Type"] = types.get(name, "cartesian")
    return path


def spherical(places: np.ndarray, angle: float = 180 / np.pi, length: float = 1.0) -> np.ndarray:
    """Azimuth, elevation and distance of places, so many units a radian and a metre."""
    away = np.linalg.norm(places, axis=1)
    azimuth, elevation = np.arctan2(places[:, 1], places[:, 0]), np.arcsin(places[:, 2] / away)
    return np.stack([azimuth * angle, elevation * angle, away * length], axis=1)


def with_units(path: Path, **units: str) -> Path:
    with h5py.File(path, "r+") as file:
        for name, unit in units.items():
            file[name.replace("Data_", "Data.")].attrs["Units"] = unit
    return path


PLACES = np.concatenate([circle(1.3, 60), circle(2.2, 90, 20, up=0.5)])
ORIGIN = np.zeros((1, 3))
