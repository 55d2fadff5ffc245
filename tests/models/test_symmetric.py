from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from earwitness.core.errors import UsageError
from earwitness.features import TAGGER_CHANNELS, FeatureConfig, swap
from earwitness.models.architectures import SymmetricConfig
from earwitness.models.checkpoint import build, parameter_count
from earwitness.models.seld import SeldNet
from earwitness.models.seld_config import SeldConfig
from earwitness.models.symmetric import MirroredNetwork
from earwitness.training.recipe import check_recipe

CHANNELS = ("logmel_m", "logmel_s", "intensity", "coherence", *TAGGER_CHANNELS)
FEATURES = FeatureConfig(channels=CHANNELS)
SHAPE = {
    "in_channels": 6, "stem_width": 4, "stem_kernel": 3, "widths": (6, 8), "pools": ((5, 4), (1, 4)), "dim": 16,
    "heads": 2, "blocks": 2, "conv_kernel": 3, "ffn_mult": 2, "activity": "logit", "common": True, "tagger": True,
    "reverberance": (0, 3), "whole_clip": True, "distance_head": True,
}  # fmt: skip
BACK = torch.tensor([1.0, -1.0, 1.0, 1.0, 1.0])


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = build(SymmetricConfig.model_validate(SHAPE))
    net.scaler.set(torch.tensor(-1.0), torch.tensor(2.0))
    # As after learning: what begins at nothing says something.
    with torch.no_grad():
        for name, value in net.named_parameters():
            if not name.startswith("tagger.trunk."):
                value.add_(0.1 * torch.randn_like(value))
    return net


def clip(batch: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    maps = np.random.default_rng(0).normal(size=(batch, 6, 25, 64)).astype(np.float32)
    return torch.from_numpy(maps), torch.from_numpy(swap(maps, FEATURES).copy())


def test_mirrored_clips_get_mirrored_answers_exactly(net):
    plain, mirror = clip()
    with torch.no_grad():
        one, other = net.eval()(plain), net(mirror)
    torch.testing.assert_close(other, one * BACK, rtol=1e-4, atol=1e-5)
    assert one[..., 1].abs().max() > 3e-3
    assert not torch.allclose(one[..., 0], one[..., 1], atol=1e-3)


def test_it_learns_symmetrically_too(net):
    """Statistics of a batch are the same for a batch of mirror images: gradients and running statistics agree."""
    plain, mirror = clip()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    outcomes = []
    for maps, back in ((plain, torch.ones(5)), (mirror, BACK)):
        net.load_state_dict(before)
        net.train()
        for part in net.modules():
            if isinstance(part, torch.nn.Dropout):
                part.eval()
        net.zero_grad()
        (net(maps) * back).square().sum().backward()
        gradients = {name: value.grad.clone() for name, value in net.named_parameters() if value.grad is not None}
        outcomes.append((gradients, {name: value for name, value in net.state_dict().items() if "running" in name}))
    torch.testing.assert_close(outcomes[0][0], outcomes[1][0], rtol=5e-3, atol=3e-3)
    assert max(value.abs().max() for name, value in outcomes[0][0].items() if ".odd." in name) > 0.1
    torch.testing.assert_close(outcomes[0][1], outcomes[1][1], rtol=1e-4, atol=1e-5)


def test_ahead_and_alike_on_both_sides_is_ahead(net):
    maps, _ = clip(1)
    maps[:, 2] = 0  # no intensity to either side
    with torch.no_grad():
        assert net.eval()(maps)[..., 1].abs().max() < 1e-6


def test_a_pair_of_widths_costs_half_of_their_sum():
    shape = {
        **SHAPE,
        "tagger": False,
        "in_channels": 4,
        "whole_clip": False,
        "reverberance": None,
        "distance_head": False,
    }
    pair = parameter_count(build(SymmetricConfig.model_validate(shape)))
    wide = {**shape, "stem_width": 8, "widths": (12, 16), "dim": 32}
    assert pair < 0.6 * parameter_count(build(SeldConfig.model_validate(wide)))


def test_recipes_say_which_channels_are_odd():
    base = {
        "features": {"channels": ["logmel_m", "intensity"]},
        "model": {"architecture": "symmetric", "odd_channels": [1]},
    }
    assert check_recipe(base, "x").model.odd_channels == (1,)
    with pytest.raises(UsageError, match=r"odd_channels must be \[1\]"):
        check_recipe({**base, "model": {"architecture": "symmetric", "odd_channels": [0]}}, "x")
    sides = {"features": {"channels": ["logmel_l", "logmel_r", "intensity"]}, "model": {"architecture": "symmetric"}}
    with pytest.raises(UsageError, match="none of logmel_l, logmel_r and gcc"):
        check_recipe(sides, "x")
    with pytest.raises(ValidationError, match="odd_channels"):
        SymmetricConfig(in_channels=2, odd_channels=(2,))


def test_the_whole_clip_counts_for_every_frame_and_begins_at_nothing():
    torch.manual_seed(1)
    shape = {
        key: value
        for key, value in SHAPE.items()
        if key not in ("tagger", "reverberance", "whole_clip", "distance_head")
    }
    plain = build(SeldConfig.model_validate({**shape, "in_channels": 4})).eval()
    more = build(SeldConfig.model_validate({**shape, "in_channels": 4, "whole_clip": True})).eval()
    assert more.load_state_dict(plain.state_dict(), strict=False).missing_keys == ["whole.weight", "whole.bias"]
    maps = torch.randn(2, 4, 50, 64)
    with torch.no_grad():
        torch.testing.assert_close(more(maps), plain(maps))
        more.whole.bias.add_(1.0)
        torch.testing.assert_close(more(maps)[..., 4], plain(maps)[..., 4] + 1.0)
    with pytest.raises(ValidationError, match="whole_clip needs activity"):
        SeldConfig(whole_clip=True)


def test_distances_have_a_way_of_their_own_that_begins_at_nothing():
    torch.manual_seed(1)
    shape = {key: value for key, value in SHAPE.items() if key not in ("whole_clip", "distance_head")}
    plain = build(SeldConfig.model_validate(shape)).eval()
    more = build(SeldConfig.model_validate({**shape, "distance_head": True})).eval()
    missing = more.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert {name.split(".")[0] for name in missing} == {"far"}
    maps = torch.randn(2, 6, 50, 64)
    with torch.no_grad():
        torch.testing.assert_close(more(maps), plain(maps))
        more.far[-1].bias[4] += 1.0
        changed = (more(maps) - plain(maps)).abs().amax(dim=(0, 1, 2))
    assert changed[4, 2] == pytest.approx(1.0, abs=1e-5)
    changed[4, 2] = 0
    assert changed.max() < 1e-5


@pytest.mark.parametrize("architecture", [SeldConfig, SymmetricConfig])
def test_any_sound_is_a_column_more_that_scores_do_not_see(architecture):
    torch.manual_seed(2)
    shape = {key: value for key, value in SHAPE.items() if key != "tagger"} | {"in_channels": 4, "any_sound": True}
    net = build(architecture.model_validate(shape)).eval()
    maps = torch.randn(2, 4, 50, 64)
    mirror = maps * torch.tensor([1.0, 1.0, -1.0, 1.0])[:, None, None]
    with torch.no_grad():
        raw = net(maps)
        assert raw.shape == (2, 10, 3, 14, 5)
        assert net.physical(raw).shape == (2, 10, 3, 13, 4)
        anything = net.physical_any_sound(raw)
        assert anything.shape == (2, 10, 3, 1, 4)
        assert torch.hypot(anything[..., 0], anything[..., 1]).max() < 1
        if architecture is SymmetricConfig:
            torch.testing.assert_close(net(mirror)[..., 13, :], raw[..., 13, :] * BACK, rtol=1e-4, atol=1e-5)


AVERAGED_FEATURES = FeatureConfig(mels=16, stpacc_bins=16, channels=("logmel_m", "intensity"))
TINY = SeldConfig(
    in_channels=2, mels=16, stem_width=4, stem_kernel=3, widths=(4, 8), pools=((5, 2), (1, 2)),
    dim=16, heads=2, blocks=1, conv_kernel=3, ffn_mult=2,
)  # fmt: skip


@pytest.mark.parametrize("channels", [("logmel_m", "intensity"), ("logmel_l", "logmel_r")])
def test_answers_to_the_mirror_image_are_mirrored(channels):
    torch.manual_seed(0)
    features = AVERAGED_FEATURES.model_copy(update={"channels": channels})
    net = MirroredNetwork(SeldNet(TINY), features).eval()
    clip = np.random.default_rng(0).normal(size=(1, 2, 25, 16)).astype(np.float32)
    with torch.no_grad():
        plain, mirror = net(torch.from_numpy(clip)), net(torch.from_numpy(swap(clip, features).copy()))
    torch.testing.assert_close(mirror, plain * torch.tensor([1.0, -1.0, 1.0, 1.0]), rtol=1e-4, atol=1e-6)
    assert plain[..., 1].abs().max() > 1e-3


def test_is_the_mean_of_both_answers():
    torch.manual_seed(0)
    inner = SeldNet(TINY).eval()
    clip = torch.randn(2, 2, 25, 16)
    with torch.no_grad():
        mean = MirroredNetwork(inner, AVERAGED_FEATURES).eval()(clip)
        other = inner.physical(inner(clip * torch.tensor([1.0, -1.0])[:, None, None]))
        other[..., 1] *= -1
        torch.testing.assert_close(mean, (inner.physical(inner(clip)) + other) / 2)


def test_needs_both_sides():
    with pytest.raises(UsageError, match="logmel_l and logmel_r together"):
        MirroredNetwork(SeldNet(TINY), AVERAGED_FEATURES.model_copy(update={"channels": ("logmel_m", "logmel_l")}))


@pytest.fixture
def ordered():
    torch.manual_seed(1)
    shape = {**SHAPE, "several": True, "any_sound": True, "several_from": 0.4}
    net = build(SeldConfig.model_validate(shape)).eval()
    net.scaler.set(torch.tensor(-1.0), torch.tensor(2.0))
    with torch.no_grad():
        for name, value in net.named_parameters():
            if not name.startswith("tagger.trunk."):
                value.add_(0.3 * torch.randn_like(value))
        net.several.bias.fill_(-0.4)
    return net


def test_a_mirrored_network_exchanges_the_ends_of_ordered_tracks(ordered):
    mirrored = MirroredNetwork(ordered, FEATURES)
    plain, mirror = clip()
    with torch.no_grad():
        one, other = mirrored.physical(mirrored(plain)), mirrored.physical(mirrored(mirror))
    assert one.shape == (3, 5, 3, 13, 4)
    apart = (one[:, :, 0] - one[:, :, 1]).abs().amax(dim=-1) > 1e-6
    assert 0 < apart.float().mean() < 1
    back = torch.tensor([1.0, -1.0, 1.0, 1.0])
    torch.testing.assert_close(other[:, :, :2], one[:, :, [1, 0]] * back, rtol=1e-4, atol=1e-5)


def test_a_symmetric_network_cannot_order_its_tracks():
    with pytest.raises(ValidationError, match="order its tracks"):
        SymmetricConfig.model_validate({**SHAPE, "several": True})
