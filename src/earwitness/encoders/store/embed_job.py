"""Fills the embedding store of a data set; a clip is encoded again only if its file has changed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final, NamedTuple, cast

import numpy as np

from earwitness.core.errors import EarwitnessError, EncoderError
from earwitness.core.files.cache import Digests
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.isolation import each_within_limits
from earwitness.data.dcase.layout import Clip
from earwitness.encoders.protocol import Device, EncoderSpec, PictureEncoder, SoundEncoder, TokenMap
from earwitness.encoders.store.embedding_store import EmbeddingStore, StoreDescription, create_store, store_root
from earwitness.encoders.store.token_parts import PartWriter, next_run
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import read_pcm, wav_info

DEFAULT_RATE: Final = 2.0
_DIGESTS: Final = "digests.json"


@dataclass(frozen=True, slots=True)
class EmbedJob:
    """Settings of an embedding run; picklable.

    Attributes:
        spec: the encoder.
        rate: pictures per second.
        horizontal_fov_deg: field of view of the pictures.
        swap: encode mirrored pictures as well; sound needs no second pass.
        device: where torch networks run.
    """

    spec: EncoderSpec
    rate: float = DEFAULT_RATE
    horizontal_fov_deg: float = DEFAULT_FOV_DEG
    swap: bool = False
    device: Device = "cpu"

    def load(self) -> SoundEncoder | PictureEncoder:
        """Load the encoder with one thread; raises the errors of `EncoderSpec.load`."""
        return self.spec.load(threads=1, device=self.device)


@dataclass(slots=True)
class EmbedReport:
    """Result of a run.

    Attributes:
        folder: folder of the store.
        made: number of token maps that this run encoded.
        kept: number of token maps that were in the store before.
        without: ids of clips without a file of this modality.
        skipped: reasons why clips could not be encoded, by clip id.
    """

    folder: Path
    made: int = 0
    kept: int = 0
    without: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


class _Task(NamedTuple):
    """A file to encode: unchanged, mirrored, or both."""

    clip: str
    path: Path
    content: str
    versions: tuple[bool, ...]


def embed(
    root: Path,
    clips: Sequence[Clip],
    job: EmbedJob,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> EmbedReport:
    """Encode the clips of a data set that are not in its store or whose files have changed.

    A clip that cannot be encoded is listed in `skipped`; the others are still encoded. An interrupted run can be
    resumed. Tokens do not depend on the number of workers.

    Args:
        root: folder of the data set, or the folder for its embeddings.
        clips: its clips.
        job: settings of the run.
        workers: number of processes, each with its own encoder.
        progress: called with (clips done, total clips).

    Raises:
        EncoderError: the weights are missing, no clip has this modality, or the store cannot be written.
        UsageError: the encoder or its settings are unknown.
    """
    encoder = job.load()
    description = StoreDescription.of(encoder, job.rate, job.horizontal_fov_deg)
    _refuse_without_input(root, clips, description)
    folder = create_store(root, description)
    report = EmbedReport(folder)
    tasks = _tasks(root, clips, job, EmbeddingStore.at(folder, description), report)
    done = len(clips) - len(tasks)
    if progress:
        progress(done, len(clips))
    with contextlib.closing(_results(tasks, job, folder, encoder, workers)) as results:
        for clip, made, problem in results:
            done += 1
            report.made += made
            if problem:
                report.skipped[clip] = problem
            if progress:
                progress(done, len(clips))
    return report


def outdated(root: Path, clips: Sequence[Clip], store: EmbeddingStore) -> list[str]:
    """Ids of clips whose file has changed since it was encoded.

    Args:
        root: folder of the data set.
        clips: clips to check; those without a file or without embeddings are ignored.
        store: the embeddings.
    """
    digests = Digests.load(store_root(root) / _DIGESTS)
    found = []
    for clip in clips:
        path = clip.sound if store.description.modality == "sound" else clip.picture
        record = store.records.get((clip.id, False))
        if path is not None and record is not None and record.content != digests.of(path):
            found.append(clip.id)
    return found


def _tasks(root: Path, clips: Sequence[Clip], job: EmbedJob, store: EmbeddingStore, report: EmbedReport) -> list[_Task]:
    """The files to encode; adds clips that need no work to `report`."""
    sound = store.description.modality == "sound"
    wanted = (False, True) if job.swap and not sound else (False,)
    cached = store_root(root) / _DIGESTS
    digests = Digests.load(cached)
    tasks = []
    for clip in clips:
        path = clip.sound if sound else clip.picture
        if path is None:
            report.without.append(clip.id)
            continue
        content = digests.of(path)
        versions = tuple(
            swapped for swapped in wanted
            if (record := store.records.get((clip.id, swapped))) is None or record.content != content
        )  # fmt: skip
        report.kept += len(wanted) - len(versions)
        if versions:
            tasks.append(_Task(clip.id, path, content, versions))
    digests.save(cached)
    return tasks


def _refuse_without_input(root: Path, clips: Sequence[Clip], description: StoreDescription) -> None:
    sound, name = description.modality == "sound", description.encoder
    if all((clip.sound if sound else clip.picture) is None for clip in clips):
        raise EncoderError(
            f"{root}: no clip has {'sound' if sound else 'pictures'} that '{name}' could encode; add "
            f"{'stereo' if sound else 'video'}_dev, or leave '{name}' out and train without its tokens"
        )


_Result = tuple[str, int, str | None]


def _results(
    tasks: Sequence[_Task], job: EmbedJob, folder: Path, encoder: SoundEncoder | PictureEncoder, workers: int
) -> Generator[_Result, None, None]:
    """Run the tasks in this process or in workers; yields results as they are finished."""
    if not tasks:
        return
    run = next_run(folder)
    if workers <= 1 or len(tasks) <= 1:
        yield from _encode_all(tasks, _Worker(job, encoder, PartWriter.open(folder, run)))
        return
    with ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn")) as executor:
        try:
            yield from executor.map(_Work(job, folder, run), tasks, chunksize=4)
        except BrokenProcessPool as error:
            raise EncoderError(
                "a worker process was killed, perhaps because memory ran out; resume with fewer workers"
            ) from error


@dataclass(slots=True)
class _Worker:
    """Encodes files in one process."""

    job: EmbedJob
    encoder: SoundEncoder | PictureEncoder
    writer: PartWriter

    def encode(self, task: _Task) -> _Result:
        """Encode a file and write its tokens."""
        try:
            for swapped, tokens in each_within_limits(task.path, self._maps(task)):
                self.writer.add(task.clip, swapped, task.content, tokens)
        except EarwitnessError as error:
            return task.clip, 0, str(error)
        return task.clip, len(task.versions), None

    def _maps(self, task: _Task) -> Iterable[tuple[bool, TokenMap]]:
        if self.encoder.modality == "sound":
            return [(False, self._sound(cast(SoundEncoder, self.encoder), task.path))]
        return self._pictures(cast(PictureEncoder, self.encoder), task)

    def _sound(self, encoder: SoundEncoder, path: Path) -> TokenMap:
        rate, samples = wav_info(path).rate, read_pcm(path)
        try:
            return encoder.encode(samples, rate)
        except EncoderError as error:
            raise EncoderError(f"{path}: {error}") from error

    def _pictures(self, encoder: PictureEncoder, task: _Task) -> Iterator[tuple[bool, TokenMap]]:
        reader = PictureReader(task.path, self.job.rate)
        pictures = list(reader)
        if reader.corrupt_packets:
            raise EncoderError(f"{task.path}: {reader.corrupt_packets} packets of its pictures are damaged")
        # 150 pictures at 29.97 per second last 5.005 s: a sample in the last half picture is a rounding artefact.
        end = reader.duration - 0.5 / float(reader.frame_rate)
        pictures = [one for one in pictures if one.time < end] or pictures[:1]
        frames, times = np.stack([one.rgb for one in pictures]), np.array([one.time for one in pictures])
        for swapped in task.versions:
            shown = np.ascontiguousarray(frames[:, :, ::-1]) if swapped else frames
            yield swapped, encoder.encode(shown, times, self.job.horizontal_fov_deg)


def _encode_all(tasks: Iterable[_Task], worker: _Worker) -> Iterator[_Result]:
    try:
        for task in tasks:
            yield worker.encode(task)
    finally:
        worker.writer.close()


@dataclass(frozen=True, slots=True)
class _Work:
    """Encodes files in a worker process; picklable. The process loads the encoder with its first file."""

    job: EmbedJob
    folder: Path
    run: int

    def __hash__(self) -> int:
        """Hash of the run; the settings of encoders are mappings, which have no hash."""
        return hash((self.folder, self.run))

    def __call__(self, task: _Task) -> _Result:
        return _worker(self).encode(task)


@lru_cache(maxsize=1)
def _worker(work: _Work) -> _Worker:
    return _Worker(work.job, work.job.load(), PartWriter.open(work.folder, work.run))
