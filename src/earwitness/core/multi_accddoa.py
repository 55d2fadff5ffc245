"""Multi-ACCDDOA: converts labels to training targets and network outputs to events. NumPy only.

Each of three tracks holds four values per class: x = activity cos(azimuth) (ahead), y = activity sin(azimuth) (left),
the distance in metres, and the probability that the source is on screen.

Source: Shimada et al., "Multi-ACCDOA: localizing and detecting overlapping sounds from the same class with auxiliary
duplicating permutation invariant training" (ICASSP 2022); Krause et al., "Sound event detection and localization with
distance estimation" (EUSIPCO 2024) for the distance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import LabelError, ModelError
from earwitness.core.events import EventTable
from earwitness.core.geometry import fold
from earwitness.core.source_numbers import link_sources
from earwitness.core.vocabulary import DCASE2025, Vocabulary

MAX_TRACKS: Final = 3
FIELDS: Final = 4
X, Y, DISTANCE, ONSCREEN = range(FIELDS)

Decoding = Literal["weighted", "official"]
"""How active tracks that are close to each other become one event; see `decode`."""

_MAPS: Final = (
    ((0,) * MAX_TRACKS,),
    tuple(slots for slots in product(range(2), repeat=MAX_TRACKS) if len(set(slots)) == 2),
    tuple(permutations(range(MAX_TRACKS))),
)
ASSIGNMENTS: Final[NDArray[np.int64]] = np.array([slots for maps in _MAPS for slots in maps], dtype=np.int64)
"""(13, 3): the source slot of each track; all surjective maps of 3 tracks onto 1, 2 and 3 sources."""
ASSIGNMENT_SOURCES: Final[NDArray[np.int64]] = np.repeat(np.arange(1, MAX_TRACKS + 1), [len(maps) for maps in _MAPS])
"""(13,): the number of simultaneous sources of one class that each assignment covers."""

_IDEAL_SLOTS: Final = np.array([[0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 2]], dtype=np.int64)
_MIRROR: Final = np.array([1, -1, 1, 1], dtype=np.float32)
_IDENTITY: Final = np.eye(MAX_TRACKS, dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """Training targets of a clip of T frames, before tracks are assigned to sources.

    Attributes:
        active: (T, 3, classes) bool; the simultaneous sources of a class fill slots from 0.
        values: (T, 3, classes, 4) float32: x, y (a unit vector), distance (metres), onscreen (0 or 1); zeros if
            inactive.
        dropped: number of rows left out because more than three sources of one class were active at once.
    """

    active: NDArray[np.bool_]
    values: NDArray[np.float32]
    dropped: int = 0

    @property
    def num_frames(self) -> int:
        """T."""
        return int(self.active.shape[0])

    def mirrored(self) -> Targets:
        """Left and right swapped."""
        return replace(self, values=mirror_values(self.values))


def mirror_values(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Swap left and right in targets or outputs (..., 4): y changes its sign."""
    # Not np.negative(..., out=...): with these strides NumPy 2.4 returns wrong numbers on x86.
    return values * _MIRROR


def encode(table: EventTable, num_frames: int | None = None) -> Targets:
    """Convert labels to targets.

    If a frame has more than three sources of a class, the three nearest are kept.

    Args:
        table: labels, each with an azimuth and a distance.
        num_frames: T; by default the clip's own length.

    Raises:
        LabelError: a label without azimuth or distance, or beyond `num_frames`.
    """
    num_frames = table.num_frames if num_frames is None else num_frames
    for name in ("azimuth", "distance"):
        if not np.isfinite(getattr(table, name)).all():
            row = int(np.flatnonzero(~np.isfinite(getattr(table, name)))[0])
            raise LabelError(f"row {row} has no {name}: leave such rows out before encoding them as training targets")
    if len(table) and int(table.frame.max()) >= num_frames:
        raise LabelError(
            f"a label in frame {int(table.frame.max())} does not fit into {num_frames} frames: cut the table"
        )
    frame, class_index = table.frame.astype(np.int64), table.class_index.astype(np.int64)
    classes = len(table.vocabulary)
    cell = frame * classes + class_index
    nearest_first = np.lexsort((table.source, table.distance, cell))
    kept = nearest_first[_rank_in_group(cell[nearest_first]) < MAX_TRACKS]
    kept = kept[np.lexsort((table.source[kept], cell[kept]))]
    index = frame[kept], _rank_in_group(cell[kept]), class_index[kept]
    active = np.zeros((num_frames, MAX_TRACKS, classes), dtype=np.bool_)
    values = np.zeros((num_frames, MAX_TRACKS, classes, FIELDS), dtype=np.float32)
    active[index] = True
    azimuth = np.radians(table.azimuth[kept].astype(np.float64))
    fields = (np.cos(azimuth), np.sin(azimuth), table.distance[kept], table.onscreen[kept])
    values[index] = np.stack(fields, axis=-1)
    return Targets(active, values, dropped=len(table) - kept.size)


def ideal_output(targets: Targets) -> NDArray[np.float32]:
    """Return the output (T, 3, classes, 4) of a perfect network trained with auxiliary duplicating PIT.

    A single source A is on all three tracks; two sources are A, B, B; three are A, B, C. Silence is zeros.
    """
    slots = _IDEAL_SLOTS[targets.active.sum(axis=1)].transpose(0, 2, 1)
    return np.take_along_axis(targets.values, slots[..., None], axis=1)


def decode(
    output: NDArray[np.floating],
    *,
    threshold: ArrayLike = 0.5,
    merge_deg: float = 15.0,
    vocabulary: Vocabulary = DCASE2025,
    decoding: Decoding = "weighted",
) -> EventTable:
    """Convert a network's output to events.

    Tracks of one class and frame that are less than `merge_deg` apart, directly or through the third track, are merged
    into one event. `weighted` compares azimuths folded into [-90, 90], since stereo cannot distinguish front and back,
    and takes score-weighted means of vectors, distances and on-screen probabilities; on screen is a probability from
    0.5. `official` does as the DCASE2025 baseline: azimuths are compared before they are folded, means are plain, and
    on screen is the probability of the first merged track (in the order 0, 1, 2, 0) cut to an integer, so that only a
    probability of 1 counts.

    Args:
        output: (T, 3, classes, 4): x, y, distance (metres), on-screen probability.
        threshold: activity above which a track is active: one value, or (classes,) values.
        merge_deg: degrees of azimuth.
        vocabulary: the classes, in the order of the outputs.
        decoding: the rule for merging and on/off.

    Returns:
        Events whose source numbers are consistent over time; the score is the activity, at most 1.

    Raises:
        ModelError: an output of the wrong shape, or with NaN or infinite values.
    """
    output = np.asarray(output, dtype=np.float32)
    if output.ndim != 4 or output.shape[1:] != (MAX_TRACKS, len(vocabulary), FIELDS):
        raise ModelError(
            f"multi-ACCDDOA output has shape {output.shape}, expected (T, 3, classes, 4), {len(vocabulary)} classes: "
            "use a matching model"
        )
    if not np.isfinite(output).all():
        raise ModelError("the model's output is not finite: its weights or its input are damaged")
    least = np.asarray(threshold, dtype=np.float32)
    if least.shape not in ((), (len(vocabulary),)):
        raise ModelError(f"thresholds have shape {least.shape}, expected one value or {len(vocabulary)}, one per class")
    active = output[..., X] ** 2 + output[..., Y] ** 2 > np.maximum(least, 0.0) ** 2
    frame, class_index = np.nonzero(active.any(axis=1))
    merge = _merge_plain if decoding == "official" else _merge_weighted
    cell, tracks = merge(output[frame, :, class_index], active[frame, :, class_index], merge_deg)
    table = EventTable.from_mapping(
        {
            "frame": frame[cell],
            "class_index": class_index[cell],
            "azimuth": _folded_azimuth(tracks),
            "distance": np.maximum(tracks[:, DISTANCE], 0.0),
            "onscreen": tracks[:, ONSCREEN] >= (1.0 if decoding == "official" else 0.5),
            "score": np.minimum(np.hypot(tracks[:, X], tracks[:, Y]), 1.0),
            "source": 0,
        },
        output.shape[0],
        vocabulary,
    )
    return link_sources(table)


def _merge_weighted(
    tracks: NDArray[np.float32], active: NDArray[np.bool_], merge_deg: float
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Merge the active tracks of each cell that are close to each other.

    Args:
        tracks: (cells, 3, 4); x may point backwards.
        active: (cells, 3).

    Returns:
        (events,): the cell of each event; (events, 4): its fields, x pointing ahead.
    """
    azimuth = _folded_azimuth(tracks)
    score = np.hypot(tracks[..., X], tracks[..., Y])
    tracks = tracks.copy()
    tracks[..., X], tracks[..., Y] = score * np.cos(np.radians(azimuth)), score * np.sin(np.radians(azimuth))
    linked = _linked(np.abs(azimuth[:, :, None] - azimuth[:, None, :]) < merge_deg, active)
    cell, first = np.nonzero(active & (linked.argmax(axis=2) == np.arange(MAX_TRACKS)))
    weight = np.where(linked[cell, first], score[cell], np.float32(0))
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return cell, np.einsum("et,etf->ef", weight, tracks[cell])


def _merge_plain(
    tracks: NDArray[np.float32], active: NDArray[np.bool_], merge_deg: float
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """As `_merge_weighted`, by the rules of the official baseline; x may still point backwards."""
    azimuth = np.degrees(np.arctan2(tracks[..., Y], tracks[..., X]))
    apart = np.abs((azimuth[:, :, None] - azimuth[:, None, :] + 180.0) % 360.0 - 180.0)
    linked = _linked(apart < merge_deg, active)
    cell, first = np.nonzero(active & (linked.argmax(axis=2) == np.arange(MAX_TRACKS)))
    members = linked[cell, first]
    positive = np.concatenate([tracks[..., :DISTANCE], np.maximum(tracks[..., DISTANCE:], 0.0)], axis=-1)[cell]
    merged = np.einsum("et,etf->ef", members / members.sum(axis=1, keepdims=True), positive)
    is_last_pair = members[:, 0] & ~members[:, 1] & members[:, 2]  # the official code names this pair 2, 0
    merged[:, ONSCREEN] = tracks[cell, np.where(is_last_pair, 2, first), ONSCREEN]
    return cell, merged.astype(np.float32)


def _linked(close: NDArray[np.bool_], active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which active tracks (cells, 3, 3) are close to each other, directly or through the third one."""
    pairs = ((close | _IDENTITY) & active[:, :, None] & active[:, None, :]).astype(np.float32)
    return np.asarray(pairs @ pairs > 0)  # three tracks: a chain has one intermediate track at most


def _folded_azimuth(tracks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Azimuth (degrees, folded) of vectors (..., 4)."""
    return fold(np.degrees(np.arctan2(tracks[..., Y], tracks[..., X]))).astype(np.float32)


def _rank_in_group(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of each element among its equals; `key` (n,) is sorted."""
    begins = np.flatnonzero(np.diff(key, prepend=-1))
    return np.arange(key.size) - np.repeat(begins, np.diff(begins, append=key.size))
