from __future__ import annotations

import numpy as np
import pytest
import torch

from earwitness.core.errors import ModelError
from earwitness.encoders.token_arrays import TokenArrays
from earwitness.models.network import ACTIVITY, SEVERAL, Tokens, physical, probabilities, separated, with_length
from earwitness.models.seld import SeldNet
from nets import SELD


def test_physical_fields():
    raw = torch.tensor([0.6, -0.8, np.log(2.5), 0.0])
    np.testing.assert_allclose(physical(raw).numpy(), [0.6, -0.8, 2.5, 0.5], rtol=1e-6)
    assert torch.isfinite(physical(torch.tensor([0.0, 0.0, 1e4, -1e4]))).all()


def test_an_activity_logit_is_the_length_of_the_vector() -> None:
    raw = torch.tensor([0.3, -0.4, np.log(2.5), 0.0, 1.2])
    expected = 1 / (1 + np.exp(-1.2))
    np.testing.assert_allclose(physical(raw).numpy(), [0.6 * expected, -0.8 * expected, 2.5, 0.5], rtol=1e-6)
    assert torch.isfinite(physical(torch.zeros(5))).all()


def test_one_source_is_the_mean_of_all_tracks_and_two_are_the_outer_ones() -> None:
    raw = torch.zeros(1, 1, 3, 1, SEVERAL + 1)
    raw[0, 0, :, 0, 1] = torch.tensor([0.8, -0.6, 0.1])
    raw[..., ACTIVITY] = 3.0
    for logit, expected in ((-4.0, [0.1, 0.1, 0.1]), (4.0, [0.8, -0.6, 0.8])):
        raw[..., SEVERAL] = logit
        fields = separated(probabilities(raw), 0.5)
        np.testing.assert_allclose(fields[0, 0, :, 0, 1].numpy(), expected, atol=1e-6)
        np.testing.assert_allclose(physical(raw).numpy(), with_length(fields).numpy())
    raw[..., SEVERAL] = 0.0  # a probability of one half
    assert not torch.equal(physical(raw, 0.4), physical(raw, 0.6))


def test_tokens_of_numpy_arrays_know_which_clips_have_them() -> None:
    arrays = TokenArrays(
        np.ones((2, 3, 1, 4), np.float16), np.zeros((2, 3), np.float32), np.zeros((2, 1, 2), np.float32),
        np.array([[True, False, False], [False] * 3]),
    )  # fmt: skip
    tokens = Tokens.of(arrays).to(torch.device("cpu"))
    assert tokens.values.dtype == torch.float32
    assert tokens.present.tolist() == [True, False]


def test_a_network_without_a_class_for_any_sound_says_so() -> None:
    net = SeldNet(SELD)
    assert not net.has_any_sound
    with pytest.raises(ModelError, match="SeldNet has no class for any sound"):
        net.physical_any_sound(torch.zeros(1, 1, 3, 14, 5))
