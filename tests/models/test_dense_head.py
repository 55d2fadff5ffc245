from __future__ import annotations

import pytest
import torch

from earwitness.core.errors import ModelError
from earwitness.models.architectures import BaselineConfig
from earwitness.models.checkpoint import build
from earwitness.models.dense_head import DenseHead, DenselyTrained, dense_estimates
from earwitness.models.seld import SeldNet
from nets import SELD, cmc_config


def test_every_bin_of_the_maps_gives_the_bands_that_it_covers():
    head = DenseHead(SELD)
    with torch.no_grad():
        head.out.weight.normal_()
    maps = torch.zeros(1, SELD.widths[-1], 3, SELD.bins_out)
    quiet = head(maps)
    assert quiet.shape == (1, 2, 3, SELD.mels)
    maps[:, :, 1, 1] = 1.0
    changed = (head(maps) != quiet).nonzero()
    each = SELD.mels // SELD.bins_out
    assert set(changed[:, 2].tolist()) == {1}
    assert sorted(set(changed[:, 3].tolist())) == list(range(each, 2 * each))


@pytest.mark.parametrize("config", [SELD, cmc_config()])
def test_the_head_changes_no_output_and_trains_the_convolutions(config):
    torch.manual_seed(0)
    net = build(config).train()
    trained = DenselyTrained(net)
    features = torch.randn(2, 2, 20, 16)
    torch.manual_seed(1)
    plain = net(features)
    torch.manual_seed(1)
    raw, dense = trained(features)
    assert torch.equal(raw, plain)
    estimates = dense_estimates(dense)
    assert estimates[:, 0].abs().max() == 0
    assert estimates[:, 1].mean().item() == pytest.approx(0.8, abs=0.01)
    with torch.no_grad():
        trained.head.out.weight.normal_(std=0.1)
    estimates = dense_estimates(trained(features)[1])
    assert -1 < estimates[:, 0].min() < 0 < estimates[:, 0].max() < 1
    net.zero_grad()
    estimates.square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in net.stem.parameters())
    assert net.head.weight.grad is None
    assert not any(name.startswith("out") for name in net.state_dict())


def test_networks_without_such_maps_are_refused():
    with pytest.raises(ModelError, match="BaselineNet has no maps"):
        DenselyTrained(build(BaselineConfig()))
    assert isinstance(DenselyTrained(build(SELD)).net, SeldNet)
