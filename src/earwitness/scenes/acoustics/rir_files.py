"""Pools of RIRs on disk: all rooms in one array that can be memory-mapped; written atomically."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import BankError, EncodingError
from earwitness.core.files.atomic import atomic_folder, remove_partial_files
from earwitness.scenes.acoustics.rooms import Room

VERSION: Final = 2
SCALE: Final = 32.0
"""RIRs are multiplied by this before they are stored as float16, so that weak tails are not subnormal."""
DIRECT_SAMPLES: Final = 36
"""Samples after its arrival that count as the direct sound of a measured RIR: 1.5 ms."""
DIRECT_TAPER: Final = 12


@dataclass(frozen=True, slots=True)
class RoomPart:
    """One room of a pool; attributes as in `RirPool`.

    Attributes:
        room: the room.
        rirs: (samples, 3) float16 each, scaled.
        path, position, onset: of each RIR.
    """

    room: Room
    rirs: list[NDArray[np.float16]]
    path: NDArray[np.int32]
    position: NDArray[np.float32]
    onset: NDArray[np.int32] | None = None


def direct_window(onset: int) -> tuple[int, NDArray[np.float64]]:
    """The window of the direct sound in a measured RIR; the direct sound arrives at sample `onset`.

    Returns:
        start: first sample of the window; window: (samples,), from 0 to 1 and back.
    """
    taper = np.sin(np.arange(1, DIRECT_TAPER + 1) / (DIRECT_TAPER + 1) * np.pi / 2) ** 2
    window = np.concatenate([taper, np.ones(DIRECT_SAMPLES), taper[::-1]])
    start = onset - DIRECT_TAPER
    return max(0, start), window[max(0, -start) :]


def save_rooms(parts: Sequence[RoomPart], folder: Path, left_out: Sequence[str] | None = None) -> None:
    """Save rooms as a pool atomically, with the reasons why other rooms were left out.

    Raises:
        BankError: the folder cannot be written.
    """
    try:
        remove_partial_files(folder.parent)
        with atomic_folder(folder) as temporary:
            _write(parts, temporary, left_out)
    except EncodingError as error:
        needed = sum(rir.nbytes for part in parts for rir in part.rirs) / 1e6
        raise BankError(
            f"the RIR pool {error}; it takes {needed:.0f} MB of space; set EARWITNESS_CACHE to use another folder"
        ) from error


def left_out(folder: Path) -> list[str] | None:
    """The reasons why rooms were left out of a pool; None if there is no pool or it has no such list."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        return [str(why) for why in json.loads((folder / "rooms.json").read_text(encoding="utf-8"))["left_out"]]
    return None


def _write(parts: Sequence[RoomPart], folder: Path, left_out: Sequence[str] | None) -> None:
    rirs = [rir for part in parts for rir in part.rirs]
    offsets = np.concatenate([[0], np.cumsum([len(rir) for rir in rirs])]).astype(np.int64)
    columns: dict[str, NDArray[Any]] = {
        "offsets": offsets,
        "room": np.repeat(np.arange(len(parts), dtype=np.int32), [len(part.rirs) for part in parts]),
        "path": np.concatenate([part.path for part in parts]),
        "position": np.concatenate([part.position for part in parts]),
    }
    onsets = [part.onset for part in parts if part.onset is not None]
    if onsets:
        columns["onset"] = np.concatenate(onsets)
    # Written instead of mapped: on a full disk, a mapped file kills the process instead of raising an error.
    with (folder / "samples.npy").open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (int(offsets[-1]), 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for rir in rirs:
            file.write(np.ascontiguousarray(rir, dtype="<f2").tobytes())
    np.savez(folder / "index.npz", allow_pickle=False, **columns)
    rooms: dict[str, Any] = {"version": VERSION, "rooms": [asdict(part.room) for part in parts]}
    if left_out is not None:
        rooms["left_out"] = list(left_out)
    (folder / "rooms.json").write_text(json.dumps(rooms), encoding="utf-8")
