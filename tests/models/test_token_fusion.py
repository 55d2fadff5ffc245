from __future__ import annotations

import pytest
import torch

from earwitness.models.token_fusion import (
    Concatenation,
    CrossAttention,
    Gate,
    Projected,
    TokenProjection,
    aligned_mean,
    direction_features,
)
from nets import PICTURE, SOUND, cmc_config, tokens

FRAMES = torch.randn(2, 10, 16, generator=torch.Generator().manual_seed(2))


def test_frames_look_no_farther_than_they_may():
    projection = TokenProjection("owlvit", PICTURE, cmc_config()).eval()
    seen = projection(tokens()["owlvit"], 10)
    middles, times = (torch.arange(10) + 0.5) / 10, (torch.arange(4) + 0.5) / 4
    expected = (middles[:, None] - times).abs() <= PICTURE.reach_s + 1e-6
    torch.testing.assert_close(seen.allowed[0], expected)
    assert not expected.all()


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


@pytest.mark.parametrize("width", [0.5, 3.0])
def test_the_aligned_mean_is_a_weighted_mean_of_the_steps_within_reach(width: float) -> None:
    projected = TokenProjection("owlvit", PICTURE, cmc_config()).eval()(tokens()["owlvit"], 10)
    found = aligned_mean(projected, width)
    steps = torch.nn.functional.silu(projected.values).mean(dim=2)
    assert found.shape == (2, 10, steps.shape[2])
    for frame in range(10):
        within = steps[:, projected.allowed[0, frame]]
        assert (found[:, frame] <= within.amax(dim=1) + 1e-6).all()
        assert (found[:, frame] >= within.amin(dim=1) - 1e-6).all()


def projected(**more: object) -> Projected:
    torch.manual_seed(0)
    return TokenProjection("clap", SOUND, cmc_config(**more)).eval()(tokens()["clap"], 10)


def opened(module: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for name, value in module.named_parameters():
            if "gate" in name:
                value.fill_(0.5)
    return module.eval()


@pytest.mark.parametrize("gate", ["scalar", "channel", "open"])
def test_gates_start_closed_unless_they_are_open(gate: str) -> None:
    update = torch.ones(1, 3, 16)
    expected = update if gate == "open" else torch.zeros(1, 3, 16)
    torch.testing.assert_close(Gate(cmc_config(gate=gate))(update), expected)


def test_the_order_of_tokens_does_not_matter() -> None:
    torch.manual_seed(1)
    attention, given = opened(CrossAttention(cmc_config())), projected()
    order = torch.randperm(given.values.shape[1], generator=torch.Generator().manual_seed(3))
    turned = Projected(given.values[:, order], given.places[:, order], given.allowed[:, :, order])
    torch.testing.assert_close(attention(FRAMES, turned), attention(FRAMES, given), rtol=1e-4, atol=1e-5)
    assert (attention(FRAMES, given) - FRAMES).abs().max() > 1e-3


@pytest.mark.parametrize("null_token", [True, False])
def test_frames_without_tokens_are_unchanged_and_finite(null_token: bool) -> None:
    attention, given = opened(CrossAttention(cmc_config(null_token=null_token))), projected()
    allowed = given.allowed.clone()
    allowed[:, 4:] = False
    found = attention(FRAMES, Projected(given.values, given.places, allowed))
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found[:, 4:], FRAMES[:, 4:])
    assert (found[:, :4] - FRAMES[:, :4]).abs().max() > 1e-3


def test_concatenation_counts_a_missing_modality_as_zeros() -> None:
    torch.manual_seed(1)
    mixed = opened(Concatenation(cmc_config(fusion="concatenation")))
    torch.testing.assert_close(mixed(FRAMES, {}), FRAMES)
    sound = mixed(FRAMES, {"clap": projected()})
    assert (sound - FRAMES).abs().max() > 1e-3
