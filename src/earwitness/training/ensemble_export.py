"""From several models to one file: an ensemble whose weights and thresholds a validation set decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.data.clips import open_clips
from earwitness.data.holdout import chosen_clips
from earwitness.data.layout import scan
from earwitness.errors import LabelError, RecipeError
from earwitness.events import EventTable
from earwitness.inference.card import ModelCard
from earwitness.inference.ensemble_file import LARGEST_WEIGHT, write_ensemble
from earwitness.inference.listener import Listening
from earwitness.inference.loading import ensemble_card, load, member_file
from earwitness.training.calibrate import class_thresholds, figures
from earwitness.training.ensembling import combine_clips, tune_weights
from earwitness.training.validate import score_outputs


@dataclass(frozen=True, slots=True, eq=False)
class HeardClips:
    """What each member says of the clips of a set.

    Attributes:
        outputs: of each member (N, T, 3, 13, 4).
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
        name: of the whole; by default the members' names.
        weights: one a member; None for equal ones, or for those that `valid` decides.
        valid: DCASE folder that tunes weights (where none are given) and thresholds.
        splits: of it; None takes all that begin with dev-train.

    Raises:
        RecipeError: another number of weights than members.
        ModelError: a member is not there, or does not fit the others.
        LabelError: `valid` holds less than two usable clips.
    """
    if weights is not None and len(weights) != len(names):
        raise RecipeError(f"{len(weights)} weights for {len(names)} members: give one each")
    if weights is not None and not (all(0 <= weight <= LARGEST_WEIGHT for weight in weights) and any(weights)):
        raise RecipeError(f"weights must be numbers in 0..{LARGEST_WEIGHT:g}, and not all 0")
    files = [member_file(member) for member in names]
    labels = [f"mirror:{file.card.name}" if mirrored else file.card.name for file, mirrored in files]
    card = ensemble_card([file.card for file, _ in files], labels, name)
    if valid is not None:
        heard = hear([load(member)[0] for member in names], valid, splits)
        weights, card = _tuned(heard, card, weights)
    write_ensemble(path, files, card, weights)
    return card


def hear(members: Sequence[Listening], folder: Path, splits: Sequence[str] | None = None) -> HeardClips:
    """Let members hear the clips of a DCASE folder.

    Raises:
        LabelError: no usable clips.
    """
    outputs: list[list[NDArray[np.float32]]] = [[] for _ in members]
    references = []
    clips = open_clips(chosen_clips(scan(folder), splits))
    for number in range(len(clips)):
        clip = clips[number]
        references.append(clip.labels)
        for said, member in zip(outputs, members, strict=True):
            answer = member.at(clip.clip.picture).outputs([clip.audio])
            said.append(np.concatenate(list(answer))[: clip.labels.num_frames])
    return HeardClips(tuple(np.stack(said) for said in outputs), tuple(references))


def _tuned(heard: HeardClips, card: ModelCard, weights: Sequence[float] | None) -> tuple[tuple[float, ...], ModelCard]:
    """Weights, and the card with thresholds from the even clips and scores with them from the odd ones."""
    if len(heard.references) < 2:
        raise LabelError("one half of --valid chooses, the other judges: a single clip is not enough")
    even, odd = slice(0, None, 2), slice(1, None, 2)
    if weights is None:
        weights = tune_weights([output[even] for output in heard.outputs], heard.references[even]).weights
    whole = combine_clips(heard.outputs, weights)
    thresholds = class_thresholds(whole[even], heard.references[even])
    scores = score_outputs(whole[odd], heard.references[odd], np.array(thresholds))
    judged = {key.replace("synthetic/", "valid/"): value for key, value in figures(scores, len(whole[odd])).items()}
    return tuple(weights), card.model_copy(update={"thresholds": thresholds, "scores": judged})
