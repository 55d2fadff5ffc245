from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.errors import EncoderError
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.token_arrays import no_tokens, stack_tokens


def tokens(steps: int, positions: int = 2, width: int = 4) -> TokenMap:
    rng = np.random.default_rng(steps)
    return TokenMap(
        tokens=rng.normal(size=(steps, positions, width)).astype(np.float32), times=np.arange(steps) * 0.5,
        azimuth=np.linspace(40, -40, positions), elevation=np.zeros(positions), modality="sound",
    )  # fmt: skip


def test_shorter_clips_are_padded_and_missing_ones_are_padding_only() -> None:
    long, short = tokens(3), tokens(1)
    arrays = stack_tokens([{"sound": long}, {}, {"sound": short}])["sound"]
    assert arrays.values.shape == (3, 3, 2, 4)
    assert arrays.here.tolist() == [[True] * 3, [False] * 3, [True, False, False]]
    np.testing.assert_array_equal(arrays.values[0], long.tokens)
    np.testing.assert_array_equal(arrays.values[2, 0], short.tokens[0])
    assert not arrays.values[1].any()
    assert np.isnan(arrays.directions[1]).all()
    np.testing.assert_allclose(arrays.directions[0, :, 0], [40, -40])


def test_modalities_that_no_clip_has_are_left_out() -> None:
    assert stack_tokens([{}, {}]) == {}
    arrays = no_tokens(2, 5, 7)
    assert arrays.values.shape == (2, 1, 5, 7)
    assert not arrays.here.any()


def test_tokens_of_different_shapes_are_refused() -> None:
    with pytest.raises(EncoderError, match=r"different shapes.*embed the sets with equal settings"):
        stack_tokens([{"sound": tokens(2)}, {"sound": tokens(2, positions=3)}])
