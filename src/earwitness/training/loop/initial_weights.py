"""Initial weights of a run, from a checkpoint, another run or a shipped model; and the statistics of its features.

Shipped and pulled models have a checkpoint beside them, and YAMNet's weights inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY, VocabularyRecord
from earwitness.core.errors import MissingWeightsError, ModelError, TrainingError
from earwitness.detect.hub.hub_cache import HubAddress, is_hub_address, pulled_folder
from earwitness.detect.hub.hub_pull import CHECKPOINT, MANIFEST
from earwitness.detect.model.card import ModelCard, card_path, read_card
from earwitness.detect.model.model_files import DEFAULT_MODEL, find_model, shipped_models
from earwitness.encoders.store.embedding_store import StoreDescription
from earwitness.encoders.yamnet import convolutions
from earwitness.features import TAGGER_CHANNELS as TAGGER_NAMES
from earwitness.features import Channel, FeatureConfig
from earwitness.models.architectures import ModelConfig
from earwitness.models.checkpoint import read_checkpoint
from earwitness.models.network import Network
from earwitness.models.seld import ADDED_PARTS, FUSION_PARTS, TAGGER_PARTS, TRUNK_PREFIX, CmcNet
from earwitness.models.seld_config import TAGGER_CHANNELS
from earwitness.training.data.clip_stream import SceneStream
from earwitness.training.loop.training_state import read_tokens
from earwitness.training.recipe import load_recipe

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHECKPOINTS: Final = ("best.safetensors", "last.safetensors")
_RECIPE: Final = "recipe.yaml"
_SCALER: Final = frozenset(["scaler.mean", "scaler.std"])
CHECKPOINT_SUFFIX: Final = ".safetensors"
_SHORT: Final = ".half"
"""Suffix of the weights that `model_export.to_half_precision` rounded."""


def load_initial(
    model: Network, source: str, features: FeatureConfig, classes: VocabularyRecord = DEFAULT_VOCABULARY
) -> tuple[int, ...]:
    """Load the weights and feature statistics of a checkpoint into `model`.

    A Cross-Modal Conformer may start from a SELD network's weights, and a network with a tagger or with more feature
    channels from those of one without. The additional parts keep their initial weights, and the weights of additional
    channels are zero, so that they contribute nothing.

    Args:
        model: the network to initialise.
        source: the name of a shipped model (`default`), the address of a pulled one (`hf:USER/NAME`), a .safetensors
            file, or the folder of a run: its best
            checkpoint, else its last.
        features: of the new run; those of the checkpoint must be the same, where they are known, but may have fewer
            channels.
        classes: of the new run; those of the checkpoint must be the same, where they are known.

    Returns:
        The additional channels whose statistics are not known yet.

    Raises:
        TrainingError: there is no such checkpoint, or it does not fit the recipe (names the differences).
    """
    try:
        path = shipped_checkpoint(source) or _locate(Path(source))
        config, tensors = read_checkpoint(path)
    except ModelError as error:
        raise TrainingError(f"run.init_from: {error}") from error
    before = _channels_of(path, features)
    _same_classes(path, classes)
    expected = model.state_dict()
    if config != model.config:
        tensors = _with_tagger_channels(tensors, expected)
        tensors = _with_channels(tensors, expected, before, features.channels)
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
    return tuple(
        index for index, name in enumerate(features.channels)
        if name not in (*before, *TAGGER_NAMES) and _twin(name, before) is None
    )  # fmt: skip


def check_initial_tokens(source: str, tokens: Mapping[str, StoreDescription]) -> None:
    """Refuse to continue a run on tokens of other weights, which its network cannot interpret.

    Args:
        source: as for `load_initial`.
        tokens: modality -> embeddings of the new run.

    Raises:
        TrainingError: the initial weights come from a run on other tokens (names both).
    """
    place = Path(source)
    for name, before in read_tokens(place if place.is_dir() else place.parent).items():
        now = tokens.get(name)
        if now is not None and (now.encoder, now.fingerprint) != (before.encoder, before.fingerprint):
            raise TrainingError(
                f"run.init_from: {source} was trained on '{name}' tokens of {before}, but the folders hold {now}; "
                f"embed them with the former weights (dataset embed --weights {before.encoder}=FOLDER)"
            )


def load_tagger_weights(model: Network) -> None:
    """Load the weights of YAMNet, rounded to 16 bits, into the network's tagger, if it has one.

    Raises:
        MissingWeightsError: the weights were not downloaded, and no shipped model holds them.
        EncoderError: the downloaded weights are not those of YAMNet.
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


def _with_tagger_channels(tensors: dict[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with feature statistics for the tagger's channels, which are last, if the checkpoint lacks them."""
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
            "folder of a run that has been validated or is finished"
        )
    return found[0]


def _with_channels(
    tensors: dict[str, Tensor], expected: Mapping[str, Tensor], before: Sequence[Channel], now: Sequence[Channel]
) -> dict[str, Tensor]:
    """The tensors, with statistics and zero weights for the channels `now` that the checkpoint lacks."""
    widened = dict(tensors)
    for name, own in tensors.items():
        fresh = expected.get(name)
        stem = name.startswith("stem.") and own.ndim == 4
        axis = 0 if name in _SCALER else 1
        if fresh is None or own.shape == fresh.shape or not (stem or name in _SCALER):
            continue
        # The convolutions lack the last channels, which other parts process.
        theirs, ours = before[: own.shape[axis]], now[: fresh.shape[axis]]
        parts = []
        for index, channel in enumerate(ours):
            known = channel if channel in theirs else _twin(channel, theirs) if name in _SCALER else None
            if known is None:
                one = fresh.narrow(axis, index, 1)
                parts.append(torch.zeros_like(one) if stem else one.to(own))
            else:
                parts.append(own.narrow(axis, theirs.index(known), 1))
        widened[name] = torch.cat([part.to(own) for part in parts], dim=axis)
    return widened


def _twin(channel: Channel, others: Sequence[Channel]) -> Channel | None:
    """A channel of `others` with the same statistics: those of all log-mel channels are the same."""
    return next((other for other in others if other.startswith("logmel") and channel.startswith("logmel")), None)


def _channels_of(path: Path, features: FeatureConfig) -> tuple[Channel, ...]:
    """Channels of a checkpoint, some or all of those of `features`; if they are not known, those of `features`."""
    recipe = path.parent / _RECIPE
    theirs = load_recipe(recipe).features if recipe.is_file() else checkpoint_features(path)
    if theirs is None:
        return features.channels
    kept = tuple(name for name in features.channels if name in theirs.channels)
    if theirs != features.model_copy(update={"channels": kept}):
        raise TrainingError(
            f"run.init_from: {path} was trained on other features than the recipe's: {_differences(theirs, features)}"
        )
    return theirs.channels


def _same_classes(path: Path, classes: VocabularyRecord) -> None:
    recipe = path.parent / _RECIPE
    if recipe.is_file():
        theirs: VocabularyRecord | None = load_recipe(recipe).vocabulary or DEFAULT_VOCABULARY
    else:
        theirs = checkpoint_classes(path)
    if theirs is not None and (difference := classes.difference(theirs)):
        raise TrainingError(
            f"run.init_from: {path} was trained on other classes: {difference}; use `earwitness learn` for new ones"
        )


def _differences(theirs: ModelConfig | FeatureConfig, ours: ModelConfig | FeatureConfig) -> str:
    """The first settings that differ, for messages."""
    there, here = _plain(theirs), _plain(ours)
    different = [
        f"{key} is {there.get(key, 'not set')} in the checkpoint and {here.get(key, 'not set')} in the recipe"
        for key in dict.fromkeys([*there, *here])
        if there.get(key) != here.get(key)
    ]
    return "; ".join(different[:4]) or "its weights are damaged"


def _plain(config: ModelConfig | FeatureConfig) -> dict[str, Any]:
    return config.model_dump(mode="json")


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


def feature_statistics(stream: SceneStream, scenes: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C, 1, 1) of the features of the first scenes.

    All log-mel channels share one mean and one deviation, since the level differences between them carry direction. The
    tagger's channels are not normalised.
    """
    maps = np.stack([stream.scene(index)[1] for index in range(scenes)], axis=1).astype(np.float64)
    channels = stream.features.channels
    mean, std = maps.mean(axis=(1, 2, 3)), maps.std(axis=(1, 2, 3))
    level = np.array([name.startswith("logmel") for name in channels])
    if level.any():
        mean[level], std[level] = maps[level].mean(), maps[level].std()
    for index in (channels.index(name) for name in TAGGER_NAMES if name in channels):
        mean[index], std[index] = 0.0, 1.0
    shape = (len(channels), 1, 1)
    return (
        torch.from_numpy(mean.astype(np.float32)).reshape(shape),
        torch.from_numpy(np.maximum(std, 1e-3).astype(np.float32)).reshape(shape),
    )
