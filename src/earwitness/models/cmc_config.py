"""The shape of the Cross-Modal Conformer: each choice of the reconstruction is a named value; torch-free."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveFloat, model_validator

from earwitness.models.config import SeldShape, Size
from earwitness.schema import StrictModel


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
