"""Published weights: checkpoints of shipped and of pulled models, and YAMNet's weights inside the shipped ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from earwitness.core.classes.vocabulary_record import VocabularyRecord
from earwitness.core.errors import MissingWeightsError, ModelError
from earwitness.detect.hub.hub_cache import HubAddress, is_hub_address, pulled_folder
from earwitness.detect.hub.hub_pull import CHECKPOINT, MANIFEST
from earwitness.detect.model.card import ModelCard, card_path, read_card
from earwitness.detect.model.model_files import DEFAULT_MODEL, find_model, shipped_models
from earwitness.encoders.yamnet import convolutions
from earwitness.features import FeatureConfig
from earwitness.models.seld import TRUNK_PREFIX

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECKPOINT_SUFFIX: Final = ".safetensors"
_SHORT: Final = ".half"
"""Suffix of the weights that `model_export.to_half_precision` rounded."""


def shipped_checkpoint(name: str) -> Path | None:
    """The checkpoint of the shipped model `name`, or of a pulled one (`hf:USER/NAME`); None if there is no such model.

    Raises:
        ModelError: the model has no checkpoint, or was not pulled.
        UsageError: not an address on the hub.
    """
    if is_hub_address(name):
        pulled = pulled_folder(HubAddress.parse(name)) / CHECKPOINT
        if not pulled.is_file():
            raise ModelError(f"{name} was published without a checkpoint, so it cannot be trained further")
        return pulled
    model = shipped_models().get(name)
    if model is None:
        return None
    path = model.with_suffix(CHECKPOINT_SUFFIX)
    if not path.is_file():
        raise ModelError(f"the shipped model '{name}' has no checkpoint at '{path}'; install earwitness again")
    return path


def checkpoint_features(path: Path) -> FeatureConfig | None:
    """The features of a shipped or pulled checkpoint, from the card beside it; None for other checkpoints."""
    return None if (card := _shipped_card(path)) is None else card.features


def checkpoint_classes(path: Path) -> VocabularyRecord | None:
    """The classes of a shipped or pulled checkpoint, from the card beside it; None for other checkpoints."""
    return None if (card := _shipped_card(path)) is None else card.vocabulary


def _shipped_card(path: Path) -> ModelCard | None:
    shipped = [model.with_suffix(CHECKPOINT_SUFFIX) for model in shipped_models().values()]
    is_pulled = path.name == CHECKPOINT and (path.parent / MANIFEST).is_file()
    return read_card(card_path(path)) if (path in shipped or is_pulled) and card_path(path).is_file() else None


def trunk_weights(prefix: str = TRUNK_PREFIX) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Kernel and bias of each of YAMNet's convolutions: the downloaded ones, else those in the default model.

    The two differ by rounding to 16 bits, which is applied to both when a network loads them.

    Raises:
        MissingWeightsError: they were not downloaded, and the default model holds none.
        EncoderError: the downloaded weights are damaged.
    """
    try:
        return convolutions()
    except MissingWeightsError:
        inside = _inside_default(prefix)
        if not inside:
            raise
        return inside


def _inside_default(prefix: str) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(find_model(DEFAULT_MODEL).path)).graph
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    for tensor in graph.initializer:
        before, _, name = tensor.name.removesuffix(_SHORT).rpartition(prefix)
        if before or tensor.name.startswith(prefix):
            layer, _, part = name.rpartition(".")
            found.setdefault(layer, {})[part] = numpy_helper.to_array(tensor).astype(np.float32)
    # Sorted by block and index: early.1, early.3, ..., late.1, ...
    order = sorted(found, key=lambda layer: (layer.split(".")[0], int(layer.rpartition(".")[2])))
    return [(found[layer]["weight"], found[layer]["bias"]) for layer in order]
