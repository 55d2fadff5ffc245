from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earwitness.core.errors import ModelError
from earwitness.core.multi_accddoa import decode
from earwitness.detect.model.card import ModelCard
from earwitness.detect.model.ensemble import Ensemble, MirroredRunner, combine
from earwitness.detect.model.loading import ensemble_card
from earwitness.features import FeatureConfig

Array = NDArray[np.float32]
ORDERS = np.array(list(permutations(range(3))))


def fields(seed: int, frames: int = 7) -> Array:
    rng = np.random.default_rng(seed)
    output = rng.normal(scale=0.6, size=(frames, 3, 13, 4)).astype(np.float32)
    output[..., 2] = rng.uniform(0.5, 5, output.shape[:3])
    output[..., 3] = rng.uniform(0, 1, output.shape[:3])
    return output


def shuffled(output: Array, seed: int) -> Array:
    """Other tracks in each frame and class."""
    rng = np.random.default_rng(seed)
    order = ORDERS[rng.integers(6, size=(output.shape[0], output.shape[2]))].transpose(0, 2, 1)
    return np.take_along_axis(output, order[..., None], axis=1)


def in_order(output: Array) -> Array:
    """Tracks of each cell in the order of x."""
    return np.take_along_axis(output, output[..., :1].argsort(axis=1), axis=1)


def cell(*tracks: tuple[float, float, float]) -> Array:
    """One frame in which bells sound: (degrees, activity, metres) of each track."""
    output = np.zeros((1, 3, 13, 4), np.float32)
    for track, (azimuth, activity, metres) in enumerate(tracks):
        angle = np.radians(azimuth)
        output[0, track, 11] = activity * np.cos(angle), activity * np.sin(angle), metres, 0.5
    return output


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5))
def test_permuted_tracks_of_one_model_average_to_itself(seed: int, copies: int) -> None:
    output = fields(seed)
    mean = combine([shuffled(output, seed + n) for n in range(copies)])
    np.testing.assert_allclose(in_order(mean), in_order(output), atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 4))
def test_the_order_of_members_makes_no_difference(seed: int, members: int) -> None:
    outputs = [fields(seed + n) for n in range(members)]
    weights = np.random.default_rng(seed).uniform(0.1, 1, members)
    order = np.random.default_rng(seed).permutation(members)
    one = combine(outputs, weights)
    other = combine([outputs[n] for n in order], weights[order])
    np.testing.assert_allclose(in_order(one), in_order(other), atol=1e-5)


def test_an_ensemble_of_one_is_the_model() -> None:
    output = fields(3)
    np.testing.assert_array_equal(combine([output]), output)
    np.testing.assert_array_equal(combine([output], [0.3]), output)


def test_weights_decide() -> None:
    one, other = fields(1), fields(2)
    np.testing.assert_allclose(combine([one, other], [1, 0]), one, atol=1e-6)
    by_class = np.ones((2, 13))
    by_class[0, :5], by_class[1, 5:] = 0, 0
    mean = combine([one, other], by_class)
    np.testing.assert_allclose(mean[:, :, :5], other[:, :, :5], atol=1e-6)
    np.testing.assert_allclose(mean[:, :, 5:], one[:, :, 5:], atol=1e-6)
    mean = combine([cell((0, 0.9, 2)), cell((0, 0.3, 2))], [3, 1])
    assert mean[0, 0, 11, 0] == pytest.approx(0.75)


def test_a_silent_member_says_nothing_about_distance() -> None:
    mean = combine([cell((30, 0.9, 2.0)), cell((0, 0.0, 9.0))])
    assert np.hypot(*mean[0, 0, 11, :2]) == pytest.approx(0.45)
    assert mean[0, 0, 11, 2] == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_duplicates_in_other_places_make_no_third_source(order: tuple[int, int]) -> None:
    left, right = (40.0, 0.9, 2.0), (-40.0, 0.9, 3.0)
    members = [cell(left, left, right), cell(right, left, right)]
    table = decode(combine([members[n] for n in order]))
    assert sorted(table.azimuth.round().tolist()) == [-40, 40]
    assert table.score == pytest.approx(0.9, abs=1e-3)


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(ModelError, match="at least one member"):
        combine([])
    with pytest.raises(ModelError, match="different lengths"):
        combine([fields(1, 5), fields(1, 6)])
    with pytest.raises(ModelError, match="do not fit 2 members"):
        combine([fields(1), fields(2)], [1, 1, 1])
    for wrong in ([-1, 2], [0, 0], [np.nan, 1]):
        with pytest.raises(ModelError, match="must not be negative"):
            combine([fields(1), fields(2)], wrong)


def card(name: str, rate: int = 24_000, threshold: float = 0.5) -> ModelCard:
    features = FeatureConfig(sample_rate=rate, hop=rate // 50)
    return ModelCard(name=name, features=features, model={}, thresholds=(threshold,) * 13)


class Echo:
    """Answers with the level of the channels, in pieces of its own length."""

    def __init__(self, piece: int, extra: int = 0, name: str = "echo", rate: int = 24_000) -> None:
        self.card, self.settings = card(name, rate), {"piece": piece}
        self._piece, self._extra = piece, extra

    def at(self, video: Path | None, *, mirrored: bool = False) -> Echo:
        return self

    def outputs(self, blocks: Iterable[Array], *, any_sound: bool = False) -> Iterator[Array]:
        sound = np.concatenate(list(blocks), axis=1)
        frames = sound[:, : sound.shape[1] // 2400 * 2400].reshape(2, -1, 2400).mean(axis=2)
        frames = np.pad(frames, ((0, 0), (0, self._extra)))
        output = np.zeros((frames.shape[1], 3, 13, 4), np.float32)
        output[..., 0] = 0.5
        output[..., 1] = (frames[0] - frames[1])[:, None, None]
        yield output[:0]
        yield from (output[start : start + self._piece] for start in range(0, len(output), self._piece))


def stream(seconds: float = 3.0) -> tuple[Array, list[Array]]:
    level = np.repeat(np.arange(round(seconds * 10)) / 100, 2400)
    sound = np.stack([level, np.zeros_like(level)]).astype(np.float32)
    return sound, [sound[:, start : start + 10_000] for start in range(0, sound.shape[1], 10_000)]


def test_members_of_other_windows_are_kept_in_step() -> None:
    members = (Echo(7), Echo(25, extra=20), Echo(1000, extra=3))
    ensemble = Ensemble(members, ensemble_card([m.card for m in members], ["a", "b", "c"]), (1.0, 2.0, 0.5))
    _, blocks = stream()
    output = np.concatenate(list(ensemble.outputs(iter(blocks))))
    assert len(output) == 30
    np.testing.assert_allclose(output[:, 0, 0, 1], np.arange(30) / 100, atol=1e-4)
    assert ensemble.settings["members"][1] == {"name": "echo", "piece": 25}


def test_a_mirrored_member_answers_turned_back() -> None:
    _, blocks = stream()
    plain = np.concatenate(list(Echo(10).outputs(blocks)))
    mirrored = np.concatenate(list(MirroredRunner(Echo(10)).outputs(blocks)))
    np.testing.assert_array_equal(mirrored, plain)
    assert MirroredRunner(Echo(10)).settings == {"piece": 10, "mirrored": True}


def test_members_that_do_not_fit_together_are_refused() -> None:
    whole = card("whole")
    with pytest.raises(ModelError, match="'other' takes 48000 samples per second, the ensemble 24000"):
        Ensemble((Echo(5), Echo(5, name="other", rate=48_000)), whole)
    with pytest.raises(ModelError, match="do not fit 1 members"):
        Ensemble((Echo(5),), whole, (1.0, 2.0))
    with pytest.raises(ModelError, match="at least one member"):
        Ensemble((), whole)


def test_the_card_of_untuned_members_takes_the_mean_of_their_thresholds() -> None:
    whole = ensemble_card([card("a", threshold=0.2), card("b", threshold=0.6)], ["a", "b"])
    assert whole.name == "a+b"
    assert whole.thresholds == pytest.approx((0.4,) * 13)
