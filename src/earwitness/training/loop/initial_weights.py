"""The second stage: a run that begins with the weights of another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from earwitness.core.errors import ModelError, TrainingError
from earwitness.features import TAGGER_CHANNELS as TAGGER_NAMES
from earwitness.features import FeatureConfig
from earwitness.models.checkpoint import read_checkpoint
from earwitness.models.cmc import FUSION_PARTS, CmcNet
from earwitness.models.configs.architectures import ModelConfig
from earwitness.models.configs.seld_config import TAGGER_CHANNELS
from earwitness.models.network import Network
from earwitness.models.seld import ADDED_PARTS, TAGGER_PARTS
from earwitness.training.loop.shipped import checkpoint_features, shipped_checkpoint, trunk_weights
from earwitness.training.recipe import load_recipe

CHECKPOINTS: Final = ("best.safetensors", "last.safetensors")
_RECIPE: Final = "recipe.yaml"
_SCALER: Final = frozenset(["scaler.mean", "scaler.std"])


def load_initial(model: Network, source: str, features: FeatureConfig) -> None:
    """Give `model` the weights and feature statistics of a checkpoint.

    A Cross-Modal Conformer may begin with a SELD network's weights, and a network with a tagger with those of one
    without: what it has besides is closed and stays fresh.

    Args:
        model: gets the weights.
        source: the name of a shipped model (`default`), a .safetensors file, or the folder of a run: its best
            checkpoint, else its last.
        features: that the model will hear; those of the checkpoint's own run must be the same, where it is known.

    Raises:
        TrainingError: there is none, or it does not fit the recipe (says where they differ).
    """
    try:
        path = shipped_checkpoint(source) or _locate(Path(source))
        config, tensors = read_checkpoint(path)
    except ModelError as error:
        raise TrainingError(f"run.init_from: {error}") from error
    _same_features(path, features)
    expected = model.state_dict()
    if config != model.config:
        tensors = _heard_by_tagger(tensors, expected)
    fresh = {name for name in expected.keys() - tensors.keys() if _is_addition(model, name)}
    wrong = sorted(
        name for name in expected.keys() | tensors.keys()
        if name not in fresh and (name not in expected or name not in tensors
                                  or expected[name].shape != tensors[name].shape)
    )  # fmt: skip
    if wrong:
        shown = ", ".join(wrong[:3]) + (", ..." if len(wrong) > 3 else "")
        raise TrainingError(
            f"run.init_from: {path} does not fit the recipe: {_differences(config, model.config)} "
            f"({len(wrong)} weights differ: {shown})"
        )
    model.load_state_dict({**expected, **tensors})


def give_tagger(model: Network) -> None:
    """Give a network's tagger, where it has one, the weights of YAMNet, as 16-bit numbers hold them.

    Raises:
        MissingWeightsError: they have not been fetched, and no shipped model holds them.
        EncoderError: they are not YAMNet's.
    """
    tagger = getattr(model, "tagger", None)
    if tagger is None:
        return
    with torch.no_grad():
        for part, (kernel, bias) in zip(tagger.trunk.convolutions, trunk_weights(), strict=True):
            part.weight.copy_(torch.from_numpy(kernel).half())
            part.bias.copy_(torch.from_numpy(bias).half())


def _is_addition(model: Network, name: str) -> bool:
    return (isinstance(model, CmcNet) and name.startswith(FUSION_PARTS)) or name.startswith(ADDED_PARTS)


def _heard_by_tagger(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same, normalising the tagger's channels, which come last, where only the network expects some: not at all."""
    if not any(name.startswith(TAGGER_PARTS) for name in expected.keys() - tensors.keys()):
        return tensors
    widened = dict(tensors)
    for name in _SCALER & tensors.keys():
        own = tensors[name]
        if own.shape[0] + TAGGER_CHANNELS == expected[name].shape[0]:
            widened[name] = torch.cat([own, expected[name][-TAGGER_CHANNELS:].to(own)])
    return widened


def _locate(source: Path) -> Path:
    if source.is_file():
        return source
    found = [source / name for name in CHECKPOINTS if (source / name).is_file()]
    if not found:
        raise TrainingError(
            f"run.init_from: no checkpoint at '{source}': name a shipped model (default), a .safetensors file, or the "
            "folder of a run that has validated or ended"
        )
    return found[0]


def _same_features(path: Path, features: FeatureConfig) -> None:
    recipe = path.parent / _RECIPE
    heard = load_recipe(recipe).features if recipe.is_file() else checkpoint_features(path)
    if heard is None:
        return
    own = tuple(name for name in features.channels if name not in TAGGER_NAMES)
    if heard not in (features, features.model_copy(update={"channels": own})):
        raise TrainingError(
            f"run.init_from: {path} learnt from other features than the recipe's: {_differences(heard, features)}"
        )


def _differences(theirs: ModelConfig | FeatureConfig, ours: ModelConfig | FeatureConfig) -> str:
    """Which settings differ, in words."""
    there, here = _plain(theirs), _plain(ours)
    different = [
        f"{key} is {there.get(key, 'not there')} in it and {here.get(key, 'not there')} here"
        for key in dict.fromkeys([*there, *here])
        if there.get(key) != here.get(key)
    ]
    return "; ".join(different[:4]) or "its weights are damaged"


def _plain(config: ModelConfig | FeatureConfig) -> dict[str, Any]:
    return config.model_dump(mode="json")
