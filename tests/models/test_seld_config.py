from __future__ import annotations

import pytest
from pydantic import ValidationError

from earwitness.models.seld_config import CmcConfig, SeldConfig
from nets import SHAPE

TINY = SeldConfig(
    in_channels=2, mels=16, stem_width=4, stem_kernel=3, widths=(4, 8), pools=((5, 2), (1, 2)),
    dim=16, heads=2, blocks=1, conv_kernel=3, ffn_mult=2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pools": ((5, 2),)}, "widths need as many pools"),
        ({"pools": ((2, 2), (1, 2))}, "time strides multiply to 2"),
        ({"pools": ((5, 2), (1, 3))}, "frequency strides"),
        ({"dim": 18}, "twice the"),
        ({"conv_kernel": 4}, "odd"),
        ({"depth": 3}, "depth"),
    ],
)
def test_refuses_dimensions_that_do_not_fit(change, message):
    with pytest.raises(ValidationError, match=message):
        SeldConfig.model_validate({**TINY.model_dump(), **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokens": {"owlvit": {"dim": 5, "pool": [2, 1]}}}, "pool needs a grid"),
        ({"tokens": {"owlvit": {"dim": 5, "pool": [2, 3], "grid": [2, 4]}}}, "does not divide"),
        ({"tokens": {"owl-vit": {"dim": 5}}}, "letters, digits"),
        ({"cross_blocks": [2]}, r"0\.\.1"),
        ({"cross_heads": 3}, "cross_heads"),
        ({"fusion": "sum"}, "fusion"),
    ],
)
def test_refuses_shapes_that_do_not_fit(change, message):
    with pytest.raises(ValidationError, match=message):
        CmcConfig.model_validate({**SHAPE, **change})
