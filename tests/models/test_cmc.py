import pytest
import torch
from pydantic import ValidationError

from earwitness.core.errors import ModelError
from earwitness.models.cmc import FUSION_PARTS, CmcNet
from earwitness.models.layers.token_projection import TokenProjection, direction_features
from earwitness.models.seld import SeldNet
from earwitness.models.seld_config import CmcConfig, TokenInput
from nets import PICTURE, SELD, SHAPE, cmc_config, tokens

FUSIONS = ("cross_attention", "concatenation")
MAPS = torch.randn(2, 2, 50, 16, generator=torch.Generator().manual_seed(1))


def net(*, opened=True, **more):
    torch.manual_seed(0)
    made = CmcNet(cmc_config(**more)).eval()
    if opened:
        with torch.no_grad():
            for name, value in made.named_parameters():
                if "gate" in name:
                    value.fill_(0.2)
    return made


def seld_part(cmc):
    """The SELD network with the same weights."""
    seld = SeldNet(SELD)
    shared = {name: value for name, value in cmc.state_dict().items() if not name.startswith(FUSION_PARTS)}
    seld.load_state_dict(shared)  # strict: what is not shared is fusion, and nothing else
    return seld.eval()


def out(made, given=None):
    with torch.no_grad():
        return made(MAPS, given)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_closed_gates_are_exactly_the_seld_network(fusion):
    made = net(opened=False, fusion=fusion)
    torch.testing.assert_close(out(made, tokens()), out(seld_part(made)), rtol=0, atol=0)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_without_tokens_open_gates_are_exactly_the_seld_network(fusion):
    made = net(fusion=fusion)
    for given in (None, {}):
        torch.testing.assert_close(out(made, given), out(seld_part(made)), rtol=0, atol=0)
    assert (out(made, tokens()) - out(made)).abs().max() > 1e-3


@pytest.mark.parametrize("null_token", [True, False])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_clip_without_a_modality_is_as_if_it_had_never_been_there(fusion, null_token):
    made = net(fusion=fusion, null_token=null_token)
    full = tokens()
    gone = {name: value._replace(here=value.here & torch.tensor([[True], [False]])) for name, value in full.items()}
    mixed = out(made, gone)
    torch.testing.assert_close(mixed[0], out(made, full)[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(mixed[1], out(seld_part(made))[1], rtol=1e-5, atol=1e-6)
    one_gone = out(made, {"clap": full["clap"], "owlvit": gone["owlvit"]})
    torch.testing.assert_close(one_gone[1], out(made, {"clap": full["clap"]})[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("name", ["clap", "owlvit"])
def test_every_modality_counts(fusion, name):
    made = net(fusion=fusion)
    assert (out(made, {name: tokens()[name]}) - out(made)).abs().max() > 1e-3


@pytest.mark.parametrize("fusion", FUSIONS)
def test_filling_up_the_time_axis_changes_nothing(fusion):
    made, given = net(fusion=fusion), tokens()
    clap = given["clap"]
    longer = clap._replace(
        values=torch.cat([clap.values, 9 * torch.ones(2, 3, 1, 6)], dim=1),
        times=torch.cat([clap.times, torch.zeros(2, 3)], dim=1),
        here=torch.cat([clap.here, torch.zeros(2, 3, dtype=torch.bool)], dim=1),
    )
    expected = out(made, given)
    torch.testing.assert_close(out(made, {**given, "clap": longer}), expected, rtol=1e-4, atol=1e-5)


def test_frames_look_no_farther_than_they_may():
    projection = TokenProjection("owlvit", PICTURE, cmc_config()).eval()
    seen = projection(tokens()["owlvit"], 10)
    middles, times = (torch.arange(10) + 0.5) / 10, (torch.arange(4) + 0.5) / 4
    expected = (middles[:, None] - times).abs() <= PICTURE.reach_s + 1e-6
    torch.testing.assert_close(seen.allowed[0], expected)
    assert not expected.all()


def test_frames_out_of_reach_of_all_tokens_keep_what_they_have():
    made, full = net(), tokens()
    late = full["owlvit"]._replace(times=full["owlvit"].times + 30)
    torch.testing.assert_close(out(made, {"owlvit": late}), out(made), rtol=1e-5, atol=1e-6)


def test_positions_and_their_directions_may_come_in_any_order():
    spec = {"owlvit": TokenInput(dim=5)}
    made, given = net(tokens=spec), tokens()["owlvit"]
    order = torch.tensor([3, 0, 7, 1, 6, 2, 5, 4])
    turned = given._replace(values=given.values[:, :, order], directions=given.directions[:, order])
    torch.testing.assert_close(out(made, {"owlvit": turned}), out(made, {"owlvit": given}), rtol=1e-4, atol=1e-5)
    wrong = given._replace(values=given.values[:, :, order])
    assert (out(made, {"owlvit": wrong}) - out(made, {"owlvit": given})).abs().max() > 1e-4


def test_pooling_is_the_mean_of_neighbours():
    projection = TokenProjection("owlvit", PICTURE, cmc_config())
    given = tokens()["owlvit"]
    pooled = projection.pooled(given)
    torch.testing.assert_close(pooled.values, (given.values[:, :, :4] + given.values[:, :, 4:]) / 2)
    torch.testing.assert_close(pooled.directions[0], torch.tensor([[40.0, 0], [15, 0], [-15, 0], [-40, 0]]))


def test_directions_become_harmonics_and_none_becomes_zeros():
    given = torch.tensor([[[30.0, -20.0], [torch.nan, torch.nan]]])
    found = direction_features(given, 2)
    azimuth, elevation = torch.tensor([30.0, -20.0]).deg2rad()
    angles = torch.stack([azimuth, 2 * azimuth, elevation, 2 * elevation])
    torch.testing.assert_close(found[0, 0], torch.cat([angles.sin(), angles.cos(), torch.ones(1)]))
    assert not found[0, 1].any()


@pytest.mark.parametrize("token_time", ["rotary", "sinusoid"])
def test_times_of_tokens_matter_unless_they_are_not_told(token_time):
    given = {"clap": tokens()["clap"]}
    later = {"clap": given["clap"]._replace(times=given["clap"].times.flip(1))}
    told, untold = net(token_time=token_time), net(token_time="none")
    assert (out(told, given) - out(told, later)).abs().max() > 1e-4
    torch.testing.assert_close(out(untold, given), out(untold, later), rtol=1e-5, atol=1e-6)


def test_gates_learn_although_they_are_closed():
    made = net(opened=False).train()
    made(MAPS, tokens()).square().mean().backward()
    gates = [value.grad for name, value in made.named_parameters() if "gate" in name]
    assert len(gates) == 4
    assert all(grad is not None and grad.abs().max() > 0 for grad in gates)


def test_no_modalities_are_no_weights_more():
    made = net(tokens={})
    assert made.state_dict().keys() == SeldNet(SELD).state_dict().keys()


def test_tokens_of_another_encoder_are_refused():
    made, given = net(), tokens()["owlvit"]
    with pytest.raises(ModelError, match="'owlvit' tokens of width 5, but these have width 4"):
        out(made, {"owlvit": given._replace(values=given.values[..., :4])})
    with pytest.raises(ModelError, match="2x4, but these have 6 positions"):
        out(made, {"owlvit": given._replace(values=given.values[:, :, :6], directions=given.directions[:, :6])})


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
