"""What was seen in a video, kept on disk: looking is the slow part, and its result is small.

Arrays in .npz files, written and read in pieces: NumPy itself holds them whole.
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
from earwitness.vision.frame_store import MotionGrids, SeenBoxes
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.observe import Observation, observe
from earwitness.vision.shots import KINDS, Shot


def write_array(
    archive: ZipFile, name: str, shape: tuple[int, ...], dtype: DTypeLike, pieces: Iterable[NDArray[Any]]
) -> None:
    """Write an array; `numpy.load` reads it.

    Args:
        archive: open for writing.
        name: of the array.
        shape, dtype: of the whole.
        pieces: the array in sequence along its first axis.
    """
    kind = np.dtype(dtype)
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for piece in pieces:
            file.write(np.ascontiguousarray(piece, dtype=kind).tobytes())


class ArrayReader:
    """Reads an array from its beginning on.

    Args:
        archive: open for reading.
        name: of the array.

    Raises:
        KeyError: there is none.
        ValueError: it is not what `numpy.savez` and `write_array` write.
    """

    def __init__(self, archive: ZipFile, name: str) -> None:
        self._file = archive.open(f"{name}.npy")
        if np.lib.format.read_magic(self._file) != (1, 0):
            raise ValueError(f"{name}: of another version")
        self._shape, in_columns, self._dtype = np.lib.format.read_array_header_1_0(self._file)
        if in_columns or self._dtype.hasobject:
            raise ValueError(f"{name}: of another kind")

    def __len__(self) -> int:
        """Length along the first axis."""
        return int(self._shape[0])

    def read(self, count: int) -> NDArray[Any]:
        """The next `count` rows, as far as there are so many.

        Raises:
            ValueError, OSError, EOFError, BadZipFile, zlib.error: the file is damaged.
        """
        shape = self._shape[1:]
        size = int(np.prod(shape, dtype=np.int64)) * self._dtype.itemsize
        return np.frombuffer(self._file.read(count * size), dtype=self._dtype).reshape(-1, *shape)


def read_array(archive: ZipFile, name: str) -> NDArray[Any]:
    """All of an array; raises as `ArrayReader` and its `read`."""
    reader = ArrayReader(archive, name)
    return reader.read(len(reader))


_VERSION: Final = 3
_PIECE: Final = 600
_LIMIT: Final = 1_000_000_000
"""Bytes that are kept, of some 250 hours; what was not asked about for longest goes."""


def save(observation: Observation, path: Path) -> None:
    """Write as .npz, whole or not at all, in pieces."""
    boxes = observation.boxes
    counts = np.array([len(one) for one in boxes], dtype=np.int64)
    seen, longest = int(counts.sum()), max((len(name) for one in boxes for name in one.label), default=1)
    size = np.array([observation.width, observation.height, *observation.content], dtype=np.int64)
    motion = (observation.motion[first : first + _PIECE] for first in range(0, observation.num_frames, _PIECE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
        write_array(archive, "size", size.shape, np.int64, [size])
        write_array(archive, "frames", observation.frames.shape, np.int64, [observation.frames])
        write_array(archive, "counts", counts.shape, np.int64, [counts])
        write_array(archive, "xyxy", (seen, 4), np.float32, (one.xyxy for one in boxes))
        write_array(archive, "score", (seen,), np.float32, (one.score for one in boxes))
        write_array(archive, "label", (seen,), f"<U{longest}", (np.array(one.label, dtype=np.str_) for one in boxes))
        write_array(archive, "keypoints", (seen, NUM_KEYPOINTS, 3), np.float32, (one.keypoints for one in boxes))
        warnings = np.array(observation.warnings, dtype=np.str_)
        write_array(archive, "warnings", warnings.shape, warnings.dtype.str, [warnings])
        shots = np.array(
            [(one.start, one.stop, *one.content, KINDS.index(one.kind)) for one in observation.shots], np.int64
        )
        write_array(archive, "shots", (len(observation.shots), 7), np.int64, [shots.reshape(-1, 7)])
        write_array(archive, "motion", (observation.num_frames, ROWS, COLUMNS), np.uint8, motion)


def load(path: Path) -> Observation | None:
    """Read what `save` wrote, in pieces; None where there is nothing that can be read."""
    try:
        with ZipFile(path) as archive:
            size, frames, counts, said, cuts = (
                read_array(archive, name) for name in ("size", "frames", "counts", "warnings", "shots")
            )
            width, height, left, top, right, bottom = size.tolist()
            columns = [ArrayReader(archive, name) for name in ("xyxy", "score", "label", "keypoints")]
            boxes, grids, motion = SeenBoxes(), MotionGrids(), ArrayReader(archive, "motion")
            for count in counts.tolist():
                xyxy, score, label, keypoints = (column.read(count) for column in columns)
                boxes.add(Boxes.of(xyxy, score, label.tolist(), keypoints))
            while len(piece := motion.read(_PIECE)):
                grids.extend(piece)
            content = (left, top, right, bottom)
            shots = tuple(
                Shot(row[0], row[1], (row[2], row[3], row[4], row[5]), KINDS[row[6]]) for row in cuts.tolist()
            )
            return Observation(width, height, content, frames, boxes, grids, tuple(said.tolist()), shots)
    except (OSError, IndexError, KeyError, ValueError, EOFError, BadZipFile, zlib.error, NotImplementedError):
        return None


def cached_observation(
    path: str | Path,
    detector: VisualDetector,
    rate: float,
    folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Observation, bool]:
    """Watch a video, or take what was seen when it was watched before.

    Args:
        path: a video file.
        detector, rate: as in `watch`.
        folder: of the cache; by default the user's.
        progress: as in `watch`.

    Returns:
        What was seen, and whether it was in the cache. A file that was changed is watched anew. A cache that cannot
        be written keeps nothing.
    """
    path = Path(path)
    stat = path.stat()
    key = f"{_VERSION}|{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{detector.name}|{rate:g}"
    kept = (folder or cache_folder("vision")) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    found = load(kept)
    if found is not None:
        with suppress(OSError):
            kept.touch()
        return found, True
    observation = observe(path, detector, rate, progress=progress)
    with suppress(OSError, EncodingError):
        save(observation, kept)
        keep_within(kept.parent, _LIMIT)
    return observation, False
