"""The shape of the Cross-Modal Conformer: each choice of the reconstruction is a named value; torch-free.

The shape of a SELD network, as one frozen, checked value; torch-free, so that recipes and cards are too.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Final, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, model_validator

from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import NUM_CLASSES

Size = Annotated[int, Field(ge=1, le=65_536)]
"""A width or a length; more is damage, and would take all memory."""
Layers = Annotated[int, Field(ge=1, le=100)]
Kernel = Annotated[int, Field(ge=1, le=1025)]
TAGGER_CHANNELS: Final = 2
"""The last ones, where there is a tagger."""


class SeldShape(StrictModel):
    """Dimensions that all networks with the residual encoder and a Conformer share.

    The default pools time to 10 frames/s after the first residual stage (three convolutions, so that attacks are seen
    at full rate) and spends its width on the late, small maps: this is where a CPU trains fastest per parameter.

    Attributes:
        in_channels: feature channels C.
        mels: feature bins F.
        frames_per_label: feature frames of one 100-ms label frame; the time pools multiply to it.
        stem_width: channels of the stem convolution.
        stem_kernel: its square kernel, odd.
        stem_stride: its stride in time and frequency.
        widths: channels of each residual stage.
        pools: average pooling after each stage, in time and frequency.
        dim: width of the Conformer.
        heads: attention heads; dim / heads must be even (rotary positions turn pairs).
        blocks: Conformer blocks.
        conv_kernel: depthwise convolution over label frames, odd.
        ffn_mult: width of the feed-forward parts relative to `dim`.
        dropout: in the Conformer and before it.
        direction: activation of x and y; `tanh` bounds the activity vector.
        activity: what says that a class sounds: the `length` of its vectors (ACCDDOA), or a `logit` of its own, so that
            the vectors are free to say nothing but the direction.
        common: add an x, y and log distance of the frame as a whole to those of every track and class. Often one source
            sounds alone, and where it is does not depend on what it is: all classes learn it together.
        tagger: let YAMNet, frozen, hear the last two channels (`features.TAGGER_CHANNELS`), and add what it thinks to
            the Conformer's input and to the activity.
        tagger_dropout: of what the tagger thinks.
        reverberance: channels with the log-mel of mid and the coherence, for a short way from them to the distance;
            None leaves it to the deep one.
        whole_clip: add to the activity of each class what mean and maximum over the clip's frames say of it: whether it
            sounds in the clip at all.
        distance_head: add to the log distance of each class what two layers of their own make of the Conformer's output
            and of what the tagger thinks; they begin at nothing.
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
    reverberance: tuple[NonNegativeInt, NonNegativeInt] | None = None
    whole_clip: bool = False
    distance_head: bool = False
    any_sound: bool = False
    tracks: Size = 3
    classes: Size = NUM_CLASSES

    @property
    def own_channels(self) -> int:
        """Feature channels that the network itself hears."""
        return self.in_channels - (TAGGER_CHANNELS if self.tagger else 0)

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
            raise ValueError(f"frequency strides do not divide the {self.mels} bins")
        if self.dim % (2 * self.heads):
            raise ValueError(f"dim {self.dim} must be a multiple of twice the {self.heads} heads")
        if self.tagger and (self.activity != "logit" or self.in_channels <= TAGGER_CHANNELS):
            raise ValueError("a tagger needs activity 'logit', and channels besides its own two")
        for name in ("whole_clip", "any_sound"):
            if getattr(self, name) and self.activity != "logit":
                raise ValueError(f"{name} needs activity 'logit'")
        if self.reverberance and max(self.reverberance) >= self.own_channels:
            raise ValueError(
                f"reverberance {self.reverberance} names channels beyond the {self.own_channels} there are"
            )
        if not (self.stem_kernel % 2 and self.conv_kernel % 2):
            raise ValueError("kernels must be odd")
        return self


class SeldConfig(SeldShape):
    """Dimensions of `earwitness.models.seld.SeldNet`.

    Attributes:
        architecture: which network; see `earwitness.models.configs.architectures`.
    """

    architecture: Literal["seld"] = "seld"


class TokenInput(StrictModel):
    """Tokens of one modality, as the network takes them.

    Attributes:
        dim: width D of a token.
        grid: rows and columns of the positions, row by row from the top left; None where they form no grid.
        pool: neighbouring rows and columns that are averaged into one position; needs a grid that they divide.
        reach_s: a label frame looks at tokens at most this far away in time, seconds; None: at all of the clip.
        directions: whether a position's azimuth and elevation are told to the network.
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
    """Dimensions of `earwitness.models.cmc.CmcNet`: those of the SELD network, and what is done with the tokens.

    Source: reconstruction of Berghi & Jackson 2025; known: both embeddings enter a modified Conformer block.

    Attributes:
        architecture: which network.
        tokens: modality's name -> its tokens; {} is the SELD network alone. Modalities are taken in this order.
        fusion: `cross_attention` in the Conformer blocks, or `concatenation` with the frames before them.
        cross_blocks: the Conformer blocks that have cross-attention, from 0; None: all.
        cross_heads: attention heads of cross-attention.
        token_time: `rotary` turns queries and keys by their times, so that attention depends on how far apart they are;
            `sinusoid` adds the time to the tokens; `none`.
        direction_bands: Fourier bands of azimuth and elevation; 0 tells no directions.
        null_token: whether a frame may look at nothing: one more key, with a value of zero.
        gate: one learned gate a modality and block (`scalar`) or a channel (`channel`); `open` has none.
        gate_gain: factor of the gate's parameter before tanh: how fast gates open, for they start closed.
        token_dropout: on the projected tokens.
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
            raise ValueError(f"a modality's name must be letters, digits and _, not '{bad[0]}'")
        return self
