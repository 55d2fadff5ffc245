"""Multi-head attention of one sequence to another: the projections, and nothing that cannot be exported."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from earwitness.models.conformer import attend, turn

Angles = tuple[Tensor, Tensor]
"""Cosines and sines of rotary positions, of shapes that broadcast to (B, heads, length, width / 2)."""


class Attention(nn.Module):
    """Scaled dot-product attention with projections of queries, keys, values and output.

    Source: Vaswani et al. 2017, section 3.2.

    Args:
        dim: width of queries and output, a multiple of `heads`.
        heads: attention heads.
        dropout: on the attention weights.
    """

    def __init__(self, dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(
        self,
        frames: Tensor,
        tokens: Tensor,
        mask: Tensor | None = None,
        *,
        turns: tuple[Angles, Angles] | None = None,
        null: bool = False,
    ) -> Tensor:
        """(B, T, dim) looks at (B, N, dim): (B, T, dim).

        Args:
            frames: make the queries.
            tokens: make keys and values.
            mask: bool, broadcasts to (B, heads, T, N), or N + 1 with `null`; True may be looked at.
            turns: rotary positions of the queries and of the keys.
            null: adds a last key and value of zeros.
        """
        query, key = self._split(self.query(frames)), self._split(self.key(tokens))
        value = self._split(self.value(tokens))
        if turns is not None:
            query, key = turn(query, *turns[0]), turn(key, *turns[1])
        if null:
            key, value = functional.pad(key, (0, 0, 0, 1)), functional.pad(value, (0, 0, 0, 1))
        dropout = self.dropout if self.training else 0.0
        mixed = attend(query, key, value, mask, dropout)
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return attended

    def _split(self, sequence: Tensor) -> Tensor:
        batch, length, dim = sequence.shape
        return sequence.reshape(batch, length, self.heads, dim // self.heads).transpose(1, 2)
