from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from column_nets import ALL_PARTS, SYMMETRIC, network  # noqa: E402
from earwitness.core.classes.class_files import vocabulary_of  # noqa: E402
from earwitness.core.vocabulary import DCASE2025  # noqa: E402
from earwitness.training.learn.class_columns import with_classes  # noqa: E402
from earwitness.training.learn.column_training import outputs, train_columns  # noqa: E402
from earwitness.training.learn.learn import combined  # noqa: E402
from earwitness.training.learn.learn_scenes import LearnScenes  # noqa: E402


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
