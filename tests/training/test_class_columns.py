from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from column_nets import ALL_PARTS, SYMMETRIC, network  # noqa: E402
from earwitness.core.classes.class_files import vocabulary_of  # noqa: E402
from earwitness.core.vocabulary import DCASE2025  # noqa: E402
from earwitness.training.learn.class_columns import class_tensors, with_classes  # noqa: E402
from earwitness.training.learn.learn import combined  # noqa: E402

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
