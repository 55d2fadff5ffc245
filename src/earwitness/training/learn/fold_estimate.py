"""An estimate of the new classes' scores on recordings that were not learnt from, and the thresholds that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
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
MOST_FOLDS: Final = 3
"""More would take longer than they are worth."""
MOST_SCENES: Final = 600
"""Scenes on which thresholds are set and scored."""
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
    kept: Callable[[str, Callable[[], SeldNet]], SeldNet] = lambda name, train: train(),
) -> FoldEstimate:
    """Cross-validate the columns of the new classes.

    Args:
        net: the network, with initial columns of the new classes.
        scenes: rendered scenes.
        vocabulary: all classes of the network.
        counts: number of recordings of each new class, by slug.
        base: card of the shipped model.
        progress: called with (folds done, folds).
        kept: returns the network of a name if an earlier run has trained it, else trains it.
    """
    new = [vocabulary.by_slug(slug).index for slug in counts]
    known = {slug for slug, count in counts.items() if count >= FEWEST_RECORDINGS}
    folds = min(int(scenes.fold.max()) + 1, MOST_FOLDS)
    part = scenes.fold % folds
    plain = FoldEstimate(
        dict.fromkeys(counts, 1.0), dict.fromkeys(counts, 0.0), dict.fromkeys(counts, UNKNOWN_THRESHOLD), {}, {}, {}
    )
    if folds < FEWEST_RECORDINGS or not known:
        return plain
    fields = np.zeros((*scenes.active.shape[:2], 3, len(vocabulary), 4), np.float32)
    for fold in range(folds):
        rest, rows = np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        trained = kept(f"fold-{fold}", partial(train_columns, net, scenes, rest, new))
        fields[rows] = outputs(trained, scenes, rows)
        progress(fold + 1, folds)
    own = [vocabulary.by_slug(slug).index for slug in counts if slug in known]
    found = _Found.of(fields, scenes, vocabulary, own)
    maps = calibrate(found.fields, found.references)
    fields[:, :, :, own] = found.fields = Calibration(slope=maps.slope, offset=maps.offset).apply(found.fields)
    slugs = found.vocabulary.slugs
    plain.slope.update(zip(slugs, maps.slope, strict=True))
    plain.offset.update(zip(slugs, maps.offset, strict=True))
    smoothing = base.smoothing.for_classes([None] * len(slugs))
    plain.threshold.update(zip(slugs, found.thresholds(found.every, smoothing), strict=True))
    f_score = dict(zip(slugs, found.honest(smoothing), strict=True))
    recall, taken = _confusions(fields, scenes, vocabulary, dict(zip(slugs, own, strict=True)), plain.threshold)
    return FoldEstimate(plain.slope, plain.offset, plain.threshold, f_score, recall, taken)


@dataclass(slots=True, eq=False)
class _Found:
    """What was detected and what is true, of the new classes only: the others would only take time.

    Attributes:
        fields: (n, T, 3, classes, 4).
        references: n tables.
        vocabulary: the classes.
    """

    fields: NDArray[np.float32]
    references: list[EventTable]
    vocabulary: Vocabulary

    @classmethod
    def of(
        cls, fields: NDArray[np.float32], scenes: LearnScenes, vocabulary: Vocabulary, classes: Sequence[int]
    ) -> _Found:
        """The fields and references of some classes."""
        chosen = [replace(vocabulary[index], index=number) for number, index in enumerate(classes)]
        own = Vocabulary("new", tuple(chosen))
        place = np.full(len(vocabulary), -1)
        place[list(classes)] = np.arange(len(classes))
        references = []
        for table in scenes.references:
            part = table.select(place[table.class_index] >= 0)
            indices = place[part.class_index].astype(np.int16)
            references.append(replace(part, class_index=indices, vocabulary=own))
        return cls(np.ascontiguousarray(fields[:, :, :, list(classes)]), references, own)

    @property
    def every(self) -> NDArray[np.intp]:
        """Numbers of the scenes on which thresholds are set."""
        return np.arange(min(len(self.fields), MOST_SCENES))

    def thresholds(self, rows: NDArray[np.intp], smoothing: Smoothing) -> tuple[float, ...]:
        """The best threshold of each class on some scenes."""
        return class_thresholds(self.fields[rows], [self.references[row] for row in rows], smoothing)

    def honest(self, smoothing: Smoothing) -> list[float]:
        """F20/1 of each class: half of the scenes set the thresholds with which the others are scored."""
        halves = [self.every[start::2] for start in (0, 1)]
        scores = []
        for tuned, scored in (halves, halves[::-1]):
            thresholds = np.array(self.thresholds(tuned, smoothing))
            references = [self.references[row] for row in scored]
            each = score_outputs(self.fields[scored], references, thresholds, smoothing).macro.per_class
            scores.append(np.zeros(len(self.vocabulary)) if each is None else np.nan_to_num(each.f_score))
        return [float(value) for value in np.mean(scores, axis=0)]


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
