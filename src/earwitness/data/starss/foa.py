"""Ambisonic data sets (STARSS22, STARSS23, SpatialScaper): recordings, labels and stereo crops.

foa_dev/<split>/<recording>.wav    W, Y, Z, X at 24 kHz
metadata_dev/<split>/<recording>.csv    frame,class,source,azimuth,elevation[,distance in cm], without a header
video_dev/<split>/<recording>.mp4    360 degrees, equirectangular; optional
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import EarwitnessError, LabelError, UnreadableMediaError
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.core.files.small_files import TABLE_BYTES, read_text
from earwitness.core.geometry import DCASE_CAMERA, foa_to_stereo, fold, rotate_view
from earwitness.core.isolation import limits_for
from earwitness.core.source_numbers import separate_sources
from earwitness.core.vocabulary import DCASE2025
from earwitness.data.dcase.labels import CLIP_FRAMES, are_metres
from earwitness.media.containers.probe import probe
from earwitness.media.sound.wav import read_pcm, wav_info

RATE: Final = 24_000
LOUDEST: Final = 0.9999
"""Maximum peak of a clip; louder clips are rejected, as in the official generator."""

_NAME: Final = re.compile(r"fold(\d+)_room(\d+)_mix(\d+)")
_COLUMNS: Final = (5, 6)


@dataclass(frozen=True, slots=True)
class Recording:
    """One ambisonic recording.

    Attributes:
        split: name of its folder, such as "dev-train-sony".
        name: common stem of its files.
        sound, labels: its files.
        video: its 360-degree video; None if there is none.
        frames: length of the sound, or of the shorter of sound and video, in 100-ms frames.
        panorama: (width, height) of the video; None without video.
        fps: pictures per second; 0 without video.
    """

    split: str
    name: str
    sound: Path
    labels: Path
    video: Path | None
    frames: int
    panorama: tuple[int, int] | None = None
    fps: float = 0.0

    @property
    def room(self) -> int:
        """Number of the room."""
        return self._parts[1]

    @property
    def mix(self) -> int:
        """Number of the recording in its room."""
        return self._parts[2]

    @property
    def _parts(self) -> tuple[int, ...]:
        match = _NAME.fullmatch(self.name)
        return tuple(map(int, match.groups())) if match else (0, 0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class FoaLabels:
    """Labels of a recording.

    Attributes:
        values: (n, 6) float64: frame, class, source, azimuth, elevation (degrees), distance (metres; NaN if unknown).
        in_metres: whether the file contained metres instead of centimetres; they are interpreted as metres.
    """

    values: NDArray[np.float64]
    in_metres: bool = False

    @property
    def has_distance(self) -> bool:
        """Whether all rows have a distance."""
        return not np.isnan(self.values[:, 5]).any()

    def in_view(
        self, start: int, view_deg: float, frames: int = CLIP_FRAMES, unknown_distance: float | None = None
    ) -> EventTable:
        """Stereo labels of a crop in a view: azimuth rotated and folded, elevation dropped, on-screen flag computed.

        Args:
            start: first 100-ms frame.
            view_deg: rotation of the view in degrees.
            frames: length of the crop.
            unknown_distance: distance in metres for labels without one; None leaves NaN.
        """
        rows = self.values[(self.values[:, 0] >= start) & (self.values[:, 0] < start + frames)]
        azimuth = rotate_view(rows[:, 3], view_deg)
        distance = rows[:, 5] if unknown_distance is None else np.nan_to_num(rows[:, 5], nan=unknown_distance)
        table = EventTable.from_columns(
            frame=rows[:, 0] - start,
            class_index=rows[:, 1],
            source=rows[:, 2],
            azimuth=fold(azimuth),
            distance=distance,
            onscreen=DCASE_CAMERA.sees(azimuth, rows[:, 4]),
            num_frames=frames,
        )
        return separate_sources(table)


def find_recordings(root: Path | str, video: bool = True, damaged: dict[str, str] | None = None) -> list[Recording]:
    """All labelled recordings of a data set, sorted by path.

    Args:
        root: folder with foa_dev and metadata_dev.
        video: whether to use videos; if not, lengths are those of the sound.
        damaged: receives the reason for each unusable recording, which is then skipped; None raises the first error.

    Raises:
        LabelError: there is no such data set, or labels without sound. The latter is raised only if `damaged` is None
            or no recording is usable.
        UnreadableMediaError: sound or video is unusable; raised under the same conditions.
    """
    root = Path(root)
    labels = sorted((root / "metadata_dev").glob("*/*.csv"))
    if not labels or not (root / "foa_dev").is_dir():
        raise LabelError(
            f"{root}: has no ambisonic data set; expected foa_dev/<split>/*.wav and metadata_dev/<split>/*.csv, as "
            "in STARSS23"
        )
    found: list[Recording] = []
    first: EarwitnessError | None = None
    for path in (path for path in labels if not path.name.startswith(".")):
        try:
            with limits_for(path):
                found.append(_recording(root, path, video))
        except EarwitnessError as error:
            if damaged is None:
                raise
            damaged[f"{path.parent.name}/{path.stem}"] = str(error)
            first = first or error
    if first is not None and not found:
        raise first
    return found


def unlabelled(root: Path | str) -> list[str]:
    """Names of the recordings that have sound but no labels."""
    root = Path(root)
    sounds = sorted((root / "foa_dev").glob("*/*.wav"))
    labels = root / "metadata_dev"
    return [
        path.stem
        for path in sounds
        if not path.name.startswith(".") and not (labels / path.parent.name / f"{path.stem}.csv").is_file()
    ]


def _recording(root: Path, labels: Path, with_video: bool) -> Recording:
    split, name = labels.parent.name, labels.stem
    sound, video = root / "foa_dev" / split / f"{name}.wav", root / "video_dev" / split / f"{name}.mp4"
    if not sound.is_file():
        raise LabelError(f"{labels}: there is no {sound} for these labels; complete the data set or delete them")
    if _NAME.fullmatch(name) is None:
        raise LabelError(f"{labels}: is not named fold_room_mix, so its room is unknown; rename it")
    info = wav_info(sound)
    if (info.rate, info.channels) != (RATE, 4):
        raise UnreadableMediaError(
            f"{sound}: is {info.rate} Hz with {info.channels} channels; expected first-order ambisonics, 4 at {RATE} Hz"
        )
    frames = info.samples * FRAME_RATE // info.rate
    if not with_video or not video.is_file():
        return Recording(split, name, sound, labels, None, frames)
    shown = probe(video).video
    if shown is None or not shown.duration or not shown.fps:
        raise UnreadableMediaError(f"{video}: has no pictures of known length; delete it or copy it again")
    if shown.width != 2 * shown.height:
        raise UnreadableMediaError(
            f"{video}: is {shown.width}x{shown.height}, but a 360-degree panorama is twice as wide as high; "
            "copy the right video, or delete this one for clips without pictures"
        )
    frames = min(frames, int(shown.duration * FRAME_RATE + 1e-6))
    return Recording(split, name, sound, labels, video, frames, (shown.width, shown.height), shown.fps)


def read_foa_labels(path: Path) -> FoaLabels:
    """Read the labels of an ambisonic recording; a header line is accepted.

    Raises:
        LabelError: the file is malformed; the message names file, line and problem.
    """
    lines = read_text(path, TABLE_BYTES, LabelError).splitlines()
    rows = [_row(line, path, number) for number, line in enumerate(lines, start=1) if _has_data(line, number)]
    values = np.array([row + [np.nan] * (6 - len(row)) for row in rows], dtype=np.float64).reshape(-1, 6)
    in_metres = are_metres(values[:, 5])
    if not in_metres:
        values[:, 5] /= 100
    return FoaLabels(values, in_metres)


def read_stereo(recording: Recording, start: int, view_deg: float, frames: int = CLIP_FRAMES) -> NDArray[np.float32]:
    """Read a crop of a recording as two coincident cardioids (2, samples).

    Args:
        recording: the recording.
        start: first 100-ms frame.
        view_deg: rotation of the view in degrees.
        frames: length of the crop.
    """
    samples = RATE // FRAME_RATE
    stereo = foa_to_stereo(read_pcm(recording.sound, start * samples, frames * samples), view_deg)
    return np.asarray(stereo, dtype=np.float32)


def _has_data(line: str, number: int) -> bool:
    return bool(line.strip()) and not (number == 1 and line.lstrip().lower().startswith("frame"))


def _row(line: str, path: Path, number: int) -> list[float]:
    fields = line.split(",")
    try:
        row = [float(field) for field in fields]
    except ValueError:
        raise LabelError(f"{path}, line {number}: '{line[:60]}' does not consist of numbers") from None
    if len(row) not in _COLUMNS:
        raise LabelError(
            f"{path}, line {number}: has {len(row)} values, expected frame,class,source,azimuth,elevation[,distance]"
        )
    limits = ((0, 1e7), (0, len(DCASE2025) - 1), (-1, 1e4), (-360, 360), (-90, 90), (0, 1e6))
    for value, (low, high), name in zip(
        row, limits, ("frame", "class", "source", "azimuth", "elevation", "distance"), strict=False
    ):
        if not low <= value <= high:
            raise LabelError(f"{path}, line {number}: {name} is {value:g}; it must lie in {low:g}..{high:g}")
    if any(value % 1 for value in row[:3]):
        raise LabelError(f"{path}, line {number}: frame, class and source must be whole numbers")
    return row
