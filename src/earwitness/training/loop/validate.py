"""Validation on a fixed set of scenes that share no sounds and no rooms with training."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import Decoding, decode
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.detect.smoothing import Smoothing
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.token_arrays import stack_tokens
from earwitness.metrics import Scores, score_tables
from earwitness.models.network import Network, Tokens
from earwitness.training.data.clip_stream import SceneStream
from earwitness.training.recipe_sections import RunSpec

BATCH: Final = 20
THRESHOLDS: Final = RunSpec().thresholds


@dataclass(frozen=True, slots=True, eq=False)
class ValidSet:
    """Scenes to validate on.

    Attributes:
        features: (N, C, T, F) float16.
        references: the true events of each scene.
        tokens: semantic tokens of each scene, by modality; empty if no scene has any.
    """

    features: NDArray[np.float16]
    references: tuple[EventTable, ...]
    tokens: tuple[Mapping[str, TokenMap], ...] = ()

    @classmethod
    def render(cls, stream: SceneStream, scenes: int) -> ValidSet:
        """The first `scenes` scenes of `stream`, or all if it has fewer.

        Raises:
            LabelError: the stream has no scenes.
        """
        pairs = [stream.scene(index) for index in range(stream.available(scenes))]
        if not pairs:
            raise LabelError("no clips to validate on; name a folder or rooms with at least one clip")
        features = np.stack([features.astype(np.float16) for _, features in pairs])
        tokens = tuple(stream.tokens_of(scene) for scene, _ in pairs)
        return cls(features, tuple(scene.labels for scene, _ in pairs), tokens)

    def only(self, modalities: Collection[str]) -> ValidSet:
        """The same scenes with the tokens of the given modalities only."""
        kept = tuple({name: clip[name] for name in modalities if name in clip} for clip in self.tokens)
        return replace(self, tokens=kept)

    def outputs(self, model: Network) -> NDArray[np.float32]:
        """Physical fields of all scenes: (N, T', 3, classes, 4)."""
        was_training = model.training
        model.eval()
        device = next(model.parameters()).device
        parts = []
        with torch.inference_mode():
            for start in range(0, len(self.features), BATCH):
                part = slice(start, start + BATCH)
                features = torch.from_numpy(self.features[part]).float().to(device)
                stacked = stack_tokens(self.tokens[part])
                tokens = {name: Tokens.of(arrays).to(device) for name, arrays in stacked.items()}
                parts.append(model.physical(model(features, tokens)).cpu().numpy())
        model.train(was_training)
        return np.concatenate(parts)


def decode_outputs(
    outputs: NDArray[np.float32],
    threshold: float | NDArray[np.float64],
    smoothing: Smoothing | None = None,
    decoding: Decoding = "weighted",
    vocabulary: Vocabulary = DCASE2025,
) -> list[EventTable]:
    """Events of physical fields (N, T', 3, classes, 4) at one threshold or (classes,) thresholds, smoothed if given."""
    tables = [decode(output, threshold=threshold, decoding=decoding, vocabulary=vocabulary) for output in outputs]
    return tables if smoothing is None else [smoothing.apply(table) for table in tables]


def score_outputs(
    outputs: NDArray[np.float32],
    references: Sequence[EventTable],
    threshold: float | NDArray[np.float64],
    smoothing: Smoothing | None = None,
    decoding: Decoding = "weighted",
) -> Scores:
    """Strict scores of physical fields; arguments as for `decode_outputs`."""
    vocabulary = references[0].vocabulary if references else DCASE2025
    return score_tables(references, decode_outputs(outputs, threshold, smoothing, decoding, vocabulary))


def validate(
    model: Network, valid: ValidSet, thresholds: Sequence[float] = THRESHOLDS, decoding: Decoding = "weighted"
) -> tuple[Scores, float]:
    """Scores at the best of the given thresholds, common to all classes, and that threshold."""
    outputs = valid.outputs(model)
    scored = [
        (score_outputs(outputs, valid.references, threshold, decoding=decoding), threshold) for threshold in thresholds
    ]
    return max(scored, key=lambda item: item[0].macro.f_score)
