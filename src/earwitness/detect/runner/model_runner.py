"""A model at work on a stream of sound: features, windows, the model, and its outputs put together again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.model.card import ModelCard
from earwitness.detect.runner.runtime import Runtime
from earwitness.detect.runner.token_encoders import TokenEncoder
from earwitness.detect.runner.window_tokens import WindowTokens
from earwitness.detect.runner.windows import OverlapMean, Window, WindowPlan, cut_windows, feature_blocks
from earwitness.features import FeatureExtractor
from earwitness.models.token_arrays import stack_tokens

Float32Array = NDArray[np.float32]


class Runner(Protocol):
    """What a detector needs of a model, or of several that answer as one."""

    @property
    def card(self) -> ModelCard:
        """How to feed and read it."""

    @property
    def settings(self) -> dict[str, Any]:
        """How it listens, as plain values, for the record."""

    def at(self, video: Path | None, *, mirrored: bool = False) -> Runner:
        """The same, for sound that belongs to these pictures; itself, if it looks at none.

        Args:
            video: None: there are no pictures.
            mirrored: left and right are exchanged, in the sound that comes, so in the pictures too.

        Raises:
            ModelError: it does not work without pictures.
        """

    def unload(self) -> None:
        """Give back the memory of the model; the next `outputs` load it again."""

    def outputs(self, blocks: Iterable[Float32Array]) -> Iterator[Float32Array]:
        """Physical fields of a stream.

        Args:
            blocks: (2, n) samples of any lengths at the rate of the card's features.

        Yields:
            (frames, 3, classes, 4) in sequence, some of them empty; in all at least as many frames as the sound has:
            one shorter than a window is filled up.
        """


class ModelRunner:
    """One model.

    Args:
        runtime: runs the model.
        card: how to feed and read it.
        batch: windows a call; the results do not depend on it.
        overlap: 0..1, share of a window that the next one hears again.
        token_encoders: encoders of the semantic tokens that it takes; what is left out, it does without.

    Raises:
        UsageError: a batch or an overlap that cannot be.
        ModelError: model and card do not belong together.
    """

    def __init__(
        self,
        runtime: Runtime,
        card: ModelCard,
        *,
        batch: int = 8,
        overlap: float = 0.5,
        token_encoders: Mapping[str, TokenEncoder] | None = None,
    ) -> None:
        if batch < 1:
            raise UsageError(f"the batch must hold at least 1 window, not {batch}")
        if not 0 <= overlap < 1:
            raise UsageError(f"the overlap of windows must lie in 0..1, below 1, not {overlap}")
        if runtime.channels != len(card.features.channels):
            raise ModelError(
                f"the model '{card.name}' takes {runtime.channels} feature channels, but its card lists "
                f"{len(card.features.channels)}: model and card do not belong together"
            )
        if set(runtime.modalities) != set(card.tokens):
            raise ModelError(
                f"the model '{card.name}' takes tokens of {sorted(runtime.modalities)}, but its card lists "
                f"{sorted(card.tokens)}: model and card do not belong together"
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
        """How windows are cut, and which tokens are looked at."""
        looked = {"tokens": sorted(self._token_encoders)} if self.card.tokens else {}
        return {"window_frames": self._plan.length, "hop_frames": self._plan.hop, **looked}

    def at(self, video: Path | None, *, mirrored: bool = False) -> ModelRunner:
        """The same, for sound that belongs to these pictures; see `Runner`."""
        if not self.card.tokens:
            return self
        needed = [name for name, need in self.card.tokens.items() if need.required and need.made_by.rate is not None]
        if needed and video is None:
            raise ModelError(f"the model '{self.card.name}' does not work without pictures, and there are none")
        there = copy(self)
        there._video, there._mirrored = video, mirrored
        return there

    def unload(self) -> None:
        """Give back the memory of the model; see `Runner`."""
        self._runtime.unload()

    def outputs(self, blocks: Iterable[Float32Array]) -> Iterator[Float32Array]:
        """Physical fields of a stream, calibrated as the card says; see `Runner`.

        Raises:
            ModelError: the model does not fit its card.
        """
        window_tokens = WindowTokens(
            self._token_encoders, self.card.features.sample_rate, self._video, mirrored=self._mirrored
        )
        windows = cut_windows(
            feature_blocks(window_tokens.pass_on(blocks), self._extractor, self._plan.hop), self._plan
        )
        mean, calibrated = OverlapMean(self._plan.length), self.card.calibration.apply
        while batch := list(islice(windows, self._batch)):
            pairs = zip(batch, self._run(batch, window_tokens), strict=True)
            yield calibrated(np.concatenate([mean.add(window.start, output) for window, output in pairs]))
        yield calibrated(mean.close())

    def _run(self, batch: list[Window], window_tokens: WindowTokens) -> Float32Array:
        tokens = stack_tokens([window_tokens.tokens(window.start, self._plan.length) for window in batch])
        outputs = self._runtime.run(np.stack([window.features for window in batch]), tokens)
        if outputs.shape[1] != self._plan.length:
            raise ModelError(
                f"the model '{self.card.name}' made {outputs.shape[1]} frames of a window of {self._plan.length}: "
                "model and card do not belong together"
            )
        return outputs
