"""A memory-mapped pool of RIRs: many rooms with single source positions and paths of moving sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import BankError
from earwitness.core.files.cache import cache_folder
from earwitness.scenes.acoustics.rir_files import SCALE, direct_window
from earwitness.scenes.acoustics.rooms import SPEED_OF_SOUND, Room
from earwitness.scenes.acoustics.simulated_rooms import PoolConfig, build
from earwitness.scenes.scene import SAMPLE_RATE

__all__ = ["PoolConfig", "RirPool"]


@dataclass(frozen=True, slots=True, eq=False)
class RirPool:
    """RIRs of many rooms.

    Attributes:
        samples: (total, 3) float16, all RIRs concatenated, channels W, Y, X, scaled.
        offsets: (n + 1,) int64, start of each RIR.
        room: (n,) int32, index of the room of each RIR.
        path: (n,) int32, number of the path in the room that the position is on, in walking order; -1 for single
            positions.
        position: (n, 3) float32, metres from the microphone: ahead, left, up.
        rooms: the rooms.
        name: identifies the pool; recipes store the name of their pool.
        onset: (n,) int32, sample at which the direct sound arrives, for measured RIRs and directional sources; None if
            the direct sound is a single sample of 1 / distance at the time of flight.
    """

    samples: NDArray[np.float16]
    offsets: NDArray[np.int64]
    room: NDArray[np.int32]
    path: NDArray[np.int32]
    position: NDArray[np.float32]
    rooms: tuple[Room, ...]
    name: str = ""
    onset: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        """Number of RIRs."""
        return int(self.room.size)

    def rir(self, index: int) -> NDArray[np.float32]:
        """RIR number `index`: (3, samples) float32, channels W, Y, X; the direct sound is 1 / distance."""
        part = self.samples[self.offsets[index] : self.offsets[index + 1]]
        # Converting before transposing is several times as fast as converting each channel.
        return np.multiply(part.astype(np.float32).T, np.float32(1 / SCALE), order="C")

    def stereo_rir(self, index: int, view_deg: float) -> NDArray[np.float32]:
        """RIR number `index` as W and Y' of a view rotated by `view_deg`: (2, samples)."""
        w, y, x = self.rir(index)
        turn = np.radians(view_deg)
        return np.stack([w, x * np.float32(np.sin(turn)) + y * np.float32(np.cos(turn))])

    def turned_rir(self, index: int, view_deg: float) -> NDArray[np.float32]:
        """RIR number `index` as W, Y' and X' of a view rotated by `view_deg`: (3, samples)."""
        w, y, x = self.rir(index)
        sin, cos = np.float32(np.sin(np.radians(view_deg))), np.float32(np.cos(np.radians(view_deg)))
        return np.stack([w, x * sin + y * cos, x * cos - y * sin])

    def direct(self, index: int) -> tuple[NDArray[np.float32], int, float]:
        """The direct sound in W of RIR number `index`.

        Returns:
            samples: (n,); start: their first sample in the RIR; late: additional delay in fractional samples.
        """
        if self.onset is None:
            distance = float(np.linalg.norm(self.position[index]))
            arrival, start = distance / SPEED_OF_SOUND * SAMPLE_RATE, self.arrival(index)
            return np.array([1 / distance], dtype=np.float32), start, arrival - start
        start, window = direct_window(int(self.onset[index]))
        part = self.rir(index)[0, start : start + window.size]
        return np.asarray(part * window[: part.size], dtype=np.float32), start, 0.0

    def arrival(self, index: int) -> int:
        """Sample of RIR number `index` at which the direct sound arrives."""
        if self.onset is not None:
            return int(self.onset[index])
        return round(float(np.linalg.norm(self.position[index])) / SPEED_OF_SOUND * SAMPLE_RATE)

    def static(self, room: int) -> NDArray[np.intp]:
        """Indices of the single positions of a room."""
        return np.flatnonzero((self.room == room) & (self.path < 0))

    def paths(self, room: int) -> list[NDArray[np.intp]]:
        """Indices of each path of a room, in walking order."""
        inside = (self.room == room) & (self.path >= 0)
        return [np.flatnonzero(inside & (self.path == path)) for path in np.unique(self.path[inside])]

    @classmethod
    def load(cls, folder: str | Path) -> RirPool:
        """Open the pool in `folder`; samples are read from disk when used.

        Raises:
            BankError: there is no pool or it is damaged.
        """
        folder = Path(folder)
        try:
            index = np.load(folder / "index.npz")
            described = json.loads((folder / "rooms.json").read_text(encoding="utf-8"))
            samples = np.load(folder / "samples.npy", mmap_mode="r")
            rooms = tuple(
                Room(
                    tuple(room["size"]),
                    room["rt60"],
                    tuple(room["band_factors"]),
                    tuple(room["microphone"]),
                    room.get("kind", ""),
                )
                for room in described["rooms"]
            )
            onset = index.get("onset")
            pool = cls(
                samples, index["offsets"], index["room"], index["path"], index["position"], rooms, folder.name, onset
            )
        except (OSError, KeyError, ValueError) as error:
            raise BankError(f"no usable RIR pool in '{folder}' ({error}); delete the folder to rebuild it") from error
        if pool.samples.shape != (int(pool.offsets[-1]), 3):
            raise BankError(f"the RIR pool in '{folder}' is damaged; delete the folder to rebuild it")
        return pool

    @classmethod
    def open(
        cls,
        config: PoolConfig,
        cache: str | Path | None = None,
        workers: int = 1,
        progress: Callable[[int, int], None] | None = None,
    ) -> RirPool:
        """Open the pool of `config` in the cache; it is built there if missing.

        Args:
            config: contents of the pool; the same config gives the same RIRs.
            cache: folder for pools; by default `default_cache()`.
            workers: number of processes that simulate rooms.
            progress: called with (rooms done, total rooms).
        """
        folder = Path(cache or default_cache()) / config.name
        if not (folder / "rooms.json").is_file():
            build(config, folder, workers, progress)
        return cls.load(folder)


def default_cache() -> Path:
    """Default folder for pools."""
    return cache_folder("rir-pools")
