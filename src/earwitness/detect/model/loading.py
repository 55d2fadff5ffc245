"""Loading of models by name: one model, a comma-separated list, or an ensemble file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, TypedDict

import numpy as np

from earwitness.core.errors import ModelError
from earwitness.core.files.small_files import read_bytes
from earwitness.detect.model.card import ModelCard, check_words, file_sha256
from earwitness.detect.model.ensemble import Ensemble, MirroredRunner
from earwitness.detect.model.ensemble_file import MOST_MEMBERS, SUFFIX, read_ensemble
from earwitness.detect.model.model_files import ModelFile, find_model, local_name
from earwitness.detect.model.model_trial import try_model
from earwitness.detect.runner.model_runner import ModelRunner, Runner
from earwitness.detect.runner.runtime import Device, OnnxRuntime
from earwitness.detect.runner.token_encoders import (
    check_modalities,
    check_own_weights,
    load_token_encoders,
    split_modalities,
)
from earwitness.encoders.onnx_session import MOST_BYTES
from earwitness.results.detection import ModelId

MIRROR: Final = "mirror:"
"""Prefix of a model's name: the model gets left and right exchanged, and its output is mirrored back."""


class LoadKeywords(TypedDict, total=False):
    """The fields of `LoadOptions` as keyword arguments."""

    device: Device
    threads: int
    batch: int
    modalities: str | None
    fov: float | None
    weights: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How models are loaded.

    Attributes:
        device: device to compute on.
        threads: threads per call.
        batch: windows per call; the results do not depend on it.
        modalities: token modalities to use, comma-separated, or `none`; None: all that a model takes.
        fov: horizontal field of view of the camera, degrees, for models that take pictures; None: as in training.
        weights: encoder -> folder of the user's own weights, in place of the downloaded ones.
    """

    device: Device = "auto"
    threads: int = 1
    batch: int = 4
    modalities: str | None = None
    fov: float | None = None
    weights: Mapping[str, Path] = field(default_factory=dict)


def load(model: str | Path, options: LoadOptions = LoadOptions()) -> tuple[Runner, ModelId]:
    """Load the model or models that `--model` names.

    Args:
        model: name of a shipped model, an .onnx file, an .ensemble file, the address of a pulled model on the hub
            (`hf:USER/NAME`), or a comma-separated list of them; the prefix `mirror:` mirrors a model.
        options: how to load them.

    Raises:
        ModelError: a model is missing or damaged, or the models do not fit together.
    """
    names = split_names(model)
    # In a list of models, each may lack modalities that others have.
    loaded = [_load_one(name, options, strict=len(names) == 1) for name in names]
    if len(loaded) == 1:
        return loaded[0]
    members, ids = tuple(runner for runner, _ in loaded), [model_id for _, model_id in loaded]
    card = ensemble_card([member.card for member in members], [model_id.name for model_id in ids])
    digest = sha256("\n".join(f"{part.name} {part.sha256}" for part in ids).encode()).hexdigest()
    return Ensemble(members, card), ModelId(card.name, digest)


def split_names(model: str | Path) -> list[str]:
    """Split a comma-separated list of models; a path that exists is one model, even with commas in its name.

    Raises:
        ModelError: an empty part, or too many of them.
    """
    text = str(model)
    if Path(text).exists():
        return [text]
    names = [name.strip() for name in text.split(",")]
    if len(names) > MOST_MEMBERS:
        raise ModelError(f"--model: {len(names)} models; an ensemble has at most {MOST_MEMBERS}")
    if not all(names):
        raise ModelError(f"--model '{text}': separate the names by single commas, as in a.onnx,b.onnx")
    return names


def member_file(name: str) -> tuple[ModelFile, bool]:
    """A member for `write_ensemble`: the model file, and whether it is mirrored.

    Raises:
        ModelError: no such model, or it is an ensemble.
    """
    mirrored = name.startswith(MIRROR)
    plain = name.removeprefix(MIRROR)
    if Path(local_name(plain)).suffix == SUFFIX:
        raise ModelError(f"{plain}: an ensemble cannot contain another ensemble; name its members instead")
    return find_model(plain), mirrored


def ensemble_card(cards: Sequence[ModelCard], names: Sequence[str], name: str | None = None) -> ModelCard:
    """The card of an untuned ensemble: the mean of the members' thresholds and the smoothing of the first one.

    Raises:
        UsageError: an invalid name.
        ModelError: the members have different classes.
    """
    named = check_words(name or "+".join(names), "--name")
    _check_vocabularies(cards, names)
    thresholds = np.mean([card.thresholds for card in cards], axis=0)
    return ModelCard(
        name=named,
        features=cards[0].features,
        model={"architecture": "ensemble", "members": list(names)},
        vocabulary=cards[0].vocabulary,
        thresholds=tuple(thresholds.tolist()),
        window_frames=max(card.window_frames for card in cards),
        smoothing=cards[0].smoothing,
        any_sound=cards[0].any_sound,
        limits=tuple(dict.fromkeys(limit for card in cards for limit in card.limits)),
        licence=" AND ".join(dict.fromkeys(card.licence for card in cards)),
    )


def _check_vocabularies(cards: Sequence[ModelCard], names: Sequence[str]) -> None:
    for card, name in zip(cards, names, strict=True):
        difference = card.vocabulary.difference(cards[0].vocabulary)
        if difference:
            raise ModelError(f"'{name}' does not fit '{names[0]}': {difference}; leave it out")


def _load_one(name: str, options: LoadOptions, *, strict: bool) -> tuple[Runner, ModelId]:
    mirrored = name.startswith(MIRROR)
    plain = name.removeprefix(MIRROR)
    runner, model_id = _load_plain(plain, options, strict=strict)
    return (
        (MirroredRunner(runner), ModelId(MIRROR + model_id.name, model_id.sha256)) if mirrored else (runner, model_id)
    )


def _load_plain(name: str, options: LoadOptions, *, strict: bool) -> tuple[Runner, ModelId]:
    name = str(local_name(name))
    path = Path(name)
    if path.suffix == SUFFIX:
        ensemble = _load_ensemble(path, options)
        return ensemble, ModelId(ensemble.card.name, file_sha256(path))
    file = find_model(name)
    if strict:
        check_modalities(options.modalities, file.card.name, file.card.tokens)
        check_own_weights(options.weights, file.card.name, [file.card])
    if not file.shipped:
        try_model(read_bytes(file.path, MOST_BYTES, ModelError), file.card, str(file.path))
    # Shipped models fit their cards: the tests see to it.
    known = len(file.card.features.channels) if file.shipped and not file.card.tokens else None
    runtime = OnnxRuntime(file.path, options.threads, options.device, known_channels=known)
    runner = _runner(runtime, file.card, options)
    return runner, ModelId(file.card.name, file.sha256)


def _runner(runtime: OnnxRuntime, card: ModelCard, options: LoadOptions) -> ModelRunner:
    token_encoders = load_token_encoders(
        card, split_modalities(options.modalities), fov=options.fov, threads=options.threads, weights=options.weights
    )
    return ModelRunner(runtime, card, batch=options.batch, token_encoders=token_encoders)


def _load_ensemble(path: Path, options: LoadOptions) -> Ensemble:
    packed = read_ensemble(path)
    known = sorted({name for member in packed.members for name in member.card.tokens})
    check_modalities(options.modalities, packed.card.name, known)
    check_own_weights(options.weights, packed.card.name, [member.card for member in packed.members])
    members: list[Runner] = []
    for number, member in enumerate(packed.members):
        try_model(member.contents, member.card, f"{path}: member {number}")
        runtime = OnnxRuntime(
            path / f"members/{number}.onnx", options.threads, options.device, contents=member.contents
        )
        runner = _runner(runtime, member.card, options)
        members.append(MirroredRunner(runner) if member.mirrored else runner)
    return Ensemble(tuple(members), packed.card, packed.weights)
