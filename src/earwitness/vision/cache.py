"""What was seen in a video, kept on disk: looking is the slow part, and its result is small."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np

from earwitness.cache import cache_folder, keep_within
from earwitness.errors import EncodingError
from earwitness.media.atomic import atomic_file
from earwitness.vision.array_file import ArrayReader, read_array, write_array
from earwitness.vision.boxes import NUM_KEYPOINTS, Boxes
from earwitness.vision.grids import Grids
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.protocol import VisualDetector
from earwitness.vision.seen import SeenBoxes
from earwitness.vision.shots import KINDS, Shot
from earwitness.vision.watch import Watched, watch

_VERSION: Final = 3
_PIECE: Final = 600
_LIMIT: Final = 1_000_000_000
"""Bytes that are kept, of some 250 hours; what was not asked about for longest goes."""


def save(watched: Watched, path: Path) -> None:
    """Write as .npz, whole or not at all, in pieces."""
    boxes = watched.boxes
    counts = np.array([len(one) for one in boxes], dtype=np.int64)
    seen, longest = int(counts.sum()), max((len(name) for one in boxes for name in one.label), default=1)
    size = np.array([watched.width, watched.height, *watched.content], dtype=np.int64)
    motion = (watched.motion[first : first + _PIECE] for first in range(0, watched.num_frames, _PIECE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary, ZipFile(temporary, "w", ZIP_DEFLATED) as archive:
        write_array(archive, "size", size.shape, np.int64, [size])
        write_array(archive, "frames", watched.frames.shape, np.int64, [watched.frames])
        write_array(archive, "counts", counts.shape, np.int64, [counts])
        write_array(archive, "xyxy", (seen, 4), np.float32, (one.xyxy for one in boxes))
        write_array(archive, "score", (seen,), np.float32, (one.score for one in boxes))
        write_array(archive, "label", (seen,), f"<U{longest}", (np.array(one.label, dtype=np.str_) for one in boxes))
        write_array(archive, "keypoints", (seen, NUM_KEYPOINTS, 3), np.float32, (one.keypoints for one in boxes))
        warnings = np.array(watched.warnings, dtype=np.str_)
        write_array(archive, "warnings", warnings.shape, warnings.dtype.str, [warnings])
        shots = np.array(
            [(one.start, one.stop, *one.content, KINDS.index(one.kind)) for one in watched.shots], np.int64
        )
        write_array(archive, "shots", (len(watched.shots), 7), np.int64, [shots.reshape(-1, 7)])
        write_array(archive, "motion", (watched.num_frames, ROWS, COLUMNS), np.uint8, motion)


def load(path: Path) -> Watched | None:
    """Read what `save` wrote, in pieces; None where there is nothing that can be read."""
    try:
        with ZipFile(path) as archive:
            size, frames, counts, said, cuts = (
                read_array(archive, name) for name in ("size", "frames", "counts", "warnings", "shots")
            )
            width, height, left, top, right, bottom = size.tolist()
            columns = [ArrayReader(archive, name) for name in ("xyxy", "score", "label", "keypoints")]
            boxes, grids, motion = SeenBoxes(), Grids(), ArrayReader(archive, "motion")
            for count in counts.tolist():
                xyxy, score, label, keypoints = (column.read(count) for column in columns)
                boxes.add(Boxes.of(xyxy, score, label.tolist(), keypoints))
            while len(piece := motion.read(_PIECE)):
                grids.extend(piece)
            content = (left, top, right, bottom)
            shots = tuple(
                Shot(row[0], row[1], (row[2], row[3], row[4], row[5]), KINDS[row[6]]) for row in cuts.tolist()
            )
            return Watched(width, height, content, frames, boxes, grids, tuple(said.tolist()), shots)
    except (OSError, IndexError, KeyError, ValueError, EOFError, BadZipFile, zlib.error, NotImplementedError):
        return None


def cached_watch(
    path: str | Path,
    detector: VisualDetector,
    rate: float,
    folder: Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[Watched, bool]:
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
    watched = watch(path, detector, rate, progress=progress)
    with suppress(OSError, EncodingError):
        save(watched, kept)
        keep_within(kept.parent, _LIMIT)
    return watched, False
