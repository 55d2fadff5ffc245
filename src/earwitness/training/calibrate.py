"""Thresholds of each class, chosen on one half of the validation scenes and judged on the other."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from earwitness.classes import CLASSES, NUM_CLASSES
from earwitness.events import EventTable
from earwitness.metrics import Scores
from earwitness.models.network import Network
from earwitness.training.export import Judgement
from earwitness.training.validate import ValidSet, score_outputs

GRID: Final = tuple(np.round(np.arange(0.1, 0.81, 0.05), 2).tolist())
UNTUNED: Final = 0.5


def judge(net: Network, valid: ValidSet) -> Judgement:
    """Thresholds from the even scenes, scores with them on the odd ones: no scene sets what it judges."""
    outputs = valid.outputs(net)
    even, odd = slice(0, None, 2), slice(1, None, 2)
    thresholds = class_thresholds(outputs[even], valid.references[even])
    scores = score_outputs(outputs[odd], valid.references[odd], np.array(thresholds))
    return Judgement(thresholds, figures(scores, len(outputs[odd])))


def class_thresholds(outputs: NDArray[np.float32], references: tuple[EventTable, ...]) -> tuple[float, ...]:
    """The threshold of each class with the best F20/1.

    F20/1 of a class depends on no other class's threshold, so that one sweep finds them all. A class that no threshold
    detects keeps 0.5.

    Args:
        outputs: (N, T, 3, 13, 4) physical fields.
        references: N tables.
    """
    f_scores = np.zeros((len(GRID), NUM_CLASSES))
    for row, threshold in enumerate(GRID):
        each = score_outputs(outputs, references, threshold).macro.per_class
        if each is not None:
            f_scores[row] = np.nan_to_num(each.f_score)
    best = np.array(GRID)[f_scores.argmax(axis=0)]
    return tuple(float(value) for value in np.where(f_scores.max(axis=0) > 0, best, UNTUNED))


def figures(scores: Scores, scenes: int) -> dict[str, float]:
    """Scores for a card; what cannot be said (NaN) is left out."""
    macro = scores.macro
    named = {
        "synthetic/scenes": float(scenes),
        "synthetic/f_score": macro.f_score,
        "synthetic/f_score_onscreen": scores.macro_onscreen.f_score,
        "synthetic/doa_error_deg": macro.doa_error_deg,
        "synthetic/relative_distance_error": macro.relative_distance_error,
        "synthetic/onscreen_accuracy": macro.onscreen_accuracy,
    }
    if macro.per_class is not None:
        named |= {f"synthetic/f_score/{sound.slug}": float(macro.per_class.f_score[sound.index]) for sound in CLASSES}
    return {key: round(value, 4) for key, value in named.items() if not np.isnan(value)}
