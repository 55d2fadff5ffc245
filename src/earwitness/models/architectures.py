"""The architectures by their names in recipes and checkpoints, with the dimensions of each; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, NonNegativeInt, TypeAdapter, model_validator

from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025
from earwitness.models.seld_config import CmcConfig, Layers, SeldConfig, SeldShape, Size


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


class SymmetricConfig(SeldShape):
    """Dimensions of `earwitness.models.symmetric.SymmetricNet`; each map of a pair has these widths.

    Attributes:
        architecture: name of the architecture; see `earwitness.models.architectures`.
        odd_channels: feature channels that change their sign when left and right are swapped: the intensity.
    """

    architecture: Literal["symmetric"] = "symmetric"
    odd_channels: tuple[NonNegativeInt, ...] = Field((2,), max_length=100)

    @model_validator(mode="after")
    def _odd_are_there(self) -> Self:
        if self.lags is not None:
            raise ValueError("lags: a symmetric network does not reverse lags")
        if self.several:
            raise ValueError("several: a symmetric network cannot order its tracks from left to right")
        if self.dense:
            raise ValueError("dense: a symmetric network has no head for dense targets")
        if not self.odd_channels or max(self.odd_channels) >= self.own_channels:
            raise ValueError(
                f"odd_channels {self.odd_channels}: give at least one channel number below {self.own_channels}"
            )
        return self

    def check_channels(self, names: Sequence[str]) -> None:
        """Check that `odd_channels` are exactly the feature channels that change their sign when swapped.

        Raises:
            ValueError: they are not, or a feature is computed from one channel only.
        """
        odd = tuple(index for index, name in enumerate(names) if name == "intensity")
        if {"logmel_l", "logmel_r", "gcc"} & set(names) or self.odd_channels != odd:
            raise ValueError(
                f"model.odd_channels must be {list(odd)}, the positions of intensity in features.channels, and a "
                "symmetric network takes none of logmel_l, logmel_r and gcc"
            )


ModelConfig = SeldConfig | CmcConfig | BaselineConfig | SymmetricConfig
TaggedConfig = Annotated[ModelConfig, Field(discriminator="architecture")]
ARCHITECTURES: Final = ("seld", "cmc", "baseline", "symmetric")

_adapter: Final[TypeAdapter[ModelConfig]] = TypeAdapter(TaggedConfig)


def tagged(raw: dict[str, Any]) -> dict[str, Any]:
    """Plain values with their architecture, by default `seld` (which the first recipes did not name)."""
    return {"architecture": "seld", **raw}


def model_config(raw: dict[str, Any]) -> ModelConfig:
    """Dimensions from plain values.

    Raises:
        pydantic.ValidationError: they are not valid dimensions.
    """
    return _adapter.validate_python(tagged(raw))


def trained_config(config: ModelConfig) -> ModelConfig:
    """The dimensions of the trained network, without parts that only training needs."""
    return config.model_copy(update={"dense": False}) if getattr(config, "dense", False) else config


def token_widths(config: ModelConfig) -> dict[str, int]:
    """The tokens that a network takes: name of the modality -> width D."""
    if isinstance(config, CmcConfig):
        return {name: spec.dim for name, spec in config.tokens.items()}
    if isinstance(config, BaselineConfig) and config.visual is not None:
        return {config.visual.name: config.visual.dim}
    return {}
