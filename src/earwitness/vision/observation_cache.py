"""On-disk cache of observations: the analysis of pictures is slow, and its result is small.

Arrays in .npz files are written and read in pieces, because NumPy itself needs them in memory.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np
from numpy.typing import DTypeLike, NDArray

from earwitness.core.errors import EncodingError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import cache_folder, keep_within
from earwitness.vision.boxes import NUM_KEYPOINTS, Boxes
from earwitness.vision.detectors.detector_registry import VisualDetector
from earwitness.vision.frame_store import BoxStore, MotionGrids
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.observe import Observation, observe
from earwitness.vision.shots import KINDS, Shot


def write_array(
    archive: ZipFile, name: str, shape: tuple[int, ...], dtype: DTypeLike, pieces: Iterable[NDArray[Any]]
) -> None:
    """Write an array; `numpy.load` reads it.

    Args:
        archive: open for writing.
        name: name of the array.
        shape, dtype: shape and type of the whole array.
        pieces: consecutive parts of the array along its first axis.
    """
    kind = np.dtype(dtype)
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for piece in pieces:
            file.write(np.ascontiguousarray(piece, dtype=kind).tobytes())


class ArrayReader:
    """Reads an array sequentially.

    Args:
        archive: open for reading.
        name: name of the array.

    Raises:
        KeyError: there is no such array.
        ValueError: it is not in the format of `numpy.savez` and `write_array`.
    """

    def __init__(self, archive: ZipFile, name: str) -> None:
        self._file = archive.open(f"{name}.npy")
        if np.lib.format.read_magic(self._file) != (1, 0):
            raise ValueError(f"{name}: another version of the format")
        self._shape, in_columns, self._dtype = np.lib.format.read_array_header_1_0(self._file)
        if in_columns or self._dtype.hasobject:
            raise ValueError(f"{name}: another kind of array")

    def __len__(self) -> int:
        """Length along the first axis."""
        return int(self._shape[0])

    def read(self, count: int) -> NDArray[Any]:
        """Read the next `count` rows, or as many as there are.

        Raises:
            ValueError, OSError, EOFError, BadZipFile, zlib.error: the file is damaged.
        """
        shape = self._shape[1:]
        size = int(np.prod(shape, dtype=np.int64)) * self._dtype.itemsize
        return np.frombuffer(self._file.read(count * size), dtype=self._dtype).reshape(-1, *shape)


def read_array(archive: ZipFile, name: str) -> NDArray[Any]:
    """Read a whole array; raises the errors of `ArrayReader`."""
    reader = ArrayReader(archive, name)
    return reader.read(len(reader))


_VERSION: Final = 4
_PIECE: Final = 600
_LIMIT: Final = 1_000_000_000
"""Size limit of the cache in bytes, about 250 hours; the least recently used observations are removed."""


def save(observation: Observation, path: Path) -> None:
    """Write an observation as .npz, atomically and in pieces."""
    boxes = observation.boxes
    counts = np.array([len(one) for one in boxes], dtype=np.int64)
    total, longest = int(counts.sum()), max((len(name) for one in boxes for name in one.label), default=1)
    size = np.array([observation.width, observation.height, *observation.content], dtype=np.int64)
    motion = (observation.motion[first : first + _PIECE] for first in range(0, observation.num_frames, _PIECE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
        write_array(archive, "size", size.shape, np.int64, [size])
        write_array(archive, "frames", observation.frames.shape, np.int64, [observation.frames])
        write_array(archive, "counts", counts.shape, np.int64, [counts])
        write_array(archive, "xyxy", (total, 4), np.float32, (one.xyxy for one in boxes))
        write_array(archive, "score", (total,), np.float32, (one.score for one in boxes))
        write_array(archive, "label", (total,), f"<U{longest}", (np.array(one.label, dtype=np.str_) for one in boxes))
        write_array(archive, "keypoints", (total, NUM_KEYPOINTS, 3), np.float32, (one.keypoints for one in boxes))
        warnings = np.array(observation.warnings, dtype=np.str_)
        write_array(archive, "warnings", warnings.shape, warnings.dtype.str, [warnings])
        shots = np.array(
            [(one.start, one.stop, *one.content, KINDS.index(one.kind)) for one in observation.shots], np.int64
        )
        write_array(archive, "shots", (len(observation.shots), 7), np.int64, [shots.reshape(-1, 7)])
        write_array(archive, "motion", (observation.num_frames, ROWS, COLUMNS), np.uint8, motion)


def load(path: Path) -> Observation | None:
    """Read an observation in pieces; None if the file is missing or damaged."""
    try:
        with ZipFile(path) as archive:
            size, frames, counts, warnings, shot_rows = (
                read_array(archive, name) for name in ("size", "frames", "counts", "warnings", "shots")
            )
            width, height, left, top, right, bottom = size.tolist()
            columns = [ArrayReader(archive, name) for name in ("xyxy", "score", "label", "keypoints")]
            boxes, grids, motion = BoxStore(), MotionGrids(), ArrayReader(archive, "motion")
            for count in counts.tolist():
                xyxy, score, label, keypoints = (column.read(count) for column in columns)
                boxes.add(Boxes.of(xyxy, score, label.tolist(), keypoints))
            while len(piece := motion.read(_PIECE)):
                grids.extend(piece)
            content = (left, top, right, bottom)
            shots = tuple(
                Shot(row[0], row[1], (row[2], row[3], row[4], row[5]), KINDS[row[6]]) for row in shot_rows.tolist()
            )
            return Observation(width, height, content, frames, boxes, grids, tuple(warnings.tolist()), shots)
    except (OSError, IndexError, KeyError, ValueError, EOFError, BadZipFile, zlib.error, NotImplementedError):
        return None


def cached_observation(
    path: str | Path,
    detector: VisualDetector,
    rate: float,
    folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Observation, bool]:
    """Observe a video, or read its observation from the cache.

    Args:
        path: a video file.
        detector, rate: as for `observe`.
        folder: folder of the cache; by default in the user's cache.
        progress: as for `observe`.

    Returns:
        The observation, and whether it was in the cache. A changed file is observed again. If the cache cannot be
        written, nothing is cached.
    """
    path = Path(path)
    stat = path.stat()
    key = f"{_VERSION}|{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{detector.name}|{rate:g}"
    file = (folder or cache_folder("vision")) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    cached = load(file)
    if cached is not None:
        with suppress(OSError):
            file.touch()
        return cached, True
    observation = observe(path, detector, rate, progress=progress)
    with suppress(OSError, EncodingError):
        save(observation, file)
        keep_within(file.parent, _LIMIT)
    return observation, False
