"""Dimensions of the SELD network and of the Cross-Modal Conformer: each design choice is a named value; torch-free."""

from __future__ import annotations

from math import prod
from typing import Annotated, Final, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, model_validator

from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025

Size = Annotated[int, Field(ge=1, le=65_536)]
"""A width or a length; larger values would exhaust the memory."""
Layers = Annotated[int, Field(ge=1, le=100)]
Kernel = Annotated[int, Field(ge=1, le=1025)]
TAGGER_CHANNELS: Final = 2
"""Number of the tagger's input channels, which are the last feature channels."""


class SeldShape(StrictModel):
    """Dimensions shared by all networks with the residual encoder and a Conformer.

    The defaults pool time to 10 frames/s after the first residual stage (three convolutions process onsets at the full
    rate) and use large widths for the late, small maps, where a CPU trains fastest per parameter.

    Attributes:
        in_channels: feature channels C.
        mels: feature bins F.
        frames_per_label: feature frames per label frame of 100 ms; the product of the time pools.
        stem_width: channels of the stem convolution.
        stem_kernel: its square kernel, odd.
        stem_stride: its stride in time and frequency.
        widths: channels of each residual stage.
        pools: average pooling after each stage, in time and frequency.
        dim: width of the Conformer.
        heads: attention heads; dim / heads must be even, since rotary positions rotate pairs.
        blocks: Conformer blocks.
        conv_kernel: depthwise convolution over label frames, odd.
        ffn_mult: width of the feed-forward parts relative to `dim`.
        dropout: in the Conformer and before it.
        direction: activation of x and y; `tanh` bounds the activity vector.
        activity: output that encodes the activity of a class: the `length` of its vectors (ACCDDOA), or a separate
            `logit`, so that the vectors encode the direction only.
        common: add a class-independent x, y and log distance of the frame to those of every track and class. Often one
            source is active alone, and its position does not depend on its class, so all classes train it together.
        tagger: run a frozen YAMNet on the last two channels (`features.TAGGER_CHANNELS`), and add its projected
            activations to the Conformer's input and to the activity.
        tagger_dropout: dropout of the tagger's output.
        tagger_probe: add to the activity of each class a linear function of YAMNet's embedding, which knows sounds that
            the projected activations do not distinguish.
        reverberance: channels with the log-mel of mid and the coherence, from which a small network estimates an
            addition to the log distance; None has no such network.
        lags: number of the channel with the GCC-PHAT (`gcc`), which is the last one before the tagger's. A small
            network on it adds to the Conformer's input; the convolutions, whose other maps have a frequency axis, do
            not process it. None has no such network.
        whole_clip: add to the activity of each class a term computed from the mean and the maximum over the clip's
            frames: whether the class occurs in the clip at all.
        distance_head: add to the log distance of each class the output of two further layers on the Conformer's and the
            tagger's output, initialised to zero.
        any_sound: add an output class for any sound, interference included.
        several: add the logit of each class that two or more of its sources are active, and train the tracks in the
            order of the sources from left to right: the first is the leftmost, the second the rightmost. They are
            reported separately where the logit's probability is at least `several_from`, else as their mean.
        several_from: that probability.
        dense: train the convolutions with a further head too, which estimates the level difference and the diffuseness
            of each mel band; see `earwitness.models.dense_head`. Trained networks do not have it.
        tracks: simultaneous sources of one class.
        classes: sound classes.
    """

    in_channels: Size = 5
    mels: Size = 64
    frames_per_label: Size = 5
    stem_width: Size = 32
    stem_kernel: Kernel = 5
    stem_stride: tuple[Size, Size] = (1, 2)
    widths: tuple[Size, ...] = Field((32, 96, 192, 256), max_length=100)
    pools: tuple[tuple[Size, Size], ...] = Field(((5, 2), (1, 2), (1, 2), (1, 1)), max_length=100)
    dim: Size = 192
    heads: Size = 4
    blocks: Layers = 3
    conv_kernel: Kernel = 15
    ffn_mult: Size = 4
    dropout: float = Field(0.1, ge=0, lt=1)
    direction: Literal["tanh", "linear"] = "tanh"
    activity: Literal["length", "logit"] = "length"
    common: bool = False
    tagger: bool = False
    tagger_dropout: float = Field(0.2, ge=0, lt=1)
    tagger_probe: bool = False
    reverberance: tuple[NonNegativeInt, NonNegativeInt] | None = None
    lags: NonNegativeInt | None = None
    whole_clip: bool = False
    distance_head: bool = False
    any_sound: bool = False
    several: bool = False
    several_from: float = Field(0.5, ge=0, le=1)
    dense: bool = False
    tracks: Size = 3
    classes: Size = len(DCASE2025)

    @property
    def own_channels(self) -> int:
        """Feature channels that the convolutions process: all but those of `lags` and of the tagger, which are last."""
        return self.in_channels - (TAGGER_CHANNELS if self.tagger else 0) - (self.lags is not None)

    @property
    def bins_out(self) -> int:
        """Frequency bins left after the last pool."""
        return self.mels // (self.stem_stride[1] * prod(pool[1] for pool in self.pools))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.widths) != len(self.pools) or not self.widths:
            raise ValueError(f"{len(self.widths)} widths need as many pools, not {len(self.pools)}")
        time = self.stem_stride[0] * prod(pool[0] for pool in self.pools)
        if time != self.frames_per_label:
            raise ValueError(f"time strides multiply to {time}, but a label frame has {self.frames_per_label} frames")
        if self.mels % (self.stem_stride[1] * prod(pool[1] for pool in self.pools)):
            raise ValueError(f"the frequency strides and pools do not divide the {self.mels} bins")
        if self.dim % (2 * self.heads):
            raise ValueError(f"dim {self.dim} must be a multiple of twice the {self.heads} heads")
        if self.tagger and (self.activity != "logit" or self.in_channels <= TAGGER_CHANNELS):
            raise ValueError("a tagger needs activity 'logit' and channels in addition to its own two")
        if self.tagger_probe and not self.tagger:
            raise ValueError("tagger_probe needs a tagger")
        for name in ("whole_clip", "any_sound", "several"):
            if getattr(self, name) and self.activity != "logit":
                raise ValueError(f"{name} needs activity 'logit'")
        if self.lags is not None and not 0 < self.lags == self.own_channels:
            raise ValueError(
                f"lags {self.lags}: the channel must be the last before the tagger's, and not the only one"
            )
        if self.reverberance and max(self.reverberance) >= self.own_channels:
            raise ValueError(f"reverberance {self.reverberance}: channel numbers must be below {self.own_channels}")
        if not (self.stem_kernel % 2 and self.conv_kernel % 2):
            raise ValueError("kernels must be odd")
        return self


class SeldConfig(SeldShape):
    """Dimensions of `earwitness.models.seld.SeldNet`.

    Attributes:
        architecture: name of the architecture; see `earwitness.models.architectures`.
    """

    architecture: Literal["seld"] = "seld"


class TokenInput(StrictModel):
    """Token input of one modality.

    Attributes:
        dim: width D of a token.
        grid: rows and columns of the positions, row by row from the top left; None if they form no grid.
        pool: rows and columns of neighbours that are averaged into one position; must divide the grid.
        reach_s: largest distance in time, seconds, at which a label frame attends to a token; None has no limit.
        directions: whether the azimuth and elevation of a position are encoded in its tokens.
    """

    dim: Size
    grid: tuple[Size, Size] | None = None
    pool: tuple[Size, Size] = (1, 1)
    reach_s: PositiveFloat | None = None
    directions: bool = True

    @model_validator(mode="after")
    def _fits(self) -> TokenInput:
        if self.pool == (1, 1):
            return self
        if self.grid is None:
            raise ValueError("pool needs a grid")
        if self.grid[0] % self.pool[0] or self.grid[1] % self.pool[1]:
            raise ValueError(f"pool {self.pool} does not divide the grid {self.grid}")
        return self


class CmcConfig(SeldShape):
    """Dimensions of `earwitness.models.seld.CmcNet`: those of the SELD network and of the token fusion.

    Source: reconstruction of Berghi & Jackson 2025; known: both embeddings enter a modified Conformer block.

    Attributes:
        architecture: name of the architecture.
        tokens: name of the modality -> its tokens, applied in this order; {} is the SELD network alone.
        fusion: `cross_attention` in the Conformer blocks, or `concatenation` with the frames before them.
        cross_blocks: numbers, from 0, of the Conformer blocks with cross-attention; None for all.
        cross_heads: attention heads of cross-attention.
        token_time: `rotary` rotates queries and keys by their times, so that attention depends on their distance in
            time; `sinusoid` adds an encoding of the time to the tokens; `none`.
        direction_bands: Fourier bands of azimuth and elevation; 0 encodes no directions.
        null_token: add a key with a value of zero, so that a frame can attend to no token.
        gate: `scalar` learns one gate per modality and block, `channel` one per channel; `open` has no gates.
        gate_gain: factor of the gate's parameter before tanh; larger values open the gates faster from their closed
            start.
        token_dropout: dropout of the projected tokens.
    """

    architecture: Literal["cmc"] = "cmc"
    tokens: dict[str, TokenInput] = Field(default_factory=dict, max_length=16)
    fusion: Literal["cross_attention", "concatenation"] = "cross_attention"
    cross_blocks: tuple[int, ...] | None = Field(None, max_length=100)
    cross_heads: Size = 4
    token_time: Literal["rotary", "sinusoid", "none"] = "rotary"
    direction_bands: int = Field(4, ge=0, le=8)
    null_token: bool = True
    gate: Literal["channel", "scalar", "open"] = "channel"
    gate_gain: PositiveFloat = 10.0
    token_dropout: float = Field(0.1, ge=0, lt=1)

    @property
    def blocks_with_cross(self) -> tuple[int, ...]:
        """The Conformer blocks that have cross-attention."""
        if self.fusion != "cross_attention":
            return ()
        return tuple(range(self.blocks)) if self.cross_blocks is None else self.cross_blocks

    @model_validator(mode="after")
    def _tokens_fit(self) -> CmcConfig:
        if self.dim % (2 * self.cross_heads):
            raise ValueError(f"dim {self.dim} must be a multiple of twice the {self.cross_heads} cross_heads")
        if any(not 0 <= block < self.blocks for block in self.cross_blocks or ()):
            raise ValueError(f"cross_blocks must lie in 0..{self.blocks - 1}")
        bad = [name for name in self.tokens if not name.isidentifier()]
        if bad:
            raise ValueError(f"the name of a modality must consist of letters, digits and _, not '{bad[0]}'")
        return self
