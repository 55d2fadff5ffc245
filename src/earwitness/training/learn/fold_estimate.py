"""An estimate of the new classes' scores on recordings that were not learnt from, and the thresholds that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.vocabulary import Vocabulary
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.model.card import ModelCard
from earwitness.detect.smoothing import Smoothing
from earwitness.models.seld import SeldNet
from earwitness.training.export.calibrate import UNTUNED, calibrate, cells, class_thresholds
from earwitness.training.learn.column_training import outputs, train_columns
from earwitness.training.learn.learn_scenes import LearnScenes
from earwitness.training.loop.validate import score_outputs

FEWEST_RECORDINGS: Final = 2
"""Recordings of a class from which on its scores can be estimated."""
UNKNOWN_THRESHOLD: Final = 0.45
"""Of a class whose scores cannot be estimated."""


@dataclass(frozen=True, slots=True, eq=False)
class FoldEstimate:
    """Scores by cross-validation: each fold is detected by columns that were trained on the others.

    Attributes:
        slope, offset, threshold: by slug of the new classes: calibration and threshold.
        f_score: F20/1 by slug; none for classes with too few recordings.
        recall: share of the frames of a class in which it is detected, by slug.
        taken_for: by slug, the class that is most often detected in its place; "" if none is.
    """

    slope: dict[str, float]
    offset: dict[str, float]
    threshold: dict[str, float]
    f_score: dict[str, float]
    recall: dict[str, float]
    taken_for: dict[str, str]


def estimate(
    net: SeldNet,
    scenes: LearnScenes,
    vocabulary: Vocabulary,
    counts: dict[str, int],
    base: ModelCard,
    progress: Callable[[int, int], None],
) -> FoldEstimate:
    """Cross-validate the columns of the new classes.

    Args:
        net: the network, with initial columns of the new classes.
        scenes: rendered scenes.
        vocabulary: all classes of the network.
        counts: number of recordings of each new class, by slug.
        base: card of the shipped model.
        progress: called with (folds done, folds).
    """
    new = [vocabulary.by_slug(slug).index for slug in counts]
    known = {slug for slug, count in counts.items() if count >= FEWEST_RECORDINGS}
    folds = int(scenes.fold.max()) + 1
    plain = FoldEstimate(
        dict.fromkeys(counts, 1.0), dict.fromkeys(counts, 0.0), dict.fromkeys(counts, UNKNOWN_THRESHOLD), {}, {}, {}
    )
    if folds < FEWEST_RECORDINGS or not known:
        return plain
    fields = np.zeros((*scenes.active.shape[:2], 3, len(vocabulary), 4), np.float32)
    for fold in range(folds):
        rest, rows = np.flatnonzero(scenes.fold != fold), np.flatnonzero(scenes.fold == fold)
        fields[rows] = outputs(train_columns(net, scenes, rest, new), scenes, rows)
        progress(fold + 1, folds)
    maps = calibrate(fields, scenes.references)
    own = {slug: vocabulary.by_slug(slug).index for slug in counts if slug in known}
    plain.slope.update({slug: maps.slope[index] for slug, index in own.items()})
    plain.offset.update({slug: maps.offset[index] for slug, index in own.items()})
    calibrated = Calibration(slope=maps.slope, offset=maps.offset).apply(fields)
    plain.threshold.update(_thresholds(calibrated, scenes, own, base.smoothing))
    f_score = _honest(calibrated, scenes, own, base.smoothing)
    recall, taken = _confusions(calibrated, scenes, vocabulary, own, plain.threshold)
    return FoldEstimate(plain.slope, plain.offset, plain.threshold, f_score, recall, taken)


def _thresholds(
    fields: NDArray[np.float32], scenes: LearnScenes, own: dict[str, int], smoothing: Smoothing
) -> dict[str, float]:
    found = class_thresholds(fields, scenes.references, smoothing)
    return {slug: found[index] for slug, index in own.items()}


def _honest(
    fields: NDArray[np.float32], scenes: LearnScenes, own: dict[str, int], smoothing: Smoothing
) -> dict[str, float]:
    """F20/1 of each class: half of the scenes set the thresholds with which the others are scored."""
    halves = [np.arange(start, len(fields), 2) for start in (0, 1)]
    scores = []
    for tuned, scored in (halves, halves[::-1]):
        thresholds = np.array(class_thresholds(fields[tuned], _some(scenes, tuned), smoothing))
        each = score_outputs(fields[scored], _some(scenes, scored), thresholds, smoothing).macro.per_class
        if each is not None:
            scores.append(np.nan_to_num(each.f_score))
    mean = np.mean(scores, axis=0)
    return {slug: float(mean[index]) for slug, index in own.items()}


def _some(scenes: LearnScenes, rows: NDArray[np.intp]) -> Sequence:  # type: ignore[type-arg]
    return [scenes.references[row] for row in rows]


def _confusions(
    fields: NDArray[np.float32],
    scenes: LearnScenes,
    vocabulary: Vocabulary,
    own: dict[str, int],
    threshold: dict[str, float],
) -> tuple[dict[str, float], dict[str, str]]:
    """Recall of each class in frames, and the class that is detected most often where it is missed."""
    activity, truth = cells(fields, scenes.references)
    least = np.array([threshold.get(slug, UNTUNED) for slug in vocabulary.slugs])
    found = activity > least
    recall, taken = {}, {}
    for slug, index in own.items():
        frames = truth[:, index]
        recall[slug] = float(found[frames, index].mean()) if frames.any() else 0.0
        missed = frames & ~found[:, index]
        wrong = (found[missed] & ~truth[missed]).sum(axis=0) if missed.any() else np.zeros(len(vocabulary))
        best = int(wrong.argmax())
        taken[slug] = vocabulary.slugs[best] if wrong[best] > 0.15 * max(frames.sum(), 1) else ""
    return recall, taken
