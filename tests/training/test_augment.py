import numpy as np
import pytest
import torch

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import decode, encode, ideal_output
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.models.network import Tokens
from earwitness.training.data import augment
from earwitness.training.optimization import AdpitLoss
from earwitness.training.recipe_sections import AugmentSpec, LossSpec

CHANNELS = FeatureConfig().channels
KINDS = augment.ChannelKinds.of(CHANNELS)
MEAN = torch.arange(5.0)[:, None, None].expand(5, 1, 64)


def changed(spec, seed=0, maps=None):
    maps = torch.randn(4, 5, 50, 64) if maps is None else maps
    change = augment.draw(spec, np.random.default_rng(seed), *np.array(maps.shape)[[0, 2, 3]].tolist())
    return maps, augment.apply(maps, change, KINDS, MEAN), change


def only(**values):
    off = dict.fromkeys(("filter_db", "time_mask", "mel_mask", "shift_bins", "gain_db"), 0)
    return AugmentSpec(**{**off, **values}, probability=1.0)


def test_swap_of_clip_equals_clip_of_swapped_sound():
    rng = np.random.default_rng(3)
    stereo = (rng.normal(size=(2, 24_000)) * [[0.1], [0.03]]).astype(np.float32)
    table = EventTable.from_columns(
        frame=[0, 1, 1], class_index=[2, 2, 2], source=[0, 0, 1], azimuth=[30, 30, -70], distance=[1, 1, 2],
        onscreen=[1, 1, 0], num_frames=10,
    )  # fmt: skip
    config = FeatureConfig()
    extractor = FeatureExtractor(config)
    features, targets = augment.swap_clip(extractor(stereo), encode(table), config)
    np.testing.assert_allclose(features, extractor(stereo[::-1].copy()), atol=1e-3)
    assert (
        decode(ideal_output(targets))
        .rounded()
        .with_columns(source=0)
        .same_as(table.mirrored().with_columns(source=0), tolerance=1e-3)
    )


def test_same_draw_for_same_seed_and_another_for_another():
    spec = AugmentSpec()
    a, b, c = (augment.draw(spec, np.random.default_rng(seed), 8, 50, 64) for seed in (1, 1, 2))
    for name in ("gain", "hidden", "hidden_rows", "shift"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert any(not np.array_equal(getattr(a, name), getattr(c, name)) for name in ("gain", "hidden", "shift"))


def test_filter_changes_levels_alike_and_keeps_their_difference():
    maps, out, change = changed(only(filter_db=6))
    assert np.abs(change.gain).max() <= 0.6 + 1e-6  # 6 dB in decades of power
    torch.testing.assert_close(out[:, 0] - out[:, 1], maps[:, 0] - maps[:, 1])
    torch.testing.assert_close(out[:, 2:], maps[:, 2:])
    assert (out[:, 0] - maps[:, 0]).std(dim=-1).min() > 0


def test_gain_of_a_clip_is_flat():
    maps, out, _ = changed(only(gain_db=6))
    assert float((out[:, 0] - maps[:, 0]).std(dim=-1).max()) < 1e-6
    assert float((out[:, 0] - maps[:, 0]).abs().max()) <= 0.6 + 1e-6


def test_masks_set_to_the_mean_and_spare_lags_from_mel_masks():
    maps, out, change = changed(only(mel_mask=20, mel_masks=2))
    assert change.hidden.any()
    hidden = torch.from_numpy(change.hidden)
    for channel in range(4):
        assert (out[:, channel][hidden] == channel).all()
        torch.testing.assert_close(out[:, channel][~hidden], maps[:, channel][~hidden])
    torch.testing.assert_close(out[:, 4], maps[:, 4])
    maps, out, change = changed(only(time_mask=20, time_masks=2))
    assert (out[:, 4][torch.from_numpy(change.hidden_rows)] == 4).all()


def test_shift_moves_bins_but_not_lags():
    maps, out, change = changed(only(shift_bins=3), seed=5)
    assert change.shift.any()
    for clip, shift in enumerate(change.shift.tolist()):
        moved = out[clip, :4].roll(-shift, dims=-1)
        inner = slice(max(-shift, 0), 64 - max(shift, 0))
        torch.testing.assert_close(moved[..., inner], maps[clip, :4, :, inner])
    torch.testing.assert_close(out[:, 4], maps[:, 4])


def test_switched_off_changes_nothing():
    maps, out, _ = changed(AugmentSpec(probability=0))
    torch.testing.assert_close(out, maps)


def draw(batch=8, names=("clap",), processes=1, seed=0, **spec):
    return augment.draw_mix(AugmentSpec(**spec), np.random.default_rng(seed), batch, names, processes)


def tokens(here):
    here = torch.tensor(here)
    batch, steps = here.shape
    return Tokens(
        torch.arange(batch * steps, dtype=torch.float32).view(batch, steps, 1, 1) + 1, torch.rand(batch, steps),
        torch.zeros(batch, 1, 2), here,
    )  # fmt: skip


def test_same_seed_same_draw_and_nothing_by_default():
    a, b = (draw(mixup=0.4, mixup_probability=1.0, modality_dropout=0.5) for _ in range(2))
    np.testing.assert_array_equal(a.partner, b.partner)
    assert (a.share, a.kept["clap"].tolist()) == (b.share, b.kept["clap"].tolist())
    assert a.mixes
    assert 0.5 <= a.share < 1
    plain = draw()
    assert not plain.mixes
    assert plain.kept["clap"].all()


def test_modalities_are_dropped_at_their_probability_and_each_on_its_own():
    found = draw(batch=4000, names=("clap", "owlvit"), modality_dropout=0.3)
    clap, owlvit = ~found.kept["clap"], ~found.kept["owlvit"]
    assert abs(clap.mean() - 0.3) < 0.03
    assert abs((clap & owlvit).mean() - 0.09) < 0.02


def test_partners_stay_within_a_process():
    whole = draw(batch=8, processes=2, mixup=1.0, mixup_probability=1.0)
    for rows in (slice(0, 4), slice(4, 8)):
        part = whole.part(rows)
        assert sorted(part.partner.tolist()) == [0, 1, 2, 3]
        np.testing.assert_array_equal(part.partner + rows.start, whole.partner[rows])


def test_features_are_mixed_at_the_share():
    change = augment.MixDraw(np.array([1, 0]), 0.75, {})
    found = augment.mixed(torch.tensor([1.0, 5.0]).view(2, 1, 1, 1), change)
    assert found.flatten().tolist() == [2.0, 4.0]


def test_loss_of_a_mixture_is_the_mixture_of_losses():
    loss = AdpitLoss(LossSpec())
    raw = torch.randn(2, 3, 3, 13, 4)
    active, values = torch.rand(2, 3, 3, 13) < 0.2, torch.rand(2, 3, 3, 13, 4)
    one, two = loss(raw, active, values), loss(raw, active.flip(0), values.flip(0))
    for name in ("total", "direction", "distance", "onscreen"):
        expected = 0.7 * getattr(one, name) + 0.3 * getattr(two, name)
        torch.testing.assert_close(getattr(one.blend(two, 0.7), name), expected)


def test_dropped_tokens_are_not_there_any_more():
    change = augment.MixDraw(np.array([0, 1]), 1.0, {"clap": np.array([True, False])})
    found = augment.mixed_tokens({"clap": tokens([[True, True], [True, True]])}, change)["clap"]
    assert found.here.tolist() == [[True, True], [False, False]]
    assert found.present.tolist() == [True, False]


def test_tokens_are_mixed_where_both_are_and_taken_where_one_is():
    given = tokens([[True, True, False], [True, False, False]])  # values 1 2 3 and 4 5 6
    found = augment.mixed_tokens({"clap": given}, augment.MixDraw(np.array([1, 0]), 0.75, {}))["clap"]
    assert found.here.tolist() == [[True, True, False], [True, True, False]]
    assert found.values[0, :2].flatten().tolist() == [0.75 * 1 + 0.25 * 4, 2.0]
    assert found.values[1, :2].flatten().tolist() == [0.75 * 4 + 0.25 * 1, 2.0]
    assert found.times[1, 1] == given.times[0, 1]


@pytest.mark.parametrize("share", [0.6, 0.9])
def test_mixing_with_oneself_changes_nothing(share):
    given = tokens([[True, True], [True, False]])
    found = augment.mixed_tokens({"clap": given}, augment.MixDraw(np.array([0, 1]), share, {}))["clap"]
    torch.testing.assert_close(found.values[given.here], given.values[given.here])
    assert found.here.tolist() == given.here.tolist()


def test_targets_of_bands_are_shifted_as_the_features_are():
    maps, out, change = changed(only(shift_bins=2), seed=1)
    assert change.shift.any()
    torch.testing.assert_close(augment.shifted(maps[:, :3], change.shift), out[:, :3])
