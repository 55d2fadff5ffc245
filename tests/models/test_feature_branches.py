import pytest
import torch

from earwitness.models.feature_branches import Lags, Reverberance


@pytest.fixture
def net() -> Reverberance:
    torch.manual_seed(0)
    return Reverberance(8, 5)


@pytest.mark.parametrize("labels", [1, 3, 50])
def test_says_nothing_at_first_for_any_length(net, labels):
    said = net(torch.randn(2, 5 * labels, 8), torch.rand(2, 5 * labels, 8))
    assert said.shape == (2, labels)
    assert not said.any()


def test_coherence_counts_as_much_as_there_is_power(net):
    labels = torch.rand(1, 16, 40)
    power, coherence = labels[:, 8:], labels[:, :8]
    constant = net.weighted_mean(torch.cat([power * 0.3, power], dim=1), 5)
    torch.testing.assert_close(constant, torch.full((1, 8, 40), 0.3))
    power = power.clone()
    power[:, :, 20] = 1e6  # what is loudest decides all around it
    steady = net.weighted_mean(torch.cat([power * coherence, power], dim=1), 5)
    torch.testing.assert_close(steady[:, :, 18:23], coherence[:, :, 20:21].expand(-1, -1, 5), rtol=1e-3, atol=1e-4)


def test_level_does_not_matter_and_silence_is_finite(net):
    torch.nn.init.normal_(net.out.weight)
    level, coherence = torch.randn(1, 100, 8) - 3, torch.rand(1, 100, 8)
    torch.testing.assert_close(net(level, coherence), net(level + 1, coherence), rtol=1e-3, atol=1e-4)
    assert net(torch.full((1, 100, 8), -30.0), torch.zeros(1, 100, 8)).isfinite().all()


def test_it_learns_distance_from_coherence(net):
    draw = torch.Generator().manual_seed(0)
    far = torch.rand(64, 1, 1, generator=draw)
    coherence = (1 - 0.6 * far + 0.1 * torch.randn(64, 50, 8, generator=draw)).clamp(0, 1)
    level = torch.randn(64, 50, 8, generator=draw) - 3
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(60):
        loss = (net(level, coherence) - far[..., 0]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * far.var().item()


def test_lags_add_nothing_at_first_for_any_length():
    torch.manual_seed(0)
    net = Lags(64, 12, 5)
    for labels in (1, 3, 50):
        added = net(torch.randn(2, 5 * labels, 64))
        assert added.shape == (2, labels, 12)
        assert not added.any()


def test_lags_learn_where_the_peak_is():
    torch.manual_seed(0)
    net, draw = Lags(64, 1, 5), torch.Generator().manual_seed(0)
    peak = torch.randint(4, 60, (128, 1), generator=draw)
    lags = torch.exp(-((torch.arange(64) - peak[..., None]) / 2.0).square()).expand(-1, 5, -1)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(80):
        loss = (net(lags)[..., 0] - (peak / 32 - 1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02
