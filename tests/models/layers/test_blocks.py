from __future__ import annotations

import pytest
import torch

from earwitness.models.layers.blocks import ConformerBlock, ResidualBlock, Scaler, attend, rotary, turn


def test_the_scaler_normalises_each_channel_and_bin_and_is_saved() -> None:
    torch.manual_seed(0)
    features = torch.randn(4, 2, 50, 8) * torch.linspace(1, 3, 8) + torch.tensor([5.0, -2.0])[:, None, None]
    scaler = Scaler(2, 8)
    torch.testing.assert_close(scaler(features), features)
    scaler.set(features.mean(dim=(0, 2), keepdim=True)[0], features.std(dim=(0, 2), keepdim=True)[0])
    scaled = scaler(features)
    torch.testing.assert_close(scaled.mean(dim=(0, 2)), torch.zeros(2, 8), rtol=0, atol=1e-5)
    torch.testing.assert_close(scaled.std(dim=(0, 2)), torch.ones(2, 8))
    again = Scaler(2, 8)
    again.load_state_dict(scaler.state_dict())
    torch.testing.assert_close(again(features), scaled)


@pytest.mark.parametrize(("inputs", "pool"), [(4, (1, 1)), (4, (5, 2)), (6, (1, 4))])
def test_residual_blocks_pool_time_and_frequency(inputs: int, pool: tuple[int, int]) -> None:
    block = ResidualBlock(inputs, 6, pool).eval()
    made = block(torch.randn(2, inputs, 20, 8))
    assert made.shape == (2, 6, 20 // pool[0], 8 // pool[1])
    assert (made >= 0).all()


@pytest.mark.parametrize("length", [1, 7, 64])
def test_a_conformer_block_takes_any_length_and_gives_normalised_frames(length: int) -> None:
    torch.manual_seed(0)
    block = ConformerBlock(16, 2, 3, 2, dropout=0.5).eval()
    made = block(torch.randn(2, length, 16))
    assert made.shape == (2, length, 16)
    torch.testing.assert_close(made.mean(dim=-1), torch.zeros(2, length), rtol=0, atol=1e-5)


def test_what_comes_between_gets_the_frames_after_self_attention() -> None:
    torch.manual_seed(0)
    block = ConformerBlock(16, 2, 3, 2, dropout=0.0).eval()
    frames, given = torch.randn(1, 9, 16), []
    torch.testing.assert_close(block(frames, lambda passed: given.append(passed) or passed), block(frames))
    before = frames + 0.5 * block.before(frames)
    torch.testing.assert_close(given[0], before + block.attention(before))


def test_rotary_products_depend_on_distance_in_time_only():
    torch.manual_seed(0)
    query, key = torch.randn(8), torch.randn(8)
    cos, sin = rotary(12, 8, query)
    product = turn(query.expand(1, 1, 12, 8), cos, sin)[0, 0] @ turn(key.expand(1, 1, 12, 8), cos, sin)[0, 0].T
    for offset in (-3, 0, 5):
        diagonal = product.diagonal(offset)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(product.diagonal(3)[0], product.diagonal(-3)[0], atol=1e-3)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_for_learning_is_that_for_use(masked):
    draw = torch.Generator().manual_seed(0)
    given = [torch.randn(2, 3, length, 8, generator=draw) for length in (5, 7, 7)]
    mask = torch.rand(2, 1, 5, 7, generator=draw) < 0.5 if masked else None
    if mask is not None:
        mask[..., -1] = True
    learning = attend(*(one.clone().requires_grad_() for one in given), mask)
    torch.testing.assert_close(learning, attend(*given, mask), rtol=1e-5, atol=1e-6)
    assert learning.requires_grad
