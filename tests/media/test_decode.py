from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from earwitness.media.sound.conversion import joined_channels
from earwitness.media.sound.decode import Sound, join, mark_last, silence, without_padding


def sound(samples: int, start: Fraction | None = Fraction(0)) -> Sound:
    return Sound(np.ones((2, samples), np.float32), start, 1000, False, False)


def blocks(values: list[int], size: int) -> list[np.ndarray]:
    line = np.array(values, np.float32)
    return [np.stack([line[k : k + size], -line[k : k + size]]) for k in range(0, len(line), size)]


@pytest.mark.parametrize(("left", "right"), [(3, 5), (5, 2), (1, 7)])
def test_channels_are_joined_whatever_their_block_sizes(left: int, right: int) -> None:
    pairs = joined_channels(blocks([1, 2, 3, 4, 5, 6, 7], left), blocks([10, 20, 30, 40], right))
    joined = np.concatenate(list(pairs), axis=1)
    np.testing.assert_array_equal(joined, [[1, 2, 3, 4, 5, 6, 7], [10, 20, 30, 40, 0, 0, 0]])


def test_only_the_last_frame_is_marked() -> None:
    assert [last for _, last in mark_last(iter([sound(1)] * 3))] == [False, False, True]
    assert list(mark_last(iter([]))) == []


def test_padding_after_the_declared_end_is_removed() -> None:
    assert without_padding(sound(100), Fraction(6, 100)).shape == (2, 60)
    assert without_padding(sound(100), Fraction(1)).shape == (2, 100)
    assert without_padding(sound(100), None).shape == (2, 100)
    assert without_padding(sound(100, None), Fraction(6, 100)).shape == (2, 100)


def test_long_silence_comes_in_blocks_and_the_remainder_is_kept() -> None:
    parts = [np.ones((2, 10), np.float32)]
    out = list(silence(1000, 2500, parts))
    assert [block.shape[1] for _, block in out] == [10, 1000, 1000]
    assert [part.shape[1] for part in parts] == [500]
    assert [block.shape[1] for _, block in join(1000, parts)] == [500]
    assert parts == []
