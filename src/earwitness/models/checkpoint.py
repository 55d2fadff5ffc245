"""Model checkpoints: tensors in safetensors, dimensions as JSON in the file's own metadata; no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from earwitness.core.errors import ModelError
from earwitness.models.build import build
from earwitness.models.configs.architectures import ModelConfig, model_config
from earwitness.models.network import Network

CONFIG_KEY: Final = "model_config"
_FIRST_CONFIG_KEY: Final = "seld_config"
"""What the dimensions were called while there was one kind of network."""


def save_model(model: Network, path: Path) -> None:
    """Write weights and dimensions to `path`, under a temporary name first."""
    partial = path.with_name(path.name + ".tmp")
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, partial, metadata={CONFIG_KEY: model.config.model_dump_json()})
    partial.replace(path)


def load_model(path: Path) -> Network:
    """Rebuild the model that `save_model` wrote, in evaluation mode.

    Raises:
        ModelError: missing, damaged, or tensors that do not fit the dimensions in the file (names them).
    """
    config, tensors = read_checkpoint(path)
    expected = _expected(config, path)
    wrong = sorted(name for name in expected.keys() | tensors.keys() if _shape(expected, name) != _shape(tensors, name))
    if wrong:
        raise ModelError(f"'{path}' does not fit its dimensions: {', '.join(wrong[:5])} differ; train or copy it again")
    model = build(config)
    model.load_state_dict(tensors)
    return model.eval()


def _expected(config: ModelConfig, path: Path) -> dict[str, Tensor]:
    """Tensors without contents: they take no memory, whatever dimensions a damaged or hostile file claims."""
    try:
        with torch.device("meta"):
            return build(config).state_dict()
    except (RuntimeError, OverflowError) as error:
        raise ModelError(f"'{path}' claims dimensions that no network has; copy it again") from error


def read_checkpoint(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Dimensions and tensors of a checkpoint, not yet compared.

    Raises:
        ModelError: missing or damaged.
    """
    if not path.is_file():
        raise ModelError(f"no checkpoint at '{path}'")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return model_config(json.loads(metadata.get(CONFIG_KEY) or metadata[_FIRST_CONFIG_KEY])), tensors
    except (SafetensorError, OSError) as error:
        raise ModelError(f"'{path}' is not a usable checkpoint: {error}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"'{path}' has no valid model dimensions: {error}".replace("\n", " ")) from error


def _shape(tensors: Mapping[str, object], name: str) -> tuple[int, ...] | None:
    tensor = tensors.get(name)
    return None if tensor is None else tuple(getattr(tensor, "shape", ()))
