from __future__ import annotations

import pytest
import torch

from earwitness.models.layers.cross_attention import Concatenation, CrossAttention, Gate
from earwitness.models.layers.token_projection import Projected, TokenProjection
from nets import SOUND, cmc_config, tokens

FRAMES = torch.randn(2, 10, 16, generator=torch.Generator().manual_seed(2))


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
