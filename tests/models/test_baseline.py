import pytest
import torch
from pydantic import ValidationError

from earwitness.core.errors import ModelError
from earwitness.models.architectures import BaselineConfig, VisualInput
from earwitness.models.baseline import BaselineNet
from earwitness.models.checkpoint import build, parameter_count
from earwitness.models.network import Tokens

OFFICIAL_AUDIO, OFFICIAL_VISUAL = 734_261, 2_064_348
SMALL = {"filters": 4, "rnn_width": 16, "head_width": 8, "decoder_ffn": 32}


def pictures(batch=2, steps=4, positions=6, dim=5):
    return Tokens(
        torch.randn(batch, steps, positions, dim), torch.arange(steps).expand(batch, -1) / 4.0,
        torch.zeros(batch, positions, 2), torch.ones(batch, steps, dtype=torch.bool),
    )  # fmt: skip


def visual(**more):
    return BaselineConfig(**SMALL, visual=VisualInput(dim=5, grid=(2, 3), **more))


def test_parameter_counts_are_the_official_ones():
    assert parameter_count(build(BaselineConfig())) == OFFICIAL_AUDIO
    assert parameter_count(build(BaselineConfig(visual=VisualInput()))) == OFFICIAL_VISUAL


def test_sound_alone_is_never_on_screen_and_distances_are_not_negative():
    torch.manual_seed(0)
    net = BaselineNet(BaselineConfig(**SMALL)).eval()
    with torch.no_grad():
        fields = net.physical(net(torch.randn(2, 2, 250, 64)))
    assert fields.shape == (2, 50, 3, 13, 4)
    assert fields[..., 3].max() < 1e-6
    assert fields[..., 2].min() == 0
    assert fields[..., :2].abs().max() < 1


@pytest.mark.parametrize("reduce", ["channels", "positions", "none"])
def test_pictures_count_whatever_is_kept_of_them(reduce):
    torch.manual_seed(0)
    net = BaselineNet(visual(reduce=reduce)).eval()
    maps = torch.randn(2, 2, 50, 64)
    with torch.no_grad():
        one, other = net(maps, {"visual": pictures()}), net(maps, {"visual": pictures()})
    assert one.shape == (2, 10, 3, 13, 4)
    assert (one - other).abs().max() > 1e-4


def test_mean_over_channels_hears_no_difference_between_channels():
    torch.manual_seed(0)
    net = BaselineNet(visual()).eval()
    maps, seen = torch.randn(2, 2, 50, 64), pictures()
    with torch.no_grad():
        one = net(maps, {"visual": seen})
        other = net(maps, {"visual": seen._replace(values=seen.values.flip(-1))})
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_does_not_work_without_its_pictures():
    net = BaselineNet(visual()).eval()
    maps, seen = torch.randn(2, 2, 50, 64), pictures()
    with pytest.raises(ModelError, match="needs 'visual' tokens"):
        net(maps)
    with pytest.raises(ModelError, match="a clip has no 'visual'"):
        net(maps, {"visual": seen._replace(here=seen.here & torch.tensor([[True], [False]]))})
    with pytest.raises(ModelError, match=r"set model\.visual\.grid"):
        net(maps, {"visual": pictures(positions=4)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pools": ((2, 4),)}, "time pools multiply to 2"),
        ({"pools": ((5, 128),)}, "multiply to more than"),
        ({"heads": 3}, "multiple of the 3 heads"),
    ],
)
def test_refuses_shapes_that_do_not_fit(change, message):
    with pytest.raises(ValidationError, match=message):
        BaselineConfig.model_validate(change)


def test_attention_begins_as_the_official_one_does():
    torch.manual_seed(3)
    ours = BaselineNet(BaselineConfig()).attention[0].attention
    theirs = torch.nn.MultiheadAttention(128, 8)
    joint = torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]).detach()
    expected = theirs.in_proj_weight.detach()
    assert float(joint.abs().max()) == pytest.approx(float(expected.abs().max()), rel=0.01)
    assert float(joint.std()) == pytest.approx(float(expected.std()), rel=0.02)
    for linear in (ours.query, ours.key, ours.value, ours.out):
        assert not linear.bias.any()


def test_decoder_layers_begin_identical_and_learn_apart():
    first, second = BaselineNet(BaselineConfig(visual=VisualInput())).decoder
    for name, value in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], value, rtol=0, atol=0)
    assert first.expand.weight is not second.expand.weight


def test_what_is_too_quiet_is_raised_to_the_range_of_the_clip():
    net = BaselineNet(BaselineConfig(dynamic_range_db=40.0)).eval()
    loud = torch.zeros(1, 2, 25, 64)
    loud[:, :, 10:] = -4.0
    quieter = loud.clone()
    quieter[:, :, 10:] = -9.0
    torch.testing.assert_close(net(loud), net(quieter))
    assert not torch.equal(net(loud), net(torch.zeros(1, 2, 25, 64)))
