"""The class columns of a network: the weights of each class in every head, for other vocabularies than its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from earwitness.core.errors import ModelError
from earwitness.core.multi_accddoa import MAX_TRACKS
from earwitness.core.vocabulary import Vocabulary
from earwitness.features import FeatureConfig
from earwitness.models.checkpoint import build, read_checkpoint
from earwitness.models.seld import SeldNet
from earwitness.training.loop.initial_weights import load_initial, load_tagger_weights, shipped_checkpoint

_BY_TRACK: Final = ("head.", "sideways.")
"""Prefixes of the heads with outputs for each track and class; the others have one output for each class."""
_ARCHITECTURES: Final = ("seld", "symmetric")
_LOGITS: Final = ("activity.", "tags.", "whole.", "probe.", "several.")
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
    places = [old.find(one.slug) for one in new]
    return with_columns(net, [None if place is None else place.index for place in places])


def with_columns(net: SeldNet, sources: Sequence[int | None]) -> SeldNet:
    """A network with the columns of some classes of another one, in this order; None: initial columns."""
    other = build(net.config.model_copy(update={"classes": len(sources)}))
    assert isinstance(other, SeldNet)
    changed = set(class_tensors(net))
    tensors = {
        name: _chosen(name, value, net.config.classes, sources) if name in changed else value
        for name, value in net.state_dict().items()
    }
    other.load_state_dict(tensors)
    return other.eval()


def replaced_columns(net: SeldNet, columns: SeldNet, classes: Sequence[int]) -> SeldNet:
    """A copy of a network, with the columns of some classes taken from another network, which has only these."""
    tensors, own = net.state_dict(), columns.state_dict()
    for name in class_tensors(net):
        rows = by_class(name, tensors[name].clone(), net.config.classes).clone()
        rows[list(classes)] = by_class(name, own[name], len(classes))
        tensors[name] = _stored(name, rows)
    made = build(net.config)
    assert isinstance(made, SeldNet)
    made.load_state_dict(tensors)
    return made.eval()


def class_tensors(net: SeldNet) -> list[str]:
    """Names of the weights with a part for each class."""
    with torch.device("meta"):
        other = build(net.config.model_copy(update={"classes": net.config.classes + 1})).state_dict()
    return [name for name, value in net.state_dict().items() if value.shape != other[name].shape]


def trainable_columns(net: SeldNet) -> list[nn.Parameter]:
    """Let only the class columns of a network be trained; returns the parameters that hold them."""
    net.requires_grad_(False)
    names = set(class_tensors(net))
    parameters = [parameter for name, parameter in net.named_parameters() if name in names]
    for parameter in parameters:
        parameter.requires_grad_(True)
    return parameters


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
