"""What was seen in a video, kept on disk: looking is the slow part, and its result is small."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from earwitness.cache import cache_folder
from earwitness.media.atomic import atomic_file
from earwitness.vision.boxes import Boxes
from earwitness.vision.protocol import VisualDetector
from earwitness.vision.watch import Watched, watch

_VERSION = 1


def save(watched: Watched, path: Path) -> None:
    """Write as .npz, whole or not at all."""
    counts = np.array([len(boxes) for boxes in watched.boxes], dtype=np.int64)
    everything = Boxes.joined(watched.boxes)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            size=np.array([watched.width, watched.height, *watched.content], dtype=np.int64),
            frames=watched.frames,
            counts=counts,
            xyxy=everything.xyxy,
            score=everything.score,
            label=np.array(everything.label, dtype=np.str_),
            keypoints=everything.keypoints,
            motion=watched.motion,
        )


def load(path: Path) -> Watched | None:
    """Read what `save` wrote; None where there is nothing that can be read."""
    try:
        with np.load(path) as file:
            width, height, left, top, right, bottom = file["size"].tolist()
            everything = Boxes.of(file["xyxy"], file["score"], file["label"].tolist(), file["keypoints"])
            ends = np.cumsum(file["counts"])
            boxes = tuple(
                everything.select(np.arange(end - count, end))
                for end, count in zip(ends.tolist(), file["counts"].tolist(), strict=True)
            )
            return Watched(width, height, (left, top, right, bottom), file["frames"], boxes, file["motion"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def cached_watch(
    path: str | Path, detector: VisualDetector, rate: float, folder: Path | None = None
) -> tuple[Watched, bool]:
    """Watch a video, or take what was seen when it was watched before.

    Args:
        path: a video file.
        detector, rate: as in `watch`.
        folder: of the cache; by default the user's.

    Returns:
        What was seen, and whether it was in the cache. A file that was changed is watched anew.
    """
    path = Path(path)
    stat = path.stat()
    key = f"{_VERSION}|{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{detector.name}|{rate:g}"
    kept = (folder or cache_folder("vision")) / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    found = load(kept)
    if found is not None:
        return found, True
    watched = watch(path, detector, rate)
    save(watched, kept)
    return watched, False
