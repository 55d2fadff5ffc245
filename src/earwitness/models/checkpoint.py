"""Model checkpoints: tensors in safetensors, dimensions as JSON in the file's own metadata; no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from earwitness.errors import ModelError
from earwitness.models.config import SeldConfig
from earwitness.models.seld import SeldNet

CONFIG_KEY: Final = "seld_config"


def save_model(model: SeldNet, path: Path) -> None:
    """Write weights and dimensions to `path`, under a temporary name first."""
    partial = path.with_name(path.name + ".tmp")
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, partial, metadata={CONFIG_KEY: model.config.model_dump_json()})
    partial.replace(path)


def load_model(path: Path) -> SeldNet:
    """Rebuild the model that `save_model` wrote, in evaluation mode.

    Raises:
        ModelError: missing, damaged, or tensors that do not fit the dimensions in the file (names them).
    """
    if not path.is_file():
        raise ModelError(f"no checkpoint at '{path}'")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        config = SeldConfig.model_validate_json(metadata[CONFIG_KEY])
    except (SafetensorError, OSError) as error:
        raise ModelError(f"'{path}' is not a usable checkpoint: {error}") from error
    except (KeyError, ValidationError) as error:
        raise ModelError(f"'{path}' has no valid model dimensions: {error}".replace("\n", " ")) from error
    model = SeldNet(config)
    expected = model.state_dict()
    wrong = sorted(name for name in expected.keys() | tensors.keys() if _shape(expected, name) != _shape(tensors, name))
    if wrong:
        raise ModelError(f"'{path}' does not fit its dimensions: {', '.join(wrong[:5])} differ; train or copy it again")
    model.load_state_dict(tensors)
    return model.eval()


def _shape(tensors: dict[str, object], name: str) -> tuple[int, ...] | None:
    tensor = tensors.get(name)
    return None if tensor is None else tuple(getattr(tensor, "shape", ()))
