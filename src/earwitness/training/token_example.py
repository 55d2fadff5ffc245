"""Made-up tokens for a network, to export it with and to compare the export with."""

from __future__ import annotations

import numpy as np

from earwitness.models.architectures import ModelConfig, token_widths
from earwitness.models.baseline_config import BaselineConfig
from earwitness.models.cmc_config import CmcConfig
from earwitness.models.token_arrays import TokenArrays

_POSITIONS = 3


def some_tokens(config: ModelConfig, batch: int, rng: np.random.Generator) -> dict[str, TokenArrays]:
    """Random tokens of all modalities; where the network can do without, the last of several clips has none."""
    made = {}
    for name, dim in token_widths(config).items():
        steps, positions = int(rng.integers(3, 9)), fixed_positions(config, name) or _POSITIONS
        here = np.ones((batch, steps), np.bool_)
        if batch > 1 and isinstance(config, CmcConfig):
            here[-1] = False
        directions = rng.uniform(-50, 50, (batch, positions, 2)).astype(np.float32)
        directions[:, :1] = np.nan
        times = np.sort(rng.uniform(0, 2, (batch, steps))).astype(np.float32)
        values = rng.normal(size=(batch, steps, positions, dim)).astype(np.float32)
        made[name] = TokenArrays(values, times, directions, here)
    return made


def fixed_positions(config: ModelConfig, name: str) -> int | None:
    """Positions of a modality's tokens, where the network has them fixed."""
    grid = None
    if isinstance(config, CmcConfig):
        grid = config.tokens[name].grid
    elif isinstance(config, BaselineConfig) and config.visual is not None:
        grid = config.visual.grid
    return None if grid is None else grid[0] * grid[1]


def token_axes(key: str, config: ModelConfig) -> dict[int, str]:
    """Which axes of the input `<name>.<part>` may have any length."""
    name, part = key.rsplit(".", 1)
    axes = {0: "batch"} if part == "directions" else {0: "batch", 1: f"{name}_steps"}
    if part in ("values", "directions") and fixed_positions(config, name) is None:
        axes[1 if part == "directions" else 2] = f"{name}_positions"
    return axes
