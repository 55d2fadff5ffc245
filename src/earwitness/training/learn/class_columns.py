"""The class columns of a network: the weights of each class in every head, for other vocabularies than its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.core.multi_accddoa import MAX_TRACKS
from earwitness.core.vocabulary import Vocabulary
from earwitness.features import FeatureConfig
from earwitness.models.checkpoint import build, read_checkpoint
from earwitness.models.seld import SeldNet
from earwitness.training.loop.initial_weights import load_initial, load_tagger_weights
from earwitness.training.loop.shipped import shipped_checkpoint

_BY_TRACK: Final = ("head.", "sideways.")
"""Prefixes of the heads with outputs for each track and class; the others have one output for each class."""
_ARCHITECTURES: Final = ("seld", "symmetric")
_LOGITS: Final = ("activity.", "tags.", "whole.", "probe.")
"""Prefixes of the heads of the activity, in which the classes have nothing in common."""


def body_network(base: str, features: FeatureConfig) -> SeldNet:
    """The shipped network with its own classes, in evaluation mode; with a probe, if it has a tagger.

    Raises:
        ModelError: there is no such model, or it is of an architecture without class columns.
    """
    path = shipped_checkpoint(base)
    if path is None:
        raise ModelError(f"no shipped model is called '{base}'; new classes are added to shipped models only")
    config, _ = read_checkpoint(path)
    if getattr(config, "tagger", False):
        config = config.model_copy(update={"tagger_probe": True})
    net = build(config)
    if not isinstance(net, SeldNet) or config.architecture not in _ARCHITECTURES:
        raise ModelError(f"'{base}' is a {config.architecture} network, to which classes cannot be added")
    load_initial(net, base, features)
    load_tagger_weights(net)
    return net.eval()


def with_classes(net: SeldNet, old: Vocabulary, new: Vocabulary) -> SeldNet:
    """A network with the classes `new`: classes that it knows keep their columns, the others get initial ones.

    In heads of direction, distance and on/off, the initial columns are the means of the known ones; activities start at
    the mean bias, with weights of 0.
    """
    wide = build(net.config.model_copy(update={"classes": len(new)}))
    assert isinstance(wide, SeldNet)
    places = [old.find(one.slug) for one in new]
    sources = [None if place is None else place.index for place in places]
    changed = set(class_tensors(net))
    tensors = {
        name: _chosen(name, value, len(old), sources) if name in changed else value
        for name, value in net.state_dict().items()
    }
    wide.load_state_dict(tensors)
    return wide.eval()


def class_tensors(net: SeldNet) -> list[str]:
    """Names of the weights with a part for each class."""
    with torch.device("meta"):
        other = build(net.config.model_copy(update={"classes": net.config.classes + 1})).state_dict()
    return [name for name, value in net.state_dict().items() if value.shape != other[name].shape]


def freeze_all_but(net: SeldNet, classes: Sequence[int]) -> list[nn.Parameter]:
    """Let only the columns of some classes be trained; returns the parameters that hold them."""
    net.requires_grad_(False)
    names, trained = set(class_tensors(net)), []
    for name, parameter in net.named_parameters():
        if name in names:
            mask = torch.zeros_like(by_class(name, parameter.detach(), net.config.classes))
            mask[list(classes)] = 1
            stored = _stored(name, mask)
            parameter.requires_grad_(True)
            parameter.register_hook(partial(torch.mul, stored))  # type: ignore[no-untyped-call]
            trained.append(parameter)
    return trained


def by_class(name: str, value: Tensor, classes: int) -> Tensor:
    """A stored weight as (classes, ...)."""
    if not name.startswith(_BY_TRACK):
        return value
    return value.reshape(-1, classes, value.shape[0] // (MAX_TRACKS * classes), *value.shape[1:]).transpose(0, 1)


def _stored(name: str, rows: Tensor) -> Tensor:
    """The inverse of `by_class`."""
    if not name.startswith(_BY_TRACK):
        return rows.contiguous()
    return rows.transpose(0, 1).reshape(-1, *rows.shape[3:]).contiguous()


def _chosen(name: str, value: Tensor, classes: int, sources: Sequence[int | None]) -> Tensor:
    """The rows of a weight for other classes: those of known classes, or initial ones."""
    rows = by_class(name, value, classes)
    mean = rows.mean(dim=0)
    initial = torch.zeros_like(mean) if name.startswith(_LOGITS) and name.endswith("weight") else mean
    return _stored(name, torch.stack([initial if source is None else rows[source] for source in sources]))
