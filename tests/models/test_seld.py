import numpy as np
import pytest
import torch
from pydantic import ValidationError

from earwitness.models.layers.blocks import attend, rotary, turn
from earwitness.models.seld import SeldNet, physical
from earwitness.models.seld_config import SeldConfig

TINY = SeldConfig(
    in_channels=2, mels=16, stem_width=4, stem_kernel=3, widths=(4, 8), pools=((5, 2), (1, 2)),
    dim=16, heads=2, blocks=1, conv_kernel=3, ffn_mult=2,
)  # fmt: skip


@pytest.mark.parametrize("frames", [5, 50, 135])
def test_gives_four_fields_a_track_and_class_for_any_length(frames):
    net = SeldNet(TINY).eval()
    assert net(torch.randn(2, 2, frames, 16)).shape == (2, frames // 5, 3, 13, 4)


def test_clips_of_a_batch_do_not_mix():
    torch.manual_seed(0)
    net = SeldNet(TINY).eval()
    clips = torch.randn(3, 2, 25, 16)
    with torch.no_grad():
        together, alone = net(clips), torch.cat([net(clip[None]) for clip in clips])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_scaler_is_the_first_operation():
    torch.manual_seed(0)
    net, scaled = SeldNet(TINY).eval(), SeldNet(TINY).eval()
    scaled.load_state_dict(net.state_dict())
    scaled.scaler.set(torch.tensor([3.0, -1.0])[:, None, None], torch.tensor([2.0, 0.5])[:, None, None])
    maps = torch.randn(1, 2, 10, 16)
    shifted = maps * torch.tensor([2.0, 0.5])[:, None, None] + torch.tensor([3.0, -1.0])[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(scaled(shifted), net(maps), rtol=1e-4, atol=1e-5)


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


def test_physical_fields():
    raw = torch.tensor([0.6, -0.8, np.log(2.5), 0.0])
    np.testing.assert_allclose(physical(raw).numpy(), [0.6, -0.8, 2.5, 0.5], rtol=1e-6)
    assert torch.isfinite(physical(torch.tensor([0.0, 0.0, 1e4, -1e4]))).all()


def test_activity_logits_become_the_length_of_the_vectors():
    raw = torch.tensor([0.3, -0.4, np.log(2.5), 0.0, 1.2])
    expected = 1 / (1 + np.exp(-1.2))
    np.testing.assert_allclose(physical(raw).numpy(), [0.6 * expected, -0.8 * expected, 2.5, 0.5], rtol=1e-6)
    assert torch.isfinite(physical(torch.zeros(5))).all()
    torch.manual_seed(0)
    net = SeldNet(TINY.model_copy(update={"activity": "logit"})).eval()
    raw = net(torch.randn(2, 2, 50, 16))
    assert raw.shape == (2, 10, 3, 13, 5)
    fields = physical(raw).detach()
    assert fields.shape == (2, 10, 3, 13, 4)
    lengths = fields[..., :2].norm(dim=-1)
    torch.testing.assert_close(lengths, torch.sigmoid(raw[..., 4]).detach(), rtol=1e-4, atol=1e-5)
    assert lengths.median() < 0.2


def test_what_a_frame_has_in_common_moves_all_classes_alike():
    torch.manual_seed(0)
    net = SeldNet(TINY.model_copy(update={"common": True, "direction": "linear"})).eval()
    clip = torch.randn(2, 2, 25, 16)
    before = net(clip).detach()
    with torch.no_grad():
        net.common.bias.copy_(torch.tensor([0.1, -0.2, 0.3]))
    moved = (net(clip) - before).detach()
    torch.testing.assert_close(moved, torch.tensor([0.1, -0.2, 0.3, 0.0]).expand_as(moved), rtol=1e-4, atol=1e-5)


def test_starts_silent_and_at_a_typical_distance():
    torch.manual_seed(0)
    fields = physical(SeldNet(TINY).eval()(torch.randn(2, 2, 50, 16))).detach()
    assert fields[..., :2].norm(dim=-1).median() < 0.4
    assert 1.0 < float(fields[..., 2].median()) < 4.0


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
