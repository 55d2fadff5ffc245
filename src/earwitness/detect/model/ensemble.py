"""Ensembles: the weighted mean of several models' outputs, after matching their tracks.

The tracks of a multi-ACCDDOA output have no fixed order, and a network trained with auxiliary duplicating PIT may put a
source on one track or on several. For the same two sources, two models may return A, A, B and A, B, B: the mean of the
second tracks would be a source that neither detected. Each model's tracks are therefore mapped to those of a reference
member, frame by frame and class by class; a track may be used more than once if those it replaces are duplicates.

Source of the averaging: Berghi & Jackson 2025 ("average of the models' outputs"); of the duplicates: Shimada et al.
2022. The matching is specific to earwitness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product, tee
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.core.errors import ModelError
from earwitness.core.multi_accddoa import MAX_TRACKS, mirror_values
from earwitness.detect.model.card import ModelCard
from earwitness.detect.runner.model_runner import Runner
from earwitness.detect.runner.windows import ACTIVITY_FLOOR

Float32Array = NDArray[np.float32]

# The identity comes first, so that it wins ties.
_IN_PLACE: Final = tuple(range(MAX_TRACKS))
_MAPS: Final[NDArray[np.intp]] = np.array(
    sorted(product(range(MAX_TRACKS), repeat=MAX_TRACKS), key=lambda slots: (slots != _IN_PLACE, slots)), dtype=np.intp
)
"""(27, 3): for each track of the reference, the track of the member that is mapped to it."""
_UNUSED: Final = np.array([[track not in slots for track in _IN_PLACE] for slots in _MAPS.tolist()])
_ACTIVITY_WEIGHT: Final = 1e-4
"""Weight of activity against squared distance in the choice of the reference; small, so that it only breaks ties."""


def combine(outputs: Sequence[Float32Array], weights: ArrayLike | None = None) -> Float32Array:
    """Weighted mean of the members' fields.

    x and y are averaged with the weights; distance and on-screen probability also with the activity |(x, y)|, because
    those of an inactive track carry no information. Where members agree on a class but not on its direction, the mean
    vector is short: disagreement lowers the activity.

    Args:
        outputs: for each member (frames, 3, classes, 4): x, y, distance, on-screen probability.
        weights: (members,) or (members, classes), not negative; None: equal weights.

    Returns:
        (frames, 3, classes, 4). The order of the members affects only the order of the tracks.

    Raises:
        ModelError: no output, outputs of different shapes, or weights that do not fit.
    """
    shares = _shares(outputs, weights)
    return outputs[0] if len(outputs) == 1 else _mean(_aligned(np.stack(outputs), shares), shares)


def align(outputs: Sequence[Float32Array]) -> Float32Array:
    """The members' fields (members, frames, 3, classes, 4), with tracks matched for equal weights.

    Their `weighted_mean` is cheap, so that many weights can be tried.

    Raises:
        ModelError: as for `combine`.
    """
    return _aligned(np.stack(outputs), _shares(outputs, None))


def weighted_mean(aligned: Float32Array, weights: ArrayLike) -> Float32Array:
    """Weighted mean of fields from `align`; see `combine`.

    Raises:
        ModelError: as for `combine`.
    """
    return _mean(aligned, _shares(list(aligned), weights))


def _mean(aligned: Float32Array, shares: Float32Array) -> Float32Array:
    sharing = shares[:, None, None, :]
    activity = sharing * (np.hypot(aligned[..., 0], aligned[..., 1]) + np.float32(ACTIVITY_FLOOR))
    mean: Float32Array = np.empty_like(aligned[0])
    mean[..., :2] = (sharing[..., None] * aligned[..., :2]).sum(axis=0)
    mean[..., 2:] = (activity[..., None] * aligned[..., 2:]).sum(axis=0) / activity.sum(axis=0)[..., None]
    return mean


def _shares(outputs: Sequence[Float32Array], weights: ArrayLike | None) -> Float32Array:
    """(members, classes), summing to 1 over the members."""
    if not outputs:
        raise ModelError("an ensemble needs at least one member")
    shapes = {output.shape for output in outputs}
    if len(shapes) != 1:
        raise ModelError(
            f"the members' outputs have shapes {sorted(shapes)}: they belong to different lengths of sound"
        )
    classes = outputs[0].shape[2]
    given = np.ones(len(outputs)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape not in ((len(outputs),), (len(outputs), classes)):
        raise ModelError(
            f"weights of shape {given.shape} do not fit {len(outputs)} members: give one, or {classes}, per member"
        )
    table = np.broadcast_to(given.reshape(len(outputs), -1), (len(outputs), classes))
    if not np.isfinite(table).all() or (table < 0).any() or not (table.sum(axis=0) > 0).all():
        raise ModelError("the weights of an ensemble must not be negative, and each class needs a positive one")
    shares: Float32Array = (table / table.sum(axis=0)).astype(np.float32)
    return shares


def _aligned(stack: Float32Array, shares: Float32Array) -> Float32Array:
    """Map the tracks of all members (members, frames, 3, classes, 4) to those of each cell's most central member."""
    members = len(stack)
    maps = np.zeros((members, members, stack.shape[1], stack.shape[3]), dtype=np.intp)
    apart = np.zeros(maps.shape, dtype=np.float32)
    for one in range(members):
        for other in range(members):
            if one != other:
                maps[one, other], apart[one, other] = _best_maps(stack[one, ..., :2], stack[other, ..., :2])
    activity = np.hypot(stack[..., 0], stack[..., 1]).sum(axis=2)
    # A member of weight 0 must not be the reference: it must not affect the result.
    excluded = np.where(shares > 0, 0, np.inf)[:, None, :]
    eccentricity = np.einsum("jc,ijtc->itc", shares, apart) - _ACTIVITY_WEIGHT * activity + excluded
    reference = eccentricity.argmin(axis=0)  # (frames, classes)
    frame, class_index = np.indices(reference.shape)
    aligned: Float32Array = np.empty_like(stack)
    for member in range(members):
        chosen = _MAPS[maps[reference, member, frame, class_index]]  # (frames, classes, 3)
        moved = stack[member][frame[..., None], chosen, class_index[..., None]]  # (frames, classes, 3, 4)
        aligned[member] = moved.transpose(0, 2, 1, 3)
    return aligned


def _best_maps(reference: Float32Array, member: Float32Array) -> tuple[NDArray[np.intp], Float32Array]:
    """For each frame and class the best map of `member` to `reference`, both (frames, 3, classes, 2), and its cost.

    The cost is the squared distance of the pairs, plus that of each unused track to the nearest used one.
    """
    pairs = np.square(reference[:, :, None] - member[:, None]).sum(axis=-1)  # (frames, reference, member, classes)
    duplicates = np.square(member[:, :, None] - member[:, None]).sum(axis=-1)
    costs = []
    for slots, unused in zip(_MAPS, _UNUSED, strict=True):
        cost = pairs[:, _IN_PLACE, slots].sum(axis=1)
        if unused.any():
            cost = cost + duplicates[:, unused][:, :, ~unused].min(axis=2).sum(axis=1)
        costs.append(cost)
    table = np.stack(costs)
    best = table.argmin(axis=0)
    return best, np.take_along_axis(table, best[None], axis=0)[0]


class MirroredRunner:
    """Runs a model with left and right exchanged and mirrors its output back: test-time augmentation.

    Args:
        member: runs the model.
    """

    def __init__(self, member: Runner) -> None:
        self._member = member

    @property
    def card(self) -> ModelCard:
        """The card of the member."""
        return self._member.card

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the member, marked as mirrored."""
        return {**self._member.settings, "mirrored": True}

    @property
    def any_sound(self) -> bool:
        """Whether the member has a class for any sound."""
        return self._member.any_sound

    def at(self, video: Path | None, *, mirrored: bool = False) -> MirroredRunner:
        """A runner for sound with these pictures; see `Runner`."""
        return MirroredRunner(self._member.at(video, mirrored=not mirrored))

    def unload(self) -> None:
        """Free the memory of the member; see `Runner`."""
        self._member.unload()

    def outputs(self, blocks: Iterable[Float32Array], *, any_sound: bool = False) -> Iterator[Float32Array]:
        """Physical fields of a stream of sound; see `Runner`."""
        swapped = (np.ascontiguousarray(block[::-1]) for block in blocks)
        for output in self._member.outputs(swapped, any_sound=any_sound):
            yield mirror_values(output)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Several models run as one, each with its own features and windows.

    Attributes:
        members: run the models.
        card: card of the ensemble; its thresholds and smoothing apply, those of the members do not.
        weights: (members,) or (members, classes); None: equal weights.
    """

    members: tuple[Runner, ...]
    card: ModelCard
    weights: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        """Check that the members fit.

        Raises:
            ModelError: no member, different sample rates or classes, or weights that do not fit.
        """
        silence = [np.zeros((0, MAX_TRACKS, len(self.card.vocabulary), 4), np.float32) for _ in self.members]
        _shares(silence, self.weights)
        for member in self.members:
            if member.card.features.sample_rate != self.card.features.sample_rate:
                raise ModelError(
                    f"'{member.card.name}' takes {member.card.features.sample_rate} samples per second, the ensemble "
                    f"{self.card.features.sample_rate}: leave it out"
                )
            difference = member.card.vocabulary.difference(self.card.vocabulary)
            if difference:
                raise ModelError(f"'{member.card.name}' does not fit the ensemble: {difference}; leave it out")

    @property
    def settings(self) -> dict[str, Any]:
        """Names and settings of the members, and the weights."""
        members = [{"name": member.card.name, **member.settings} for member in self.members]
        return {"members": members, "weights": self.weights}

    @property
    def any_sound(self) -> bool:
        """Whether all members have a class for any sound."""
        return all(member.any_sound for member in self.members)

    def at(self, video: Path | None, *, mirrored: bool = False) -> Ensemble:
        """A runner for sound with these pictures; see `Runner`."""
        return replace(self, members=tuple(member.at(video, mirrored=mirrored) for member in self.members))

    def unload(self) -> None:
        """Free the memory of the members; see `Runner`."""
        for member in self.members:
            member.unload()

    def outputs(self, blocks: Iterable[Float32Array], *, any_sound: bool = False) -> Iterator[Float32Array]:
        """Physical fields of a stream of sound; see `Runner`. Ends with the first member that ends.

        For any sound, the weight of a member is its mean weight over the classes.
        """
        copies = tee(blocks, len(self.members))
        streams = [member.outputs(copy, any_sound=any_sound) for member, copy in zip(self.members, copies, strict=True)]
        weights = None if self.weights is None else np.asarray(self.weights, dtype=np.float64)
        if any_sound and weights is not None and weights.ndim == 2:
            weights = np.concatenate([weights, weights.mean(axis=1, keepdims=True)], axis=1)
        for outputs in _in_step(streams):
            yield combine(outputs, weights)


def _in_step(streams: Sequence[Iterator[Float32Array]]) -> Iterator[list[Float32Array]]:
    """Cut streams of frames into equal parts; the surplus is buffered, at most about a window per stream."""
    held: list[Float32Array | None] = [None] * len(streams)
    while True:
        ready: list[Float32Array] = []
        for part, stream in zip(held, streams, strict=True):
            while part is None or not len(part):
                part = next(stream, None)
                if part is None:
                    return
            ready.append(part)
        frames = min(map(len, ready))
        yield [part[:frames] for part in ready]
        held = [part[frames:] for part in ready]
