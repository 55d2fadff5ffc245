"""Model checkpoints: tensors in safetensors, dimensions as JSON in the file's own metadata; no pickle."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from earwitness.core.errors import ModelError, first_line
from earwitness.core.files.atomic import atomic_file
from earwitness.core.schema import first_problem
from earwitness.models.build import build
from earwitness.models.configs.architectures import ModelConfig, model_config
from earwitness.models.network import Network
from earwitness.models.seld import TRUNK_PREFIX

CONFIG_KEY: Final = "model_config"
_FIRST_CONFIG_KEY: Final = "seld_config"
"""What the dimensions were called while there was one kind of network."""
_FEWEST: Final = 1024
"""Weights with fewer numbers than this stay as they are in compact checkpoints."""


def save_model(model: Network, path: Path, *, compact: bool = False) -> None:
    """Write weights and dimensions to `path`; what was there stays until that is done.

    Args:
        model: what to write.
        path: the file.
        compact: to begin another run with: large weights as 16-bit numbers, and without those of a tagger's trunk,
            which do not learn.

    Raises:
        EncodingError: it cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if compact:
        tensors = {name: _short(value) for name, value in tensors.items() if not name.startswith(TRUNK_PREFIX)}
    with atomic_file(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={CONFIG_KEY: model.config.model_dump_json()})
        except SafetensorError as error:
            raise _system_error(error) from None


def _system_error(error: SafetensorError) -> OSError:
    """What the system said, of an error that holds it in words only."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(first_line(error))


def _short(value: Tensor) -> Tensor:
    if value.dtype != torch.float32 or value.numel() < _FEWEST:
        return value
    largest = torch.finfo(torch.float16).max
    return value.clamp(-largest, largest).half()


def load_model(path: Path) -> Network:
    """Rebuild the model that `save_model` wrote, in evaluation mode.

    Raises:
        ModelError: missing, damaged, weights that are not finite,
            or tensors that do not fit the dimensions in the file (names them).
    """
    config, tensors = read_checkpoint(path)
    expected = _expected(config, path)
    wrong = sorted(name for name in expected.keys() | tensors.keys() if _shape(expected, name) != _shape(tensors, name))
    if wrong:
        raise ModelError(f"'{path}' does not fit its dimensions: {', '.join(wrong[:5])} differ; train or copy it again")
    damaged = sorted(name for name, tensor in tensors.items() if not torch.isfinite(tensor).all())
    if damaged:
        raise ModelError(f"'{path}' holds weights that are not finite ({damaged[0]}); train or copy it again")
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
    except ValidationError as error:
        raise ModelError(f"'{path}' has no valid model dimensions: {first_problem(error)}") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"'{path}' has no valid model dimensions: {first_line(error)}") from error
    except (SafetensorError, OSError, RuntimeError, MemoryError) as error:
        raise ModelError(f"'{path}' is not a usable checkpoint: {first_line(error)}") from error


def _shape(tensors: Mapping[str, object], name: str) -> tuple[int, ...] | None:
    tensor = tensors.get(name)
    return None if tensor is None else tuple(getattr(tensor, "shape", ()))
