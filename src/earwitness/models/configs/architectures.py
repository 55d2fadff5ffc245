"""The architectures, by their names in recipes and checkpoints; torch-free."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter

from earwitness.models.configs.baseline_config import BaselineConfig
from earwitness.models.configs.seld_config import CmcConfig, SeldConfig
from earwitness.models.configs.symmetric_config import SymmetricConfig

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


def token_widths(config: ModelConfig) -> dict[str, int]:
    """The tokens that a network takes: name of the modality -> width D."""
    if isinstance(config, CmcConfig):
        return {name: spec.dim for name, spec in config.tokens.items()}
    if isinstance(config, BaselineConfig) and config.visual is not None:
        return {config.visual.name: config.visual.dim}
    return {}
