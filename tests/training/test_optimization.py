from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import ASSIGNMENTS, encode, ideal_output
from earwitness.training.optimization import AdpitLoss, Ema, OfficialLoss, dense_loss, learning_rate
from earwitness.training.recipe_sections import LossSpec, OptimSpec

GOLDEN = Path(__file__).parents[1] / "data" / "golden" / "official_baseline" / "official_loss.npz"
SLOTS = {1: (0,), 2: (1, 2), 3: (3, 4, 5)}


def random_case(seed, batch=2, frames=3):
    rng = np.random.default_rng(seed)
    active = np.zeros((batch, frames, 3, 13), dtype=bool)
    for b, t, c in product(range(batch), range(frames), range(13)):
        active[b, t, : rng.integers(0, 4), c] = True
    azimuth = rng.uniform(-np.pi / 2, np.pi / 2, active.shape)
    fields = (np.cos(azimuth), np.sin(azimuth), rng.uniform(0.3, 6, active.shape), rng.integers(0, 2, active.shape))
    values = np.stack(fields, axis=-1) * active[..., None]
    raw = rng.normal(size=(batch, frames, 3, 13, 4))
    return raw, active, values


def brute_force(raw, active, values, spec):
    """Loop over cells and assignments, straight from the definition."""
    assignments = {1: [], 2: [], 3: []}
    for slots in product(range(3), repeat=3):
        if set(slots) == set(range(len(set(slots)))):
            assignments[len(set(slots))].append(slots)
    direction, distance, onscreen, weights = [], 0.0, 0.0, 0.0
    for b, t, c in product(range(raw.shape[0]), range(raw.shape[1]), range(13)):
        count, weight = int(active[b, t, :, c].sum()), spec.class_weights[c]
        if not count:
            direction += [np.mean(raw[b, t, track, c, :2] ** 2) for track in range(3)]
            continue
        source = values[b, t, :, c]

        def cost(slots, source=source, b=b, t=t, c=c):
            return sum(
                np.mean((raw[b, t, track, c, :2] - source[slot, :2]) ** 2)
                + spec.choice_distance * abs(raw[b, t, track, c, 2] - np.log(source[slot, 2]))
                for track, slot in enumerate(slots)
            )

        for track, slot in enumerate(min(assignments[count], key=cost)):
            x = raw[b, t, track, c]
            direction.append(spec.active_weight * weight * np.mean((x[:2] - source[slot, :2]) ** 2))
            error = abs(x[2] - np.log(source[slot, 2]))
            beta = spec.distance_beta
            distance += weight * (error**2 / 2 / beta if error < beta else error - beta / 2)
            onscreen += weight * (np.log1p(np.exp(x[3])) - source[slot, 3] * x[3])
            weights += weight
    return np.mean(direction), distance / weights, onscreen / weights


@pytest.mark.parametrize("seed", range(4))
def test_equals_a_loop_over_all_assignments(seed):
    spec = LossSpec(active_weight=1.7, class_weights=tuple(np.linspace(0.5, 2, 13)))
    case = random_case(seed)
    raw, active, values = (torch.from_numpy(array) for array in case)
    parts = AdpitLoss(spec).double()(raw, active, values)
    direction, distance, onscreen = brute_force(*case, spec)
    np.testing.assert_allclose(float(parts.direction), direction, rtol=1e-6)
    np.testing.assert_allclose(float(parts.distance), distance, rtol=1e-6)
    np.testing.assert_allclose(float(parts.onscreen), onscreen, rtol=1e-6)
    expected = spec.direction * direction + spec.distance * distance + spec.onscreen * onscreen
    np.testing.assert_allclose(float(parts.total), expected, rtol=1e-6)


def test_with_activity_logits_silence_is_learnt_by_them_alone():
    spec = LossSpec(active_weight=1.7, activity=0.9, class_weights=tuple(np.linspace(0.5, 2, 13)))
    raw, active, values = (torch.from_numpy(array) for array in random_case(3))
    logit = torch.randn(2, 3, 1, 13, 1, dtype=torch.float64).expand(-1, -1, 3, -1, -1)
    loss = AdpitLoss(spec).double()
    raw.requires_grad_(True)
    parts, plain = loss(torch.cat([raw, logit], -1), active, values), loss(raw, active, values)
    sounding, weight = active.any(2), torch.tensor(spec.class_weights)
    probability = torch.sigmoid(logit[:, :, 0, :, 0])
    surprise = -torch.where(sounding, 1.7 * weight * probability.log(), (1 - probability).log())
    torch.testing.assert_close(parts.activity, surprise.mean())
    torch.testing.assert_close(parts.distance, plain.distance)
    parts.total.backward()
    gradient = raw.grad[..., :2].abs().sum(-1)
    assert not gradient[~sounding[:, :, None].expand_as(gradient)].any()
    # The direction part is that of the sounding cells: what is left of the plain one without the silent cells.
    silent = raw.detach()[..., :2].square().mean(-1)[~sounding[:, :, None].expand_as(gradient)].sum()
    rest = plain.direction * gradient.numel() - silent
    expected = rest / 1.7 / (sounding * weight).sum() / 3
    torch.testing.assert_close(parts.direction, expected)


def test_order_of_tracks_and_slots_does_not_matter():
    raw, active, values = (torch.from_numpy(array) for array in random_case(7))
    loss = AdpitLoss(LossSpec()).double()
    whole = loss(raw, active, values).total
    torch.testing.assert_close(loss(raw[:, :, [2, 0, 1]], active, values).total, whole)
    full = active.all(dim=2, keepdim=True).expand_as(active)
    swapped = torch.where(full[..., None], values[:, :, [1, 2, 0]], values)
    torch.testing.assert_close(loss(raw, active, swapped).total, whole)


def test_perfect_output_costs_nothing_in_direction_and_distance():
    table = EventTable.from_columns(
        frame=[0, 0, 0, 1, 1, 2], class_index=[3, 3, 3, 5, 5, 7], source=[0, 1, 2, 0, 1, 0],
        azimuth=[-60, 0, 60, 10, -30, 90], distance=[1, 2, 3, 0.5, 4, 2], onscreen=[0, 1, 0, 1, 1, 0], num_frames=4,
    )  # fmt: skip
    targets = encode(table)
    output = torch.from_numpy(ideal_output(targets)).clone()
    output[..., 2] = output[..., 2].clamp_min(0.05).log()
    parts = AdpitLoss(LossSpec())(
        output[None], torch.from_numpy(targets.active)[None], torch.from_numpy(targets.values)[None]
    )
    assert float(parts.direction) < 1e-12
    assert float(parts.distance) < 1e-12


def test_silent_cells_teach_neither_distance_nor_screen():
    raw = torch.randn(1, 2, 3, 13, 4, requires_grad=True)
    nothing = torch.zeros(1, 2, 3, 13, dtype=torch.bool)
    AdpitLoss(LossSpec(distance=1, onscreen=1))(raw, nothing, torch.zeros(1, 2, 3, 13, 4)).total.backward()
    assert raw.grad is not None
    assert not raw.grad[..., 2:].any()
    assert raw.grad[..., :2].all()


def test_far_distance_does_not_decide_the_assignment():
    """Two sources; distances (metres) of the tracks favour the wrong pairing strongly, directions the right one."""
    active = torch.zeros(1, 1, 3, 13, dtype=torch.bool)
    active[0, 0, :2, 0] = True
    values = torch.zeros(1, 1, 3, 13, 4)
    values[0, 0, 0, 0] = torch.tensor([0.0, 1.0, 8.0, 0.0])
    values[0, 0, 1, 0] = torch.tensor([0.0, -1.0, 1.0, 0.0])
    raw = torch.zeros(1, 1, 3, 13, 4)
    raw[0, 0, 0, 0, :3] = torch.tensor([0.0, 1.0, np.log(1.0)])
    raw[0, 0, 1:, 0, :3] = torch.tensor([0.0, -1.0, np.log(8.0)])
    assert float(AdpitLoss(LossSpec())(raw, active, values).direction) < 1e-12


def test_all_thirteen_assignments_are_used():
    assert len(ASSIGNMENTS) == 13


def official(onscreen):
    return LossSpec(form="official", direction=1, distance=1, onscreen=onscreen, choice_distance=0)


def slots(target):
    """Official targets (B, T, 6, E, 13) as active (B, T, 3, 13) and values (B, T, 3, 13, 4)."""
    batch, time, _, elements, classes = target.shape
    active = torch.zeros(batch, time, 3, classes, dtype=torch.bool)
    values = torch.zeros(batch, time, 3, classes, 4)
    for b, t, c in product(range(batch), range(time), range(classes)):
        for places in SLOTS.values():
            if all(target[b, t, place, 0, c] for place in places):
                for slot, place in enumerate(places):
                    active[b, t, slot, c] = True
                    values[b, t, slot, c, : elements - 1] = target[b, t, place, 1:, c]
    return active, values


@pytest.mark.parametrize(("modality", "onscreen"), [("audio", 0), ("audio_visual", 1)])
def test_equals_the_official_code_in_value_and_gradient(modality, onscreen):
    golden = {name: torch.as_tensor(value) for name, value in np.load(GOLDEN).items()}
    output = golden[f"{modality}_output"].requires_grad_()
    raw = output.movedim(3, 4)
    screen = torch.logit(raw[..., 3:]) if onscreen else raw[..., :1] * 0  # the official output is a probability
    active, values = slots(golden[f"{modality}_target"])
    total = OfficialLoss(official(onscreen))(torch.cat([raw[..., :3], screen], dim=-1), active, values).total
    assert float(total.detach()) == pytest.approx(float(golden[f"{modality}_loss"]), abs=1e-6)
    (gradient,) = torch.autograd.grad(total, output)
    torch.testing.assert_close(gradient, golden[f"{modality}_gradient"], rtol=0, atol=1e-6)


def test_metres_take_part_in_the_choice():
    raw = torch.zeros(1, 1, 3, 13, 4)
    raw[..., 2] = torch.tensor([1.0, 5.0, 5.0])[None, None, :, None]
    active = torch.zeros(1, 1, 3, 13, dtype=torch.bool)
    active[:, :, :2] = True
    values = torch.zeros(1, 1, 3, 13, 4)
    values[:, :, 0, :, 2], values[:, :, 1, :, 2] = 5.0, 1.0
    assert OfficialLoss(official(0))(raw, active, values).distance == 0


def test_silence_is_learnt_in_all_parts_as_the_official_code_has_it():
    raw = torch.zeros(1, 1, 3, 13, 4)
    raw[..., 2] = 2.0
    silence = torch.zeros(1, 1, 3, 13, dtype=torch.bool)
    parts = OfficialLoss(official(1))(raw, silence, torch.zeros_like(raw))
    torch.testing.assert_close(parts.distance, torch.tensor(4.0 / 3))
    torch.testing.assert_close(parts.onscreen, torch.tensor(2.0).log())
    ours = AdpitLoss(LossSpec())(raw, silence, torch.zeros_like(raw))
    assert ours.distance == 0.0


def test_parts_add_up():
    draw = torch.Generator().manual_seed(1)
    raw, values = torch.randn(2, 4, 3, 13, 4, generator=draw), torch.rand(2, 4, 3, 13, 4, generator=draw)
    active = torch.zeros(2, 4, 3, 13, dtype=torch.bool)
    active[:, :, 0] = True
    parts = OfficialLoss(official(1))(raw, active, values)
    torch.testing.assert_close(parts.total, parts.direction + parts.distance + parts.onscreen)
    one = values[:, :, :1].expand_as(values)
    torch.testing.assert_close(parts.direction + parts.distance, functional.mse_loss(raw[..., :3], one[..., :3]))


def in_order(raw, several):
    """`raw` (B, T, 3, 13, 4) with activity logits of 0 and the logits `several` (B, T, 13) of several sources."""
    extra = np.stack([np.zeros_like(several), several], axis=-1)[:, :, None]
    return np.concatenate([raw, np.broadcast_to(extra, (*raw.shape[:-1], 2))], axis=-1)


def brute_force_in_order(raw, active, values, spec):
    """Loop over cells: leftmost source, rightmost source, and the one between or the cheaper of two."""
    direction, several, cells = [], [], 0
    for b, t, c in product(range(raw.shape[0]), range(raw.shape[1]), range(13)):
        count = int(active[b, t, :, c].sum())
        if not count:
            continue
        cells += 1
        sources = sorted(values[b, t, :count, c], key=lambda source: -source[1])

        def cost(source, track=raw[b, t, 2, c]):
            far = abs(track[2] - np.log(source[2]))
            return np.mean((track[:2] - source[:2]) ** 2) + spec.choice_distance * far

        third = sources[1] if count == 3 else min((sources[0], sources[-1]), key=cost)
        targets = (sources[0], sources[-1], third)
        direction += [np.mean((raw[b, t, track, c, :2] - target[:2]) ** 2) for track, target in enumerate(targets)]
        x = raw[b, t, 0, c, 5]
        several.append(np.log1p(np.exp(x)) - (count > 1) * x)
    return np.sum(direction) / (3 * cells), np.sum(several) / cells


@pytest.mark.parametrize("seed", range(3))
def test_ordered_tracks_are_trained_from_left_to_right(seed):
    raw, active, values = random_case(seed)
    raw = in_order(raw, np.random.default_rng(seed).normal(size=(2, 3, 13)))
    spec = LossSpec(activity=0.0, distance=0.0, onscreen=0.0, direction=1.0, several=0.0)
    tensors = torch.from_numpy(raw), torch.from_numpy(active), torch.from_numpy(values)
    plain = AdpitLoss(spec)(*tensors)
    with_several = AdpitLoss(spec.model_copy(update={"several": 2.0}))(*tensors)
    direction, several = brute_force_in_order(raw, active, values, spec)
    assert plain.direction.item() == pytest.approx(direction)
    assert plain.total.item() == pytest.approx(direction)
    assert with_several.total.item() == pytest.approx(direction + 2.0 * several)


def test_two_sources_pull_ordered_tracks_apart():
    """The least-cost assignment leaves equal tracks at the nearest sources; the order moves them to the two ends."""
    active = torch.zeros(1, 1, 3, 13, dtype=torch.bool)
    active[0, 0, :2, 4] = True
    values = torch.zeros(1, 1, 3, 13, 4)
    for slot, degrees in enumerate((-50.0, 40.0)):
        angle = torch.tensor(degrees).deg2rad()
        values[0, 0, slot, 4] = torch.stack([angle.cos(), angle.sin(), torch.tensor(2.0), torch.tensor(0.0)])
    raw = torch.zeros(1, 1, 3, 13, 6, requires_grad=True)
    AdpitLoss(LossSpec())(raw, active, values).total.backward()
    pull = -raw.grad[0, 0, :, 4, 1]
    assert pull[0] > 0 > pull[1]


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


def test_dense_loss_counts_audible_cells_and_the_level_where_there_is_direct_sound():
    torch.manual_seed(0)
    raw = torch.randn(2, 2, 5, 8)
    level, diffuse = torch.rand(2, 5, 8) * 2 - 1, torch.rand(2, 5, 8)
    audible = (torch.rand(2, 5, 8) > 0.3).float()
    targets = torch.stack([level, diffuse, audible], dim=1)
    here, share = audible > 0, (1 - diffuse)[audible > 0]
    off = ((torch.tanh(raw[:, 0][here]) - level[here]).square() * share).sum() / share.sum()
    p = torch.sigmoid(raw[:, 1][here])
    entropy = -(diffuse[here] * p.log() + (1 - diffuse[here]) * (1 - p).log()).mean()
    torch.testing.assert_close(dense_loss(raw, targets), off + entropy)
    garbage = torch.stack([torch.where(here, level, 5.0), torch.where(here, diffuse, 0.0), audible], dim=1)
    torch.testing.assert_close(dense_loss(raw, garbage), off + entropy)
    assert dense_loss(raw, torch.zeros_like(targets)) == 0
