"""Several models that answer as one: the weighted mean of their fields, tracks matched first.

The tracks of a multi-ACCDDOA output come in no fixed order, and a network trained with auxiliary duplicating PIT may
put a source on one track or on several. Two models that hear the same two sources may say A, A, B and A, B, B: the mean
of the second tracks would be a source that nobody heard. So each model's tracks are mapped on those of one of them,
frame by frame and class by class, where a track may serve more than once if what it displaces is said elsewhere.

Source of the averaging: Berghi & Jackson 2025 ("average of the models' outputs"); of the duplicates: Shimada et al.
2022. The matching is ours.
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
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.detect.model.card import ModelCard
from earwitness.detect.runner.model_runner import Runner
from earwitness.detect.runner.windows import ACTIVITY_FLOOR

Float32Array = NDArray[np.float32]

# The identity comes first and wins ties.
_IN_PLACE: Final = tuple(range(MAX_TRACKS))
_MAPS: Final[NDArray[np.intp]] = np.array(
    sorted(product(range(MAX_TRACKS), repeat=MAX_TRACKS), key=lambda slots: (slots != _IN_PLACE, slots)), dtype=np.intp
)
"""(27, 3): for each track of the reference the track of the member that is mapped on it."""
_LEFT_OUT: Final = np.array([[track not in slots for track in _IN_PLACE] for slots in _MAPS.tolist()])
_SURER: Final = 1e-4
"""What an activity of 1 weighs against squared distance when the reference is chosen: it decides ties alone."""


def combine(outputs: Sequence[Float32Array], weights: ArrayLike | None = None) -> Float32Array:
    """Weighted mean of the members' fields.

    x and y are averaged with the weights, distance and on-screen probability also with the activity |(x, y)|, for a
    track that hears nothing says nothing about them. Where members agree that a class sounds but not where, the mean
    vector is short: disagreement lowers the activity.

    Args:
        outputs: of each member (frames, 3, classes, 4): x, y, distance, on-screen probability.
        weights: (members,), or (members, classes) for weights a class; not negative. Equal ones by default.

    Returns:
        (frames, 3, classes, 4). The order of the members makes no difference but for the order of tracks.

    Raises:
        ModelError: no output, outputs of several shapes, or weights that do not fit.
    """
    shares = _shares(outputs, weights)
    return outputs[0] if len(outputs) == 1 else _mean(_aligned(np.stack(outputs), shares), shares)


def align(outputs: Sequence[Float32Array]) -> Float32Array:
    """The members' fields (members, frames, 3, classes, 4), tracks matched as equal weights have it.

    `weighted_mean` of them is cheap, so that many weights can be tried.

    Raises:
        ModelError: as `combine`.
    """
    return _aligned(np.stack(outputs), _shares(outputs, None))


def weighted_mean(aligned: Float32Array, weights: ArrayLike) -> Float32Array:
    """What `combine` makes of fields that `align` matched.

    Raises:
        ModelError: as `combine`.
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
        raise ModelError(f"the members' outputs have shapes {sorted(shapes)}: they heard different lengths of sound")
    classes = outputs[0].shape[2]
    given = np.ones(len(outputs)) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape not in ((len(outputs),), (len(outputs), classes)):
        raise ModelError(
            f"weights of shape {given.shape} do not fit {len(outputs)} members: give one a member, or {classes} each"
        )
    table = np.broadcast_to(given.reshape(len(outputs), -1), (len(outputs), classes))
    if not np.isfinite(table).all() or (table < 0).any() or not (table.sum(axis=0) > 0).all():
        raise ModelError("the weights of an ensemble must not be negative, and one of each class must be positive")
    shares: Float32Array = (table / table.sum(axis=0)).astype(np.float32)
    return shares


def _aligned(stack: Float32Array, shares: Float32Array) -> Float32Array:
    """Map the tracks of all members (members, frames, 3, classes, 4) on those of the most central one of each cell."""
    members = len(stack)
    maps = np.zeros((members, members, stack.shape[1], stack.shape[3]), dtype=np.intp)
    apart = np.zeros(maps.shape, dtype=np.float32)
    for one in range(members):
        for other in range(members):
            if one != other:
                maps[one, other], apart[one, other] = _best_maps(stack[one, ..., :2], stack[other, ..., :2])
    activity = np.hypot(stack[..., 0], stack[..., 1]).sum(axis=2)
    # A member of weight 0 must not be the reference: it would shape what it has no share in.
    alien = np.where(shares > 0, 0, np.inf)[:, None, :]
    eccentricity = np.einsum("jc,ijtc->itc", shares, apart) - _SURER * activity + alien
    reference = eccentricity.argmin(axis=0)  # (frames, classes)
    frame, class_index = np.indices(reference.shape)
    aligned: Float32Array = np.empty_like(stack)
    for member in range(members):
        chosen = _MAPS[maps[reference, member, frame, class_index]]  # (frames, classes, 3)
        moved = stack[member][frame[..., None], chosen, class_index[..., None]]  # (frames, classes, 3, 4)
        aligned[member] = moved.transpose(0, 2, 1, 3)
    return aligned


def _best_maps(reference: Float32Array, member: Float32Array) -> tuple[NDArray[np.intp], Float32Array]:
    """For each frame and class the best map of `member` on `reference`, both (frames, 3, classes, 2), and its cost.

    The cost is the squared distance of the pairs, and of each track left out to the nearest one that is not.
    """
    pairs = np.square(reference[:, :, None] - member[:, None]).sum(axis=-1)  # (frames, reference, member, classes)
    twins = np.square(member[:, :, None] - member[:, None]).sum(axis=-1)
    costs = []
    for slots, left_out in zip(_MAPS, _LEFT_OUT, strict=True):
        cost = pairs[:, _IN_PLACE, slots].sum(axis=1)
        if left_out.any():
            cost = cost + twins[:, left_out][:, :, ~left_out].min(axis=2).sum(axis=1)
        costs.append(cost)
    table = np.stack(costs)
    best = table.argmin(axis=0)
    return best, np.take_along_axis(table, best[None], axis=0)[0]


class MirroredRunner:
    """A member that hears left and right exchanged, and answers turned back: test-time augmentation.

    Args:
        member: what hears.
    """

    def __init__(self, member: Runner) -> None:
        self._member = member

    @property
    def card(self) -> ModelCard:
        """The member's."""
        return self._member.card

    @property
    def settings(self) -> dict[str, Any]:
        """The member's, and that it is mirrored."""
        return {**self._member.settings, "mirrored": True}

    def at(self, video: Path | None, *, mirrored: bool = False) -> MirroredRunner:
        """The same for sound with these pictures; see `Runner`."""
        return MirroredRunner(self._member.at(video, mirrored=not mirrored))

    def unload(self) -> None:
        """Give back the member's memory; see `Runner`."""
        self._member.unload()

    def outputs(self, blocks: Iterable[Float32Array]) -> Iterator[Float32Array]:
        """Physical fields of a stream; see `Runner`."""
        for output in self._member.outputs(np.ascontiguousarray(block[::-1]) for block in blocks):
            yield mirror_values(output)


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Members that answer as one, each with features and windows of its own.

    Attributes:
        members: what hears.
        card: of the whole: its thresholds and smoothing count, the members' do not.
        weights: (members,) or (members, classes); None: all alike.
    """

    members: tuple[Runner, ...]
    card: ModelCard
    weights: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None

    def __post_init__(self) -> None:
        """Check that the members fit.

        Raises:
            ModelError: no member, members of several sample rates, or weights that do not fit.
        """
        silence = [np.zeros((0, MAX_TRACKS, NUM_CLASSES, 4), np.float32) for _ in self.members]
        _shares(silence, self.weights)
        for member in self.members:
            if member.card.features.sample_rate != self.card.features.sample_rate:
                raise ModelError(
                    f"'{member.card.name}' hears {member.card.features.sample_rate} samples a second and the ensemble "
                    f"{self.card.features.sample_rate}: leave it out"
                )

    @property
    def settings(self) -> dict[str, Any]:
        """Each member's name and settings, and the weights."""
        members = [{"name": member.card.name, **member.settings} for member in self.members]
        return {"members": members, "weights": self.weights}

    def at(self, video: Path | None, *, mirrored: bool = False) -> Ensemble:
        """The same for sound with these pictures; see `Runner`."""
        return replace(self, members=tuple(member.at(video, mirrored=mirrored) for member in self.members))

    def unload(self) -> None:
        """Give back the members' memory; see `Runner`."""
        for member in self.members:
            member.unload()

    def outputs(self, blocks: Iterable[Float32Array]) -> Iterator[Float32Array]:
        """Physical fields of a stream; see `Runner`. Ends with the first member that ends."""
        copies = tee(blocks, len(self.members))
        streams = [member.outputs(copy) for member, copy in zip(self.members, copies, strict=True)]
        for outputs in _in_step(streams):
            yield combine(outputs, self.weights)


def _in_step(streams: Sequence[Iterator[Float32Array]]) -> Iterator[list[Float32Array]]:
    """Cut streams of frames alike; what one is ahead of the others is held, which windows bound."""
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
