"""Export of several models as one ensemble file, with weights and thresholds tuned on a validation set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import LabelError, RecipeError
from earwitness.core.events import EventTable
from earwitness.data.clips import open_clips
from earwitness.data.dcase.layout import scan
from earwitness.detect.model.card import ModelCard
from earwitness.detect.model.ensemble import align, combine, weighted_mean
from earwitness.detect.model.ensemble_file import LARGEST_WEIGHT, write_ensemble
from earwitness.detect.model.loading import ensemble_card, load, member_file
from earwitness.detect.runner.model_runner import Runner
from earwitness.training.data.data_splits import chosen_clips
from earwitness.training.export.calibrate import class_thresholds, figures
from earwitness.training.export.fit_intervals import fit_intervals
from earwitness.training.loop.validate import THRESHOLDS, decode_outputs, score_outputs

FACTORS: Final = (0.0, 0.5, 2.0)
"""Factors by which the search changes a weight."""
ROUNDS: Final = 2
LEAST_GAIN: Final = 1e-4
"""Smallest gain in F20/1 for which a weight is changed."""

Fields = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TunedWeights:
    """Result of the search.

    Attributes:
        weights: (members,), summing to 1.
        equal_f_score: macro F20/1 with equal weights on the same clips.
        f_score: macro F20/1 with `weights`.
    """

    weights: tuple[float, ...]
    equal_f_score: float
    f_score: float


def combine_clips(outputs: Sequence[Fields], weights: Sequence[float] | None = None) -> Fields:
    """The ensemble's fields (N, T, 3, classes, 4) from those of its members; clip by clip, to limit memory."""
    return np.stack([combine(clip, weights) for clip in zip(*outputs, strict=True)])


def tune_weights(outputs: Sequence[Fields], references: Sequence[EventTable]) -> TunedWeights:
    """Search for weights, one member at a time, starting from equal ones.

    The score is strict macro F20/1 at the best common threshold. Tracks are matched once, for equal weights.

    Args:
        outputs: of each member (N, T, 3, classes, 4), on clips that no member was trained on.
        references: N tables.
    """
    aligned = [align(clip) for clip in zip(*outputs, strict=True)]

    def f_score(weights: NDArray[np.float64]) -> float:
        mean = np.stack([weighted_mean(clip, weights) for clip in aligned])
        return max(score_outputs(mean, references, threshold).macro.f_score for threshold in THRESHOLDS)

    weights = np.ones(len(outputs))
    equal = best = f_score(weights)
    for _ in range(ROUNDS if len(outputs) > 1 else 0):
        before = best
        for member in range(len(outputs)):
            for factor in FACTORS:
                tried = weights.copy()
                tried[member] *= factor
                if tried.sum() <= 0 or np.array_equal(tried, weights):
                    continue
                score = f_score(tried)
                if score > best + LEAST_GAIN:
                    weights, best = tried, score
        if best == before:
            break
    return TunedWeights(tuple((weights / weights.sum()).tolist()), equal, best)


@dataclass(frozen=True, slots=True, eq=False)
class ClipOutputs:
    """Outputs of each member for the clips of a data set.

    Attributes:
        outputs: one array (N, T, 3, classes, 4) per member.
        references: N tables.
    """

    outputs: tuple[NDArray[np.float32], ...]
    references: tuple[EventTable, ...]


def export_ensemble(
    names: Sequence[str],
    path: Path,
    *,
    name: str | None = None,
    weights: Sequence[float] | None = None,
    valid: Path | None = None,
    splits: Sequence[str] | None = None,
) -> ModelCard:
    """Write an ensemble of models; see `loading.load` for how they are named.

    Args:
        names: the members.
        path: the .ensemble file.
        name: of the ensemble; by default the members' names.
        weights: one per member; None for equal weights, or for weights tuned on `valid`.
        valid: DCASE folder on which weights (unless given) and thresholds are tuned.
        splits: splits of `valid` to use; None takes all whose name starts with dev-train.

    Raises:
        RecipeError: the number of weights differs from that of the members.
        ModelError: a member is missing, or does not fit the others.
        LabelError: `valid` holds fewer than two usable clips.
    """
    if weights is not None and len(weights) != len(names):
        raise RecipeError(f"{len(weights)} weights for {len(names)} members: give one weight per member")
    if weights is not None and not (all(0 <= weight <= LARGEST_WEIGHT for weight in weights) and any(weights)):
        raise RecipeError(f"weights must be numbers in 0..{LARGEST_WEIGHT:g}, and not all 0")
    files = [member_file(member) for member in names]
    labels = [f"mirror:{file.card.name}" if mirrored else file.card.name for file, mirrored in files]
    card = ensemble_card([file.card for file, _ in files], labels, name)
    if valid is not None:
        outputs = run_clips([load(member)[0] for member in names], valid, splits)
        weights, card = _tuned(outputs, card, weights)
    write_ensemble(path, files, card, weights)
    return card


def run_clips(members: Sequence[Runner], folder: Path, splits: Sequence[str] | None = None) -> ClipOutputs:
    """Run the members on the clips of a DCASE folder.

    Raises:
        LabelError: no usable clips.
    """
    outputs: list[list[NDArray[np.float32]]] = [[] for _ in members]
    references = []
    clips = open_clips(chosen_clips(scan(folder), splits))
    for number in range(len(clips)):
        clip = clips[number]
        references.append(clip.labels)
        for member_outputs, member in zip(outputs, members, strict=True):
            blocks = member.at(clip.clip.picture).outputs([clip.audio])
            member_outputs.append(np.concatenate(list(blocks))[: clip.labels.num_frames])
    return ClipOutputs(tuple(np.stack(member_outputs) for member_outputs in outputs), tuple(references))


def _tuned(clips: ClipOutputs, card: ModelCard, weights: Sequence[float] | None) -> tuple[tuple[float, ...], ModelCard]:
    """Weights, and the card with thresholds from the even clips, scores with them from the odd ones, and intervals."""
    if len(clips.references) < 2:
        raise LabelError(
            "--valid holds one clip: half of the clips tune the ensemble and half score it; give two or more"
        )
    even, odd = slice(0, None, 2), slice(1, None, 2)
    if weights is None:
        weights = tune_weights([output[even] for output in clips.outputs], clips.references[even]).weights
    whole = combine_clips(clips.outputs, weights)
    thresholds = class_thresholds(whole[even], clips.references[even])
    scores = score_outputs(whole[odd], clips.references[odd], np.array(thresholds))
    events = decode_outputs(whole, np.array(thresholds), card.smoothing, vocabulary=clips.references[0].vocabulary)
    intervals, verified = fit_intervals(clips.references, events)
    judged = {key.replace("synthetic/", "valid/"): value for key, value in figures(scores, len(whole[odd])).items()}
    update = {"thresholds": thresholds, "scores": judged | verified, "intervals": intervals}
    return tuple(weights), card.model_copy(update=update)
