"""The second stage: a run that begins with the weights of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from earwitness.errors import ModelError, TrainingError
from earwitness.features import FeatureConfig
from earwitness.models.architectures import ModelConfig
from earwitness.models.checkpoint import read_checkpoint
from earwitness.models.cmc import FUSION_PARTS, CmcNet
from earwitness.models.network import Network
from earwitness.training.recipe import load_recipe

CHECKPOINTS: Final = ("best.safetensors", "last.safetensors")
_RECIPE: Final = "recipe.yaml"


def load_initial(model: Network, source: str, features: FeatureConfig) -> None:
    """Give `model` the weights and feature statistics of a checkpoint.

    A Cross-Modal Conformer may begin with a SELD network's weights: what it has besides is closed and stays fresh.

    Args:
        model: gets the weights.
        source: a .safetensors file, or the folder of a run: its best checkpoint, else its last.
        features: that the model will hear; those of the checkpoint's own run must be the same, where it is known.

    Raises:
        TrainingError: there is none, or it does not fit the recipe (says where they differ).
    """
    path = _locate(Path(source))
    try:
        config, tensors = read_checkpoint(path)
    except ModelError as error:
        raise TrainingError(f"run.init_from: {error}") from error
    _same_features(path, features)
    expected = model.state_dict()
    fresh = {name for name in expected.keys() - tensors.keys() if isinstance(model, CmcNet) and _is_fusion(name)}
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


def _is_fusion(name: str) -> bool:
    return name.startswith(FUSION_PARTS)


def _locate(source: Path) -> Path:
    if source.is_file():
        return source
    found = [source / name for name in CHECKPOINTS if (source / name).is_file()]
    if not found:
        raise TrainingError(
            f"run.init_from: no checkpoint at '{source}': name a .safetensors file, or the folder of a run that has "
            "validated or ended"
        )
    return found[0]


def _same_features(path: Path, features: FeatureConfig) -> None:
    recipe = path.parent / _RECIPE
    if not recipe.is_file():
        return
    heard = load_recipe(recipe).features
    if heard != features:
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
