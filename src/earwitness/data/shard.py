"""Shards: features and labels of a data set in memory-mapped files, computed once per configuration and content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError, LabelError
from earwitness.core.events import EventTable
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.cache import Digests
from earwitness.core.multi_accddoa import encode
from earwitness.core.vocabulary import DCASE2025
from earwitness.data.clips import load, refuse_none
from earwitness.data.dcase.labels import CLIP_FRAMES, LabelRows, read_rows
from earwitness.data.dcase.layout import Clip
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.media.sound.wav import read_pcm

_REVISION: Final = 2
"""Increased whenever the format of shards changes."""
_DIGESTS: Final = "digests.json"


@dataclass(frozen=True, slots=True, eq=False)
class ShardClip:
    """A clip with precomputed features.

    Attributes:
        clip: files of the clip.
        features: (C, T, F) float16, memory-mapped.
        labels: events, distances in metres.
    """

    clip: Clip
    features: NDArray[np.float16]
    labels: EventTable

    @property
    def audio(self) -> NDArray[np.float32]:
        """(2, samples), read from the file."""
        assert self.clip.sound is not None
        return read_pcm(self.clip.sound)


class Shard:
    """The usable clips of a data set. Pickling stores the path of the features, not their values.

    Args:
        data: file of the features.
        clips: the n usable clips.
        skipped: reason for each unusable clip, by clip id.
        rows: (m, 6) float32, concatenated label rows of all clips.
        ends: (n,) end row (exclusive) of each clip.
        frames: length of every clip in 100-ms frames.
    """

    def __init__(
        self, data: Path, clips: tuple[Clip, ...], skipped: dict[str, str], rows: NDArray[np.float32],
        ends: NDArray[np.int64], frames: int,
    ) -> None:  # fmt: skip
        self.data, self.clips, self.skipped, self.frames = data, clips, skipped, frames
        self._rows, self._ends = rows, ends
        self._features: NDArray[np.float16] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_features": None}

    @property
    def features(self) -> NDArray[np.float16]:
        """(n, C, T, F) float16, memory-mapped, opened once per process."""
        if self._features is None:
            self._features = np.load(self.data, mmap_mode="r")
        return self._features

    def __len__(self) -> int:
        """Number of usable clips."""
        return len(self.clips)

    def __getitem__(self, index: int) -> ShardClip:
        """A clip."""
        rows = self._rows[self._ends[index - 1] if index else 0 : self._ends[index]]
        labels = LabelRows(rows.astype(np.float64), self.clips[index].vocabulary).to_table(self.frames)
        return ShardClip(self.clips[index], self.features[index], labels)


def open_shard(
    clips: Sequence[Clip],
    config: FeatureConfig,
    cache: Path,
    frames: int = CLIP_FRAMES,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
) -> Shard:
    """Open the shard of a data set; it is computed first unless it exists for this configuration and these files.

    Damaged clips and clips of another length are skipped and listed.

    Args:
        clips: clips of the data set.
        config: configuration of the features.
        cache: folder of shards and of the digests of unchanged files.
        frames: length of every clip in 100-ms frames.
        progress: called with (clips done, number of clips) while features are computed.
        workers: number of processes; the shard does not depend on it.

    Raises:
        LabelError: no clip is usable.
        EncodingError: the shard cannot be written.
    """
    digests = Digests.load(cache / _DIGESTS)
    key = shard_key(clips, config, frames, digests)
    data, rows, index = (cache / f"{key}{suffix}" for suffix in (".npy", ".labels.npz", ".json"))
    # The index is written last, so its presence means that the data is complete.
    if not (index.is_file() and _is_complete(data) and _is_complete(rows)):
        _build(clips, config, frames, data, progress, workers)
    if digests.read:
        digests.save(cache / _DIGESTS)
    skipped: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["skipped"]
    usable = tuple(clip for clip in clips if clip.id not in skipped)
    with np.load(rows) as kept:
        return Shard(data, usable, skipped, kept["rows"], kept["ends"], frames)


def _is_complete(path: Path) -> bool:
    """Whether a file of arrays exists and is as long as its header declares."""
    try:
        loaded = np.load(path, mmap_mode="r")
        if isinstance(loaded, np.lib.npyio.NpzFile):
            loaded.close()
    except (OSError, ValueError, EOFError, BadZipFile):
        return False
    return True


def shard_key(
    clips: Sequence[Clip], config: FeatureConfig, frames: int = CLIP_FRAMES, digests: Digests | None = None
) -> str:
    """Key of a shard: hexadecimal digits that depend on the configuration, the clips and the contents of their files.

    Args:
        clips: clips of the data set.
        config: configuration of the features.
        frames: length of every clip in 100-ms frames.
        digests: stored digests; None reads every file.
    """
    digests = Digests() if digests is None else digests
    total = hashlib.sha256(f"{_REVISION} {config.fingerprint()} {frames}".encode())
    if clips and clips[0].vocabulary.slugs != DCASE2025.slugs:
        total.update(f"\n{clips[0].vocabulary.slugs}".encode())
    for clip in clips:
        total.update(f"\n{clip.id} {digests.of(clip.sound)} {digests.of(clip.labels)}".encode())
    return total.hexdigest()[:24]


def _build(
    clips: Sequence[Clip],
    config: FeatureConfig,
    frames: int,
    data: Path,
    progress: Callable[[int, int], None] | None,
    workers: int,
) -> None:
    shape = len(config.channels), frames * config.frames_per_label + config.closing_frames, config.mels
    skipped: dict[str, str] = {}
    labels: list[NDArray[np.float32]] = []
    # Clips are appended to the file; its header is rewritten when their number is known.
    with atomic_file(data) as temporary, temporary.open("wb") as file:
        header = _header((len(clips), *shape))
        file.write(header)
        for done, made in enumerate(_compute_all(clips, config, frames, workers), start=1):
            if isinstance(made, str):
                skipped[clips[done - 1].id] = made
            else:
                file.write(made[0])
                labels.append(made[1])
            if progress:
                progress(done, len(clips))
        refuse_none(labels, clips, skipped)
        file.seek(0)
        file.write(_header((len(labels), *shape), len(header)))
    with atomic_file(data.with_suffix(".labels.npz")) as temporary:
        ends = np.cumsum([len(rows) for rows in labels])
        np.savez(temporary, rows=np.concatenate(labels), ends=ends)
    with atomic_file(data.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps({"skipped": skipped, "clips": len(labels)}, indent=1), encoding="utf-8")


_Computed = tuple[bytes, NDArray[np.float32]] | str


def _compute_all(clips: Sequence[Clip], config: FeatureConfig, frames: int, workers: int) -> Iterator[_Computed]:
    work = partial(_compute, config, frames)
    if workers <= 1:
        yield from map(work, clips)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        yield from executor.map(work, clips, chunksize=max(1, min(32, len(clips) // (4 * workers))))


def _compute(config: FeatureConfig, frames: int, clip: Clip) -> _Computed:
    """Features (as bytes) and label rows of a clip, or the reason why it is skipped."""
    try:
        loaded = load(clip, config.sample_rate)
        if loaded.labels.num_frames != frames:
            raise LabelError(f"{clip.sound}: lasts {loaded.labels.num_frames} frames, not {frames}")
        encode(loaded.labels)
        assert clip.labels is not None
        rows = read_rows(clip.labels, num_frames=frames, vocabulary=clip.vocabulary).values.astype(np.float32)
        return _extractor(config)(loaded.audio).astype("<f2").tobytes(), rows
    except EarwitnessError as error:
        return str(error)


@lru_cache(maxsize=1)
def _extractor(config: FeatureConfig) -> FeatureExtractor:
    return FeatureExtractor(config)


def _header(shape: tuple[int, ...], length: int = 256) -> bytes:
    """A NumPy file header of fixed length (format 1.0)."""
    text = repr({"descr": "<f2", "fortran_order": False, "shape": shape})
    body = text.ljust(length - 11) + "\n"
    return b"\x93NUMPY\x01\x00" + (length - 10).to_bytes(2, "little") + body.encode("ascii")
