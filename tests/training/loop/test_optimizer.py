import numpy as np
import pytest
import torch
from torch import nn

from earwitness.training.loop.optimizer import Ema, learning_rate
from earwitness.training.recipe_sections import OptimSpec


def rates(schedule, steps=200, **values):
    spec = OptimSpec(schedule=schedule, peak=2.0, warmup=0.1, final=0.01, **values)
    return np.array([learning_rate(spec, step, steps) for step in range(steps)])


@pytest.mark.parametrize("schedule", ["onecycle", "cosine"])
def test_rises_to_the_peak_and_falls_to_the_end(schedule):
    curve = rates(schedule)
    assert curve.max() == pytest.approx(2.0)
    assert curve.argmax() in (19, 20)
    assert (np.diff(curve[:20]) > 0).all()
    assert (np.diff(curve[20:]) < 0).all()
    assert curve[-1] == pytest.approx(0.02)


def test_onecycle_equals_torch():
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1)
    torch_schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=2.0, total_steps=200, pct_start=0.1, div_factor=25, final_div_factor=4, cycle_momentum=False
    )
    expected = []
    for _ in range(200):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        torch_schedule.step()
    # torch holds its start for one step; the falls are compared, and the rises one step apart.
    np.testing.assert_allclose(rates("onecycle")[20:], expected[20:], rtol=0.03)


def test_constant_and_edge_cases():
    assert (rates("constant")[20:] == 2.0).all()
    assert learning_rate(OptimSpec(warmup=0, peak=1.0), 0, 1) == pytest.approx(1.0)


def test_ema_is_the_weighted_mean_of_the_weights():
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 0.0)
    ema = Ema(model, 0.5)
    expected = 0.0
    for step, value in enumerate([1.0, 3.0, -2.0, 8.0], start=1):
        nn.init.constant_(model.weight, value)
        ema.update(model, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    assert float(ema.model.weight.detach()) == pytest.approx(expected)
    assert float(model.weight.detach()) == 8.0


def test_ema_follows_norm_statistics_and_counters():
    model = nn.BatchNorm1d(2)
    ema = Ema(model, 0.0)
    model.train()(torch.randn(8, 2) + 5)
    ema.update(model, 1)
    torch.testing.assert_close(ema.model.state_dict(), model.state_dict())
