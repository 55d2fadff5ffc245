from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from earwitness.features import TAGGER_CHANNELS, FeatureConfig
from earwitness.models.blocks import ConformerBlock, ResidualBlock, Scaler, Tagger, YamnetTrunk, attend, rotary, turn
from earwitness.models.seld import ADDED_PARTS, SeldNet
from earwitness.models.seld_config import SeldConfig
from earwitness.models.symmetric import MirroredNetwork

SHAPE = {
    "in_channels": 5, "stem_width": 4, "stem_kernel": 3, "widths": (4, 8), "pools": ((5, 4), (1, 4)),
    "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit",
}  # fmt: skip
TAGGED = SeldConfig.model_validate({**SHAPE, "tagger": True, "reverberance": (0, 2)})
PLAIN = SeldConfig.model_validate({**SHAPE, "in_channels": 3})


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


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    torch.manual_seed(0)
    return Tagger(8, 10, 0.5).eval()


@pytest.mark.parametrize("labels", [1, 2, 9, 50, 133])
def test_every_label_frame_is_told_something(tagger, labels):
    assert tagger(torch.randn(2, 2, 5 * labels, 64)).shape == (2, labels, 8)


def test_it_hears_what_is_there_at_the_time(tagger):
    quiet = torch.full((1, 2, 500, 64), -6.9)
    loud = quiet.clone()
    loud[:, :, 200:260] = 1.0
    with torch.no_grad():
        change = (tagger(loud) - tagger(quiet)).abs().sum(-1)[0]
    middle = float((change * torch.arange(100)).sum() / change.sum())
    assert middle == pytest.approx(46, abs=2.5)  # label frames 40 to 52


def test_places_are_those_of_the_outputs(tagger):
    # Each of 34 steps says where its middle is, in frames of what was padded by 24; between them lies a straight line.
    centres = torch.arange(34.0)[None, :, None] * 16 + 15 - 24
    placed = tagger.at_labels(centres, 50, 16)[0, :, 0]
    torch.testing.assert_close(placed, torch.arange(50) * 10 + 4.5, rtol=0, atol=1e-3)


def test_its_trunk_does_not_learn(tagger):
    assert len(YamnetTrunk().convolutions) == 27
    assert not any(value.requires_grad for value in tagger.trunk.parameters())
    tagger(torch.randn(1, 2, 10, 64)).sum().backward()
    assert all(value.grad is None for value in tagger.trunk.parameters())
    assert tagger.late[1].weight.grad is not None


def test_a_network_begins_where_it_was_without():
    torch.manual_seed(0)
    plain, tagged = SeldNet(PLAIN).eval(), SeldNet(TAGGED).eval()
    own = {name: value for name, value in plain.state_dict().items() if not name.startswith("scaler")}
    missing = tagged.load_state_dict(own, strict=False).missing_keys
    assert {name for name in missing if not name.startswith("scaler")} == {
        name for name in tagged.state_dict() if name.startswith(ADDED_PARTS)
    }
    maps = torch.randn(2, 5, 25, 64)
    with torch.no_grad():
        torch.testing.assert_close(tagged(maps), plain(maps[:, :3]))
        tagged.tags.weight.normal_()
        assert (tagged(maps)[..., 4] - plain(maps[:, :3])[..., 4]).abs().max() > 0.01
        torch.testing.assert_close(tagged(maps)[..., :4], plain(maps[:, :3])[..., :4])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activity": "length", "reverberance": None}, "activity 'logit'"),
        ({"in_channels": 2, "reverberance": None}, "in addition to its own two"),
        ({"reverberance": (0, 3)}, "must be below 3"),
    ],
)
def test_what_cannot_be(change, message):
    with pytest.raises(ValidationError, match=message):
        SeldConfig.model_validate({**SHAPE, "tagger": True, "reverberance": (0, 2), **change})


def test_in_the_mirror_it_is_asked_once():
    features = FeatureConfig(channels=("logmel_m", "intensity", "coherence", *TAGGER_CHANNELS))
    torch.manual_seed(0)
    net = SeldNet(TAGGED).eval()
    torch.nn.init.normal_(net.tags.weight)
    maps, calls = torch.randn(1, 5, 25, 64), []
    handle = net.tagger.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        both = MirroredNetwork(net, features)(maps)
        assert calls == [1]
        turned = maps * torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0])[:, None, None]
        plain, mirror = net.physical(net(maps)), net.physical(net(turned))
    handle.remove()
    torch.testing.assert_close(both, (plain + mirror * torch.tensor([1.0, -1.0, 1.0, 1.0])) / 2)
