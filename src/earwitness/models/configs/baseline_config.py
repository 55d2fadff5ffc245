"""Dimensions of the official DCASE2025 baselines; torch-free."""

from __future__ import annotations

from math import prod
from typing import Literal

from pydantic import Field, model_validator

from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025
from earwitness.models.configs.seld_config import Layers, Size


class VisualInput(StrictModel):
    """Visual tokens of the audio-visual baseline.

    Attributes:
        name: the modality.
        dim: width D of a token.
        grid: rows and columns of the positions.
        reduce: `channels` averages over D, as the official code does, and keeps one value per position; `positions`
            averages over the grid; `none` keeps all P x D values of a frame.
    """

    name: str = "visual"
    dim: Size = 2048
    grid: tuple[Size, Size] = (7, 7)
    reduce: Literal["channels", "positions", "none"] = "channels"

    @property
    def width(self) -> int:
        """Width of a frame after `reduce`."""
        positions = prod(self.grid)
        return {"channels": positions, "positions": self.dim, "none": positions * self.dim}[self.reduce]


class BaselineConfig(StrictModel):
    """Dimensions of `earwitness.models.baseline.BaselineNet`; the defaults are the official audio baseline's.

    Attributes:
        architecture: name of the architecture.
        in_channels: feature channels: log-mels of left and right.
        mels: feature bins.
        frames_per_label: feature frames per label frame; the product of the time pools.
        dynamic_range_db: levels further below the loudest band of a clip are raised to this limit, as in librosa; None
            for no limit.
        filters: channels of the convolutions.
        pools: max pooling after each convolution, in time and frequency.
        rnn_width, rnn_layers: bidirectional GRU, whose two directions are multiplied.
        heads: attention heads.
        attention_layers: self-attention after the GRU.
        visual: visual input; None is the audio baseline.
        decoder_layers, decoder_ffn: transformer decoder over the visual input.
        decoder_dropout: dropout in the decoder.
        head_width: width of the layer before the output.
        dropout: after convolutions, between GRU layers, on attention.
        tracks: simultaneous sources of one class.
        classes: sound classes.
    """

    architecture: Literal["baseline"] = "baseline"
    in_channels: Size = 2
    mels: Size = 64
    frames_per_label: Size = 5
    dynamic_range_db: float | None = Field(80.0, gt=0)
    filters: Size = 64
    pools: tuple[tuple[Size, Size], ...] = Field(((5, 4), (1, 4), (1, 2)), min_length=1, max_length=100)
    rnn_width: Size = 128
    rnn_layers: Layers = 2
    heads: Size = 8
    attention_layers: Layers = 2
    visual: VisualInput | None = None
    decoder_layers: Layers = 2
    decoder_ffn: Size = 2048
    decoder_dropout: float = Field(0.1, ge=0, lt=1)
    head_width: Size = 128
    dropout: float = Field(0.05, ge=0, lt=1)
    tracks: Size = 3
    classes: Size = len(DCASE2025)

    @property
    def bins_out(self) -> int:
        """Frequency bins left after the last pool."""
        return self.mels // prod(pool[1] for pool in self.pools)

    @property
    def fields(self) -> int:
        """Outputs per track and class: x, y, metres, and on-screen with visual input."""
        return 3 if self.visual is None else 4

    @model_validator(mode="after")
    def _fits(self) -> BaselineConfig:
        time = prod(pool[0] for pool in self.pools)
        if time != self.frames_per_label:
            raise ValueError(f"time pools multiply to {time}, but a label frame has {self.frames_per_label} frames")
        if self.bins_out < 1:
            raise ValueError(f"the frequency pools multiply to more than the {self.mels} bins")
        if self.rnn_width % self.heads:
            raise ValueError(f"rnn_width {self.rnn_width} must be a multiple of the {self.heads} heads")
        return self
