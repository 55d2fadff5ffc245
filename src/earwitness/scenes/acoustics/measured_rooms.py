"""Pools of measured rooms: RIRs from SOFA files in the format and scale of simulated ones.

First-order ambisonic responses are used unchanged. Responses of a single microphone are given directions: the direct
sound comes from the source, the remaining sound from random directions that vary over time, uniformly distributed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from earwitness.core.errors import BankError
from earwitness.data.dcase.layout import walk_files
from earwitness.scenes.acoustics.rir_files import DIRECT_TAPER, SCALE, RoomPart, direct_window, left_out, save_rooms
from earwitness.scenes.acoustics.rooms import SPEED_OF_SOUND, Room, measure_rt60
from earwitness.scenes.acoustics.sofa import LONGEST_SECONDS, SofaRoom, open_sofa
from earwitness.scenes.scene import SAMPLE_RATE

FloatArray = NDArray[np.float64]

_VERSION: Final = 1
_ONSET_SHARE: Final = 0.25
"""The direct sound starts where a response first reaches this share of its peak."""
_WALK_STEP: Final = 0.5
"""Maximum distance in metres of consecutive positions of a walk."""
_MOST_RELATIVE_STEP: Final = 1.6
"""Maximum step of a walk relative to the median step; changes of height between walks are longer."""
_WALK_SPACING: Final = 0.25
"""Minimum distance in metres of the points of a walk that are kept."""
_WALK_POINTS: Final = 24
_FARTHEST_OFF_DEG: Final = 30.0
"""If the median error of the direct sound's direction exceeds this, channels or positions must be wrong."""
_TURN_SAMPLES: Final = 36
_LISTENER_HEIGHT: Final = 1.5
"""Height of the listener in metres if the file does not state it."""


def measured_pool(source: str | Path, cache: Path, progress: Callable[[int, int], None] | None = None) -> Path:
    """The folder of the pool of a SOFA file or of all SOFA files below a folder; built in the cache if missing.

    Args:
        source: file or folder; each file is a room.
        cache: folder for pools.
        progress: called with (rooms done, total rooms).

    Raises:
        BankError: there is no SOFA file, or none can be used. Unusable files among others are skipped: see
            `rir_files.left_out`.
        MissingExtraError: h5py is not installed.
    """
    source = Path(source)
    files = [path for path in walk_files(source) if path.suffix.lower() == ".sofa"] if source.is_dir() else [source]
    if not files or not all(path.is_file() for path in files):
        raise BankError(f"no SOFA files at '{source}'; give a .sofa file or a folder of them")
    digest = hashlib.sha256()
    for path in files:
        digest.update(_digest(path))
    folder = cache / f"sofa-{digest.hexdigest()[:16]}-v{_VERSION}"
    # Pools without a list of skipped files were built before units were taken into account.
    if left_out(folder) is None:
        parts, unusable = _read_rooms(files, progress)
        save_rooms(parts, folder, unusable)
    return folder


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").digest()
    except OSError as error:
        raise BankError(f"'{path}' cannot be read ({error.strerror or error}); check the file") from error


def _read_rooms(files: Sequence[Path], progress: Callable[[int, int], None] | None) -> tuple[list[RoomPart], list[str]]:
    """The rooms of the files, and the reasons why other files cannot be used.

    Raises:
        BankError: no file can be used.
    """
    parts: list[RoomPart] = []
    unusable: list[BankError] = []
    for number, path in enumerate(files, start=1):
        try:
            parts.append(read_room(path))
        except BankError as error:
            unusable.append(error)
        if progress:
            progress(number, len(files))
    if not parts:
        raise unusable[0]
    return parts, [str(error) for error in unusable]


def read_room(path: Path) -> RoomPart:
    """Read a room from a SOFA file.

    Responses are resampled to 24 kHz, scaled so that the direct sound has the level 1 / distance, and shifted by a
    common delay so that it arrives at the time of flight. The level of the directional channels is also set by the
    direct sound.

    Raises:
        BankError: the file cannot be used.
    """
    with open_sofa(path) as sofa:
        distance = np.linalg.norm(sofa.position, axis=1)
        responses = [_resampled(sofa, index) for index in range(len(sofa))]
        onset = np.array([_onset(response[0]) for response in responses])
        lag = round(float(np.median(onset - distance / SPEED_OF_SOUND * SAMPLE_RATE)))
        responses, onset = [_shifted(response, lag) for response in responses], np.maximum(onset - lag, 0)
        towards = sofa.position / distance[:, None]
        if sofa.ambisonic:
            horizontal = _horizontal(sofa, responses, onset, towards)
        else:
            rng = np.random.default_rng(0)
            horizontal = [_spread(*part, rng) for part in zip(responses, onset, towards, strict=True)]
    strength = [float(np.sqrt(np.sum(_direct(rir, at)[0] ** 2))) for rir, at in zip(horizontal, onset, strict=True)]
    gain = 1 / max(float(np.median(np.array(strength) * distance)), 1e-12)
    loudest = max(float(np.abs(rir).max()) for rir in horizontal) * gain * SCALE
    if not loudest <= float(np.finfo(np.float16).max):
        raise BankError(f"'{path}': its direct sounds are too weak compared with its reflections; check its delays")
    rirs = [(rir.T * (gain * SCALE)).astype(np.float16) for rir in horizontal]
    order, walk = _walks(sofa.position)
    return RoomPart(
        _room(sofa, horizontal),
        [rirs[index] for index in order],
        walk,
        sofa.position[order].astype(np.float32),
        onset[order].astype(np.int32),
    )


def _resampled(sofa: SofaRoom, index: int) -> FloatArray:
    response = sofa.response(index)
    if sofa.rate != SAMPLE_RATE:
        response = soxr.resample(np.ascontiguousarray(response.T), sofa.rate, SAMPLE_RATE).T
    return np.asarray(response[:, : round(LONGEST_SECONDS * SAMPLE_RATE)])


def _onset(wave: FloatArray) -> int:
    level = np.abs(wave)
    first = int(np.argmax(level >= _ONSET_SHARE * level.max()))
    return first + int(np.argmax(level[first : first + DIRECT_TAPER]))


def _shifted(response: FloatArray, lag: int) -> FloatArray:
    return response[:, lag:] if lag >= 0 else np.pad(response, ((0, 0), (-lag, 0)))


def _direct(rir: FloatArray, onset: int) -> FloatArray:
    start, window = direct_window(onset)
    part = rir[:, start : start + window.size]
    return part * window[: part.shape[1]]


def _horizontal(
    sofa: SofaRoom, responses: Sequence[FloatArray], onset: NDArray[np.int_], towards: FloatArray
) -> list[FloatArray]:
    """W, Y and X of ambisonic responses, normalised so that Y and X equal W for sources on their axes."""
    estimates = []
    for response, at in zip(responses, onset, strict=True):
        w, y, _, x = _direct(response, int(at))
        estimates.append([np.sum(w * x) / np.sum(w * w), np.sum(w * y) / np.sum(w * w)])
    found, true = np.array(estimates), towards[:, :2]
    # The normalisation of the file (1, sqrt 2 or sqrt 3) follows from the direct sounds.
    gain = float(np.sum(found * true) / np.sum(true * true))
    off = np.degrees(np.arctan2(found[:, 1], found[:, 0]) - np.arctan2(true[:, 1], true[:, 0]))
    error = float(np.median(np.abs((off + 180) % 360 - 180)))
    if error > _FARTHEST_OFF_DEG or gain <= 0:
        raise BankError(
            f"'{sofa.path}': direct sounds do not come from the stated positions (median error {error:.0f} degrees); "
            "channels must be W, Y, Z, X and positions relative to the listener's view"
        )
    return [np.stack([response[0], response[1] / gain, response[3] / gain]) for response in responses]


def _spread(response: FloatArray, onset: int, towards: FloatArray, rng: np.random.Generator) -> FloatArray:
    """W, Y and X of a single microphone's response; all but the direct sound comes from varying random directions."""
    wave = response[0]
    start, window = direct_window(onset)
    share = np.zeros(wave.size)
    share[:start] = 1.0
    share[start : start + window.size] = window[: wave.size - start]
    corners = rng.standard_normal((wave.size // _TURN_SAMPLES + 2, 3))
    place = np.arange(wave.size) / _TURN_SAMPLES
    turning = np.stack([np.interp(place, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)])
    length = np.sqrt(np.interp(place, np.arange(len(corners)), corners[:, 2]) ** 2 + np.sum(turning**2, axis=0))
    ahead, left = turning / np.maximum(length, 1e-9)
    diffuse = wave * (1 - share)
    direct = wave * share
    return np.stack([wave, direct * towards[1] + diffuse * left, direct * towards[0] + diffuse * ahead])


def _walks(position: FloatArray) -> tuple[list[int], NDArray[np.int32]]:
    """The indices of the responses in their new order, and the walk of each; -1 for single positions.

    Closely spaced consecutive positions, as in TAU-SRIR, form walks. Positions between the points that a walk keeps are
    single positions; if there are none, the points of the walks are also used as single positions.
    """
    steps = np.linalg.norm(np.diff(position, axis=0), axis=1)
    near = steps[(steps <= _WALK_STEP) & (steps > 1e-6)]
    longest = min(_WALK_STEP, _MOST_RELATIVE_STEP * float(np.median(near))) if near.size else _WALK_STEP
    breaks = np.flatnonzero((steps > longest) | (steps < 1e-6)) + 1
    walks: list[list[int]] = []
    for run in np.split(np.arange(len(position)), breaks):
        kept = _thinned(position, run)
        walks.extend(part for part in _parts(kept) if len(part) >= 3)
    on_walks = {index for walk in walks for index in walk}
    single = [index for index in range(len(position)) if index not in on_walks] or list(range(len(position)))
    order = [*single, *(index for walk in walks for index in walk)]
    numbers = [-1] * len(single) + [number for number, walk in enumerate(walks) for _ in walk]
    return order, np.asarray(numbers, dtype=np.int32)


def _thinned(position: FloatArray, run: NDArray[np.intp]) -> list[int]:
    kept = [int(run[0])]
    for index in run[1:]:
        if np.linalg.norm(position[index] - position[kept[-1]]) >= _WALK_SPACING - 1e-6:
            kept.append(int(index))
    return kept


def _parts(walk: list[int]) -> list[list[int]]:
    return [walk[start : start + _WALK_POINTS] for start in range(0, len(walk), _WALK_POINTS)]


def _room(sofa: SofaRoom, rirs: Sequence[FloatArray]) -> Room:
    """A shoebox that contains all measured positions, for uses that need a room size."""
    height = sofa.listener_height or max(_LISTENER_HEIGHT, 0.1 - float(sofa.position[:, 2].min()))
    low, high = sofa.position.min(axis=0), sofa.position.max(axis=0)
    low, high = np.minimum(low, -1.0) - 0.7, np.maximum(high, 1.0) + 0.7
    size = (float(high[0] - low[0]), float(high[1] - low[1]), max(2.5, height + float(high[2])))
    return Room(size, _rt60(rirs), (1.0,) * 7, (float(-low[0]), float(-low[1]), height))


def _rt60(rirs: Sequence[FloatArray]) -> float:
    """Median RT60 at 1 kHz of some responses; 0 if they are too short to measure it."""
    measured = []
    for rir in rirs[:: max(1, len(rirs) // 8)]:
        try:
            measured.append(measure_rt60(rir[0]))
        except (ValueError, TypeError, np.linalg.LinAlgError):
            continue
    found = [value for value in measured if np.isfinite(value) and value > 0]
    return float(np.median(found)) if found else 0.0
