from __future__ import annotations

import numpy as np
import torch

from earwitness.training.data.clip_stream import SceneStream, batches, scene_seed
from fakes import dense_recipe, open_direct_tones, open_tones, tiny_recipe

FEATURES = tiny_recipe().features


def stream(**settings):
    return SceneStream(open_tones, FEATURES, **{"seed": 1, **settings})


def all_batches(source, start, stop, workers):
    return list(batches(source, start=start, stop=stop, scenes=2, workers=workers, prefetch=2))


def same(a, b):
    return a.scenes == b.scenes and all(
        torch.equal(getattr(a, name), getattr(b, name)) for name in ("features", "active", "values")
    )


def test_batches_do_not_depend_on_workers_or_start():
    alone = all_batches(stream(), 0, 5, 0)
    for other in (all_batches(stream(), 0, 5, 1), all_batches(stream(), 0, 5, 2)):
        assert all(same(a, b) for a, b in zip(alone, other, strict=True))
    late = all_batches(stream(), 3, 5, 0)
    assert all(same(a, b) for a, b in zip(alone[3:], late, strict=True))
    assert [batch.scenes for batch in alone] == [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]


def test_scenes_differ_and_seeds_and_streams_too():
    states = {tuple(scene_seed(*key).generate_state(4)) for key in [(1, 0, 0), (1, 0, 1), (1, 1, 0), (2, 0, 0)]}
    assert len(states) == 4


def test_double_gives_each_scene_both_ways_round():
    _, (plain, mirrored) = stream()[3]
    np.testing.assert_array_equal(mirrored.features[0], plain.features[0])
    np.testing.assert_array_equal(mirrored.features[1], -plain.features[1])
    np.testing.assert_array_equal(mirrored.values[..., 1], -plain.values[..., 1])
    np.testing.assert_array_equal(mirrored.active, plain.active)
    assert plain.values[..., 1].any()


def test_random_swap_takes_either_and_stays_by_index():
    plain, random = stream(swap="none"), stream(swap="random")
    turned = [
        not np.array_equal(plain[index][1][0].values, random[index][1][0].values) for index in range(24)
    ]  # fmt: skip
    assert 4 < sum(turned) < 20
    again = stream(swap="random")
    assert all(np.array_equal(random[i][1][0].features, again[i][1][0].features) for i in range(4))


def test_finite_number_of_scenes_comes_again():
    finite = stream(scenes=3, swap="none")
    np.testing.assert_array_equal(finite[1][1][0].features, finite[4][1][0].features)
    assert not np.array_equal(finite[1][1][0].features, finite[2][1][0].features)


def test_features_and_targets_have_one_time_axis():
    _, (clip, _) = stream()[0]
    assert clip.features.shape == (2, 50, 16)
    assert clip.active.shape == (10, 3, 13)
    assert clip.values.shape == (10, 3, 13, 4)


def test_dense_targets_follow_the_swap_and_change_nothing_else():
    plain, dense = (SceneStream(open_direct_tones, dense_recipe().features, seed=1) for _ in range(2))
    dense.dense = True
    for (_, without), (_, clips) in zip((plain[k] for k in range(4)), (dense[k] for k in range(4)), strict=True):
        for a, b in zip(without, clips, strict=True):
            assert a.dense is None
            assert a.features.tobytes() == b.features.tobytes()
            assert a.values.tobytes() == b.values.tobytes()
            direct = b.dense[1] < 0.5
            side = b.values[..., 1].sum(axis=(1, 2))  # the azimuth's sine, in frames with the tone
            assert direct.any()
            assert (np.sign(b.dense[0]) == np.sign(side)[:, None])[direct].all()
        np.testing.assert_array_equal(clips[0].dense[0], -clips[1].dense[0])
        np.testing.assert_array_equal(clips[0].dense[1:], clips[1].dense[1:])
    (batch,) = all_batches(dense, 0, 1, 0)
    assert batch.dense.shape == (4, 3, 10, 16)
    assert batch.to(torch.device("cpu")).dense.dtype == torch.float32
    assert all_batches(plain, 0, 1, 0)[0].dense is None
