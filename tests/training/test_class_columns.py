from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from earwitness.core.classes.class_files import vocabulary_of  # noqa: E402
from earwitness.core.vocabulary import DCASE2025  # noqa: E402
from earwitness.models.architectures import model_config  # noqa: E402
from earwitness.models.checkpoint import build  # noqa: E402
from earwitness.training.learn.class_columns import class_tensors, with_classes  # noqa: E402
from earwitness.training.learn.column_training import outputs, train_columns  # noqa: E402
from earwitness.training.learn.learn import combined  # noqa: E402
from earwitness.training.learn.learn_scenes import LearnScenes  # noqa: E402

TINY: dict[str, Any] = {
    "in_channels": 5, "mels": 64, "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 2), (1, 2)),
    "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit", "common": True,
}  # fmt: skip
ALL_PARTS: dict[str, Any] = {
    "architecture": "seld", "tagger": True, "tagger_probe": True, "whole_clip": True, "distance_head": True,
    "any_sound": True, "reverberance": (0, 1),
}  # fmt: skip
SYMMETRIC: dict[str, Any] = {"architecture": "symmetric", "odd_channels": (1,), "whole_clip": True}


def network(parts: dict[str, Any]) -> Any:
    torch.manual_seed(3)
    net = build(model_config({**TINY, **parts}))
    for parameter in net.parameters():  # parts that begin with zeros would hide mistakes
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.1)
    return net.eval()


NEW = vocabulary_of(["kettle", "bell", "drill"], "mine")


@pytest.mark.parametrize("parts", [ALL_PARTS, SYMMETRIC], ids=["all parts", "symmetric"])
@pytest.mark.parametrize("beside", [True, False])
def test_known_classes_keep_their_outputs(parts: dict[str, Any], beside: bool) -> None:
    net = network(parts)
    vocabulary = combined(DCASE2025, NEW, beside=beside)
    assert vocabulary.slugs == ((*DCASE2025.slugs, "kettle", "drill") if beside else NEW.slugs)
    wide = with_classes(net, DCASE2025, vocabulary)
    features = torch.randn(2, 5, 50, 64)
    with torch.no_grad():
        before, after = net.physical(net(features)), wide.physical(wide(features))
    for one in vocabulary:
        known = DCASE2025.find(one.slug)
        if known is not None:
            torch.testing.assert_close(after[:, :, :, one.index], before[:, :, :, known.index])
    assert after.shape[3] == len(vocabulary)


def test_every_head_has_columns() -> None:
    heads = {name.split(".")[0] for name in class_tensors(network(ALL_PARTS))}
    assert heads == {"head", "activity", "tags", "probe", "whole", "far"}


@pytest.mark.parametrize("parts", [ALL_PARTS, SYMMETRIC], ids=["all parts", "symmetric"])
def test_only_the_columns_of_the_new_classes_are_trained(parts: dict[str, Any]) -> None:
    vocabulary = combined(DCASE2025, vocabulary_of(["kettle"], "mine"), beside=True)
    net = with_classes(network(parts), DCASE2025, vocabulary)
    features = torch.randn(24, 5, 50, 64)
    features[::2] += 3.0
    with torch.inference_mode():
        body = net.body(features)
    active = np.zeros((24, 10, 3, 14), np.bool_)
    active[::2, :, 0, 13] = True
    values = np.zeros((24, 10, 3, 14, 4), np.float16)
    values[..., 1] = values[..., 2] = 1
    scenes = LearnScenes(
        tuple(None if part is None else part.numpy().astype(np.float16) for part in body), active, values,
        np.arange(24) % 2, (),
    )  # fmt: skip
    rows = np.arange(24)
    trained = train_columns(net, scenes, rows, [13])
    before, after = outputs(net, scenes, rows), outputs(trained, scenes, rows)
    np.testing.assert_array_equal(before[:, :, :, :13], after[:, :, :, :13])
    length = np.hypot(after[..., 0], after[..., 1])[:, :, 0, 13]
    assert np.abs(after[:, :, :, 13] - before[:, :, :, 13]).max() > 0.01
    assert length[::2].mean() > length[1::2].mean()
