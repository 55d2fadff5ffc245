from __future__ import annotations

import numpy as np
import pytest
import torch

from earwitness.core.errors import ModelError
from earwitness.models.network import physical
from earwitness.models.seld import FUSION_PARTS, CmcNet, SeldNet
from earwitness.models.seld_config import SeldConfig, TokenInput
from nets import SELD, cmc_config, tokens

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


def test_ordered_tracks_are_separate_from_a_probability_of_several_sources():
    raw = torch.zeros(1, 1, 3, 2, 6)
    raw[..., 4] = 20.0
    raw[0, 0, :, :, 0] = 0.5
    raw[0, 0, 0, :, 1], raw[0, 0, 1, :, 1] = 0.8, -0.4
    raw[0, 0, 1, :, 2] = 1.0
    raw[0, 0, :, 0, 5], raw[0, 0, :, 1, 5] = 1.0, -1.0
    fields = physical(raw)
    assert fields.shape == (1, 1, 3, 2, 4)
    azimuth = torch.atan2(fields[0, 0, ..., 1], fields[0, 0, ..., 0]).rad2deg()
    torch.testing.assert_close(azimuth[:, 0], torch.tensor([58.0, -38.7, 58.0]), atol=0.1, rtol=0)
    torch.testing.assert_close(azimuth[:, 1], torch.full((3,), 14.9), atol=0.1, rtol=0)
    torch.testing.assert_close(fields[..., :2].norm(dim=-1), torch.ones(1, 1, 3, 2))
    assert fields[0, 0, 1, 0, 2].item() == pytest.approx(np.e, rel=1e-5)
    assert physical(raw, several_from=0.2)[0, 0, 0, 1, 1] > 0.7
