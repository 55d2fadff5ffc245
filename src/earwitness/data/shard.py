"""Features of a whole set in one memory-mapped file, computed once for each setting and content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.accddoa import encode
from earwitness.data.dcase_csv import CLIP_FRAMES, read_table
from earwitness.data.layout import Clip
from earwitness.data.mix import load
from earwitness.errors import EarwitnessError, LabelError
from earwitness.events import EventTable
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.media.atomic import atomic_file

_REVISION: Final = 1
"""Goes up when shards begin to look otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """Features and labels of the usable clips of a set.

    Attributes:
        features: (n, C, T, F) float16, memory-mapped.
        clips: the n clips.
        skipped: the others, by split and name, with the reason.
        frames: length of every clip, 100-ms frames.
    """

    features: NDArray[np.float16]
    clips: tuple[Clip, ...]
    skipped: dict[str, str]
    frames: int

    def __len__(self) -> int:
        """Number of usable clips."""
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float16], EventTable]:
        """Features (C, T, F) and labels of a clip."""
        path = self.clips[index].labels
        assert path is not None
        return self.features[index], read_table(path, self.frames)


def open_shard(
    clips: Sequence[Clip],
    config: FeatureConfig,
    cache: Path,
    frames: int = CLIP_FRAMES,
    progress: Callable[[int, int], None] | None = None,
) -> Shard:
    """Open the shard of a set, computing it first if it is not there for these settings and these files.

    A damaged clip, or one of another length, is skipped and named; it does not stop the others.

    Args:
        clips: the set.
        config: which features.
        cache: folder that keeps shards.
        frames: length of every clip, in 100-ms frames.
        progress: called with (clips done, clips in all) while features are computed.

    Raises:
        LabelError: no clip is usable.
        EncodingError: the shard cannot be written.
    """
    key = shard_key(clips, config, frames)
    data, index = cache / f"{key}.npy", cache / f"{key}.json"
    # The index is written last, so that data with an index is complete.
    if not (data.is_file() and index.is_file()):
        _build(clips, config, frames, data, index, progress)
    skipped: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["skipped"]
    usable = tuple(clip for clip in clips if _title(clip) not in skipped)
    return Shard(np.load(data, mmap_mode="r"), usable, skipped, frames)


def shard_key(clips: Sequence[Clip], config: FeatureConfig, frames: int = CLIP_FRAMES) -> str:
    """Hexadecimal digits: the same if features, clips and the contents of their files are."""
    total = hashlib.sha256(f"{_REVISION} {config.fingerprint()} {frames}".encode())
    for clip in clips:
        total.update(f"\n{_title(clip)}".encode())
        for path in (clip.sound, clip.labels):
            total.update(_digest(path))
    return total.hexdigest()[:24]


def _build(
    clips: Sequence[Clip],
    config: FeatureConfig,
    frames: int,
    data: Path,
    index: Path,
    progress: Callable[[int, int], None] | None,
) -> None:
    extractor = FeatureExtractor(config)
    shape = len(config.channels), frames * config.frames_per_label, config.mels
    skipped: dict[str, str] = {}
    with atomic_file(data) as temporary:
        usable = 0
        # Clips follow each other in the file, whose header is written when their number is known.
        with temporary.open("wb") as file:
            header = _header((len(clips), *shape))
            file.write(header)
            for done, clip in enumerate(clips, start=1):
                try:
                    loaded = load(clip, config.sample_rate)
                    if loaded.labels.num_frames != frames:
                        raise LabelError(f"{clip.sound}: lasts {loaded.labels.num_frames} frames, not {frames}")
                    encode(loaded.labels)
                    file.write(extractor(loaded.audio).astype("<f2").tobytes())
                    usable += 1
                except EarwitnessError as error:
                    skipped[_title(clip)] = str(error)
                if progress:
                    progress(done, len(clips))
            if not usable:
                reason = next(iter(skipped.values()), "there are none")
                raise LabelError(f"none of {len(clips)} clips can be used; the first: {reason}")
            file.seek(0)
            file.write(_header((usable, *shape), len(header)))
    with atomic_file(index) as temporary:
        temporary.write_text(json.dumps({"skipped": skipped, "clips": usable}, indent=1), encoding="utf-8")


def _header(shape: tuple[int, ...], length: int = 256) -> bytes:
    """A NumPy file header of fixed length (format 1.0)."""
    text = repr({"descr": "<f2", "fortran_order": False, "shape": shape})
    body = text.ljust(length - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + (length - 10).to_bytes(2, "little") + body.encode("ascii")


def _digest(path: Path | None) -> bytes:
    if path is None:
        return b"missing"
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"unreadable"


def _title(clip: Clip) -> str:
    return f"{clip.split}/{clip.name}"
