"""Builds a network from its dimensions."""

from __future__ import annotations

from earwitness.models.baseline import BaselineNet
from earwitness.models.cmc import CmcNet
from earwitness.models.configs.architectures import ModelConfig
from earwitness.models.configs.baseline_config import BaselineConfig
from earwitness.models.configs.seld_config import CmcConfig
from earwitness.models.configs.symmetric_config import SymmetricConfig
from earwitness.models.network import Network
from earwitness.models.seld import SeldNet
from earwitness.models.symmetric import SymmetricNet


def build(config: ModelConfig) -> Network:
    """A network with initial weights."""
    if isinstance(config, CmcConfig):
        return CmcNet(config)
    if isinstance(config, SymmetricConfig):
        return SymmetricNet(config)
    return BaselineNet(config) if isinstance(config, BaselineConfig) else SeldNet(config)


def parameter_count(network: Network) -> int:
    """Number of parameters."""
    return sum(value.numel() for value in network.parameters())
