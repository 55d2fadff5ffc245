from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError
from earwitness.training.data.clip_mix import ROUND, ClipMix, ClipPass, JoinedClips, ShuffledClips, Subset


class Numbers:
    """Clip i is a number; some are damaged."""

    def __init__(self, first: int, count: int, damaged: tuple[int, ...] = ()) -> None:
        self.first, self.count, self.damaged = first, count, damaged

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        if index in self.damaged:
            raise LabelError(f"clip {index} is junk")
        return self.first + index


SETS = st.lists(st.tuples(st.integers(1, 40), st.floats(0.01, 100)), min_size=1, max_size=4)


@given(sizes=SETS, seed=st.integers(0, 2**32), data=st.data())
@settings(max_examples=30, deadline=None)
def test_draws_are_the_same_in_any_order_and_shares_are_exact(
    sizes: list[tuple[int, float]], seed: int, data: st.DataObject
) -> None:
    def mix() -> ClipMix:
        return ClipMix(
            [(ShuffledClips(Numbers(1000 * n, size), n), weight) for n, (size, weight) in enumerate(sizes)], seed
        )

    one, numbers = mix(), range(ROUND)
    drawn = [one.at(number) for number in numbers]
    asked = data.draw(st.lists(st.sampled_from(numbers), max_size=20))
    other = mix()
    assert [other.at(number) for number in asked] == [drawn[number] for number in asked]
    shares = np.bincount([clip // 1000 for clip in drawn], minlength=len(sizes)) / ROUND
    weights = np.array([weight for _, weight in sizes])
    assert np.abs(shares - weights / weights.sum()).max() <= len(sizes) / ROUND


def test_a_clip_comes_again_only_after_all_others_of_its_set() -> None:
    mix = ClipMix([(ShuffledClips(Numbers(0, 7), 1), 1.0), (ShuffledClips(Numbers(1000, 300), 2), 3.0)], seed=5)
    drawn = [mix.at(number) for number in range(4 * ROUND)]
    few, many = [clip for clip in drawn if clip < 1000], [clip for clip in drawn if clip >= 1000]
    assert (len(few), len(many)) == (ROUND, 3 * ROUND)
    for clips, size in ((few, 7), (many, 300)):
        whole = [clips[begin : begin + size] for begin in range(0, len(clips) - size + 1, size)]
        assert all(len(set(each)) == size for each in whole)
        assert whole[0] != whole[1]
    assert set(Counter(many).values()) == {10}


def test_a_pass_has_every_clip_once_and_follows_its_seed() -> None:
    clips = JoinedClips([Numbers(0, 3), Subset(Numbers(100, 10), [2, 5])])
    orders = [[ClipPass(clips, seed).at(number) for number in range(5)] for seed in range(4)]
    assert all(sorted(order) == [0, 1, 2, 102, 105] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert len(ClipPass(clips, 0)) == 5
    with pytest.raises(IndexError):
        clips[5]


def test_a_clip_that_became_damaged_is_named_and_replaced() -> None:
    shuffled = ShuffledClips(Numbers(0, 4, damaged=(2,)), seed=1)
    assert {shuffled.draw(number) for number in range(8)} == {0, 1, 3}
    assert shuffled.damaged == {2: "clip 2 is junk"}
    with pytest.raises(LabelError, match=r"in a row are damaged.*is junk"):
        ShuffledClips(Numbers(0, 2, damaged=(0, 1)), seed=1).draw(0)


@pytest.mark.parametrize("weights", [[], [0.0], [-1.0, 2.0], [float("nan")], [float("inf"), 1.0]])
def test_mixes_that_make_no_sense(weights: list[float]) -> None:
    with pytest.raises(LabelError, match="weights"):
        ClipMix([(ShuffledClips(Numbers(0, 3), 0), weight) for weight in weights], seed=0)
