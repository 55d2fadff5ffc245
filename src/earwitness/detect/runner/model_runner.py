"""Runs a model on a stream of sound: features, windows, inference, and the mean of overlapping outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.model.card import ModelCard
from earwitness.detect.runner.runtime import FIELDS, TRACKS, Runtime
from earwitness.detect.runner.token_encoders import TokenEncoder
from earwitness.detect.runner.window_tokens import WindowTokens
from earwitness.detect.runner.windows import OverlapMean, Window, WindowPlan, cut_windows, feature_blocks
from earwitness.encoders.token_arrays import stack_tokens
from earwitness.features import FeatureExtractor

Float32Array = NDArray[np.float32]

OVERLAP: Final = 0.12
"""Share of a window that overlaps with the next one: enough to continue tracks. More was not more accurate; see
docs/models/default/measurements.md."""


class Runner(Protocol):
    """A model or an ensemble that can be run on a stream of sound."""

    @property
    def card(self) -> ModelCard:
        """The card of the model."""

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the windows and tokens, as plain values, for the record."""

    @property
    def any_sound(self) -> bool:
        """Whether the model has a class for any sound besides its own classes."""

    def at(self, video: Path | None, *, mirrored: bool = False) -> Runner:
        """A runner for sound that belongs to these pictures; the same one if the model does not take pictures.

        Args:
            video: the video file; None: there are no pictures.
            mirrored: left and right are exchanged in the sound, so the pictures are mirrored too.

        Raises:
            ModelError: the model requires pictures and there are none.
        """

    def unload(self) -> None:
        """Free the memory of the model; the next `outputs` loads it again."""

    def outputs(self, blocks: Iterable[Float32Array], *, any_sound: bool = False) -> Iterator[Float32Array]:
        """Physical fields of a stream of sound.

        Args:
            blocks: (2, n) samples of any lengths at the rate of the card's features.
            any_sound: also yield the class for any sound, after the others.

        Yields:
            (frames, 3, classes, 4) in sequence, possibly empty; in total at least as many frames as the sound has,
            because sound shorter than one window is padded.
        """


class ModelRunner:
    """Runs one model.

    Args:
        runtime: runs the model.
        card: card of the model.
        batch: windows per call; the results do not depend on it.
        overlap: share (0..1) of a window that overlaps with the next one.
        token_encoders: encoders of the semantic tokens that it takes; the others are left out.

    Raises:
        UsageError: a batch or an overlap out of range.
        ModelError: model and card do not match.
    """

    def __init__(
        self,
        runtime: Runtime,
        card: ModelCard,
        *,
        batch: int = 4,
        overlap: float = OVERLAP,
        token_encoders: Mapping[str, TokenEncoder] | None = None,
    ) -> None:
        if batch < 1:
            raise UsageError(f"the batch must hold at least 1 window, not {batch}")
        if not 0 <= overlap < 1:
            raise UsageError(f"the overlap of windows must lie in 0..1, below 1, not {overlap}")
        if runtime.channels != len(card.features.channels):
            raise ModelError(
                f"the model '{card.name}' takes {runtime.channels} feature channels, but its card lists "
                f"{len(card.features.channels)}: model and card do not match"
            )
        if set(runtime.modalities) != set(card.tokens):
            raise ModelError(
                f"the model '{card.name}' takes tokens of {sorted(runtime.modalities)}, but its card lists "
                f"{sorted(card.tokens)}: model and card do not match"
            )
        if runtime.classes not in (None, len(card.vocabulary)):
            raise ModelError(
                f"the model '{card.name}' has outputs for {runtime.classes} classes, but its card lists "
                f"{len(card.vocabulary)}: model and card do not match"
            )
        self.card = card
        self._token_encoders = dict(token_encoders or {})
        self._video: Path | None = None
        self._mirrored = False
        self._runtime, self._batch = runtime, batch
        self._extractor = FeatureExtractor(card.features)
        hop = max(1, round(card.window_frames * (1 - overlap)))
        features = card.features
        self._plan = WindowPlan(card.window_frames, hop, features.frames_per_label, features.closing_frames)

    @property
    def settings(self) -> dict[str, Any]:
        """Length and hop of the windows, and the token modalities in use."""
        tokens = {"tokens": sorted(self._token_encoders)} if self.card.tokens else {}
        return {"window_frames": self._plan.length, "hop_frames": self._plan.hop, **tokens}

    @property
    def any_sound(self) -> bool:
        """Whether the model has a class for any sound."""
        return self._runtime.any_sound

    def at(self, video: Path | None, *, mirrored: bool = False) -> ModelRunner:
        """A runner for sound that belongs to these pictures; see `Runner`."""
        if not self.card.tokens:
            return self
        needed = [name for name, need in self.card.tokens.items() if need.required and need.made_by.rate is not None]
        if needed and video is None:
            raise ModelError(f"the model '{self.card.name}' requires pictures, and there are none")
        runner = copy(self)
        runner._video, runner._mirrored = video, mirrored
        return runner

    def unload(self) -> None:
        """Free the memory of the model; see `Runner`."""
        self._runtime.unload()

    def outputs(self, blocks: Iterable[Float32Array], *, any_sound: bool = False) -> Iterator[Float32Array]:
        """Physical fields of a stream of sound, those of the classes calibrated by the card; see `Runner`.

        Raises:
            ModelError: the model does not match its card, or has no class for any sound.
        """
        window_tokens = WindowTokens(
            self._token_encoders, self.card.features.sample_rate, self._video, mirrored=self._mirrored
        )
        windows = cut_windows(
            feature_blocks(window_tokens.pass_on(blocks), self._extractor, self._plan.hop), self._plan
        )
        mean, classes = OverlapMean(self._plan.length), len(self.card.vocabulary) + any_sound
        while batch := list(islice(windows, self._batch)):
            outputs = self._run(batch, window_tokens, any_sound=any_sound)
            pairs = zip(batch, outputs, strict=True)
            yield self._calibrated(np.concatenate([mean.add(window.start, output) for window, output in pairs]))
        rest = mean.close()
        yield self._calibrated(rest) if len(rest) else rest.reshape(0, TRACKS, classes, FIELDS)

    def _calibrated(self, output: Float32Array) -> Float32Array:
        """The output with its classes calibrated; the class for any sound stays as it is."""
        classes, calibrated = len(self.card.vocabulary), self.card.calibration.apply
        if output.shape[2] == classes:
            return calibrated(output)
        return np.concatenate([calibrated(output[:, :, :classes]), output[:, :, classes:]], axis=2)

    def _run(self, batch: list[Window], window_tokens: WindowTokens, *, any_sound: bool) -> Float32Array:
        tokens = stack_tokens([window_tokens.tokens(window.start, self._plan.length) for window in batch])
        features = np.stack([window.features for window in batch])
        outputs = self._runtime.run(features, tokens, any_sound=any_sound)
        if outputs.shape[3] != len(self.card.vocabulary) + any_sound:
            raise ModelError(
                f"the model '{self.card.name}' returned {outputs.shape[3] - any_sound} classes, but its card lists "
                f"{len(self.card.vocabulary)}: model and card do not match"
            )
        if outputs.shape[1] != self._plan.length:
            raise ModelError(
                f"the model '{self.card.name}' returned {outputs.shape[1]} frames for a window of {self._plan.length}: "
                "model and card do not match"
            )
        return outputs
