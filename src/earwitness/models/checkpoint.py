"""Networks from their dimensions, and from checkpoints.

A checkpoint holds tensors as safetensors, with the dimensions as JSON in the file's metadata; no pickle.
"""

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
from earwitness.models.architectures import BaselineConfig, ModelConfig, SymmetricConfig, model_config
from earwitness.models.baseline import BaselineNet
from earwitness.models.network import Network
from earwitness.models.seld import TRUNK_PREFIX, CmcNet, SeldNet
from earwitness.models.seld_config import CmcConfig
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


CONFIG_KEY: Final = "model_config"
_FIRST_CONFIG_KEY: Final = "seld_config"
"""Key of the dimensions in the first checkpoints, when there was one kind of network."""
_FEWEST: Final = 1024
"""Smaller weights stay float32 in compact checkpoints."""


def save_model(model: Network, path: Path, *, compact: bool = False) -> None:
    """Write weights and dimensions to `path`; an existing file is replaced only when that succeeds.

    Args:
        model: the network.
        path: the file.
        compact: for fine-tuning: store large weights as 16-bit numbers, and leave out those of a tagger's trunk, which
            are frozen.

    Raises:
        EncodingError: the file cannot be written.
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
    """The operating system's error, whose number safetensors gives in its message only."""
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), os.strerror(int(number[1]))) if number else OSError(first_line(error))


def _short(value: Tensor) -> Tensor:
    if value.dtype != torch.float32 or value.numel() < _FEWEST:
        return value
    largest = torch.finfo(torch.float16).max
    return value.clamp(-largest, largest).half()


def load_model(path: Path) -> Network:
    """Load a model written by `save_model`, in evaluation mode.

    Raises:
        ModelError: the file is missing or damaged, holds weights that are not finite, or holds tensors that do not fit
            its dimensions (names them).
    """
    config, tensors = read_checkpoint(path)
    expected = _expected(config, path)
    wrong = sorted(name for name in expected.keys() | tensors.keys() if _shape(expected, name) != _shape(tensors, name))
    if wrong:
        raise ModelError(f"'{path}': {', '.join(wrong[:5])} do not fit the file's dimensions; train or copy it again")
    damaged = sorted(name for name, tensor in tensors.items() if not torch.isfinite(tensor).all())
    if damaged:
        raise ModelError(f"'{path}' holds weights that are not finite ({damaged[0]}); train or copy it again")
    model = build(config)
    model.load_state_dict(tensors)
    return model.eval()


def _expected(config: ModelConfig, path: Path) -> dict[str, Tensor]:
    """Meta tensors of the expected shapes; they take no memory even for the dimensions of a hostile file."""
    try:
        with torch.device("meta"):
            return build(config).state_dict()
    except (RuntimeError, OverflowError) as error:
        raise ModelError(f"'{path}' has dimensions of no valid network; copy it again") from error


def read_checkpoint(path: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Dimensions and tensors of a checkpoint, not compared with each other.

    Raises:
        ModelError: the file is missing or damaged.
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
