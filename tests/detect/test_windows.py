from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earwitness.core.errors import UsageError
from earwitness.detect.runner.windows import OverlapMean, WindowPlan, align_tracks, cut_windows

PLAN = WindowPlan(length=10, hop=5, oversampling=5)


def ramp(label_frames: int, oversampling: int = 5) -> NDArray[np.float32]:
    """Features whose value is the feature frame's number."""
    frames = label_frames * oversampling
    return np.broadcast_to(np.arange(frames, dtype=np.float32)[None, :, None], (2, frames, 3)).copy()


def split(features: NDArray[np.float32], sizes: list[int]) -> list[NDArray[np.float32]]:
    cuts = np.cumsum(sizes)
    return list(np.split(features, cuts[cuts < features.shape[1]], axis=1))


def overlap_all(output: NDArray[np.float32], plan: WindowPlan) -> NDArray[np.float32]:
    """Send a whole output (frames, 3, 13, 4) through windows that each hold a slice of it."""
    mean = OverlapMean(plan.length)
    number = np.repeat(np.arange(len(output), dtype=np.float32), plan.oversampling)[None, :, None]
    parts = []
    for window in cut_windows([number], plan):
        rows = window.features[0, :: plan.oversampling, 0].astype(int)
        parts.append(mean.add(window.start, output[rows]))
    parts.append(mean.close())
    return np.concatenate(parts)[: len(output)]


@given(label_frames=st.integers(1, 60), hop=st.integers(1, 10), sizes=st.lists(st.integers(0, 60), max_size=12))
def test_the_same_windows_whatever_the_blocks(label_frames: int, hop: int, sizes: list[int]) -> None:
    plan = WindowPlan(length=10, hop=hop, oversampling=5)
    features = ramp(label_frames)
    whole = list(cut_windows([features], plan))
    chunked = list(cut_windows(split(features, sizes), plan))
    assert [window.start for window in whole] == [window.start for window in chunked]
    for a, b in zip(whole, chunked, strict=True):
        np.testing.assert_array_equal(a.features, b.features)


@given(label_frames=st.integers(10, 90), hop=st.integers(1, 10))
def test_windows_cover_the_stream_without_padding(label_frames: int, hop: int) -> None:
    windows = list(cut_windows([ramp(label_frames)], WindowPlan(length=10, hop=hop, oversampling=5)))
    starts = [window.start for window in windows]
    assert starts[0] == 0
    assert starts[-1] + 10 == label_frames
    assert all(0 < b - a <= hop for a, b in pairwise(starts))
    for window in windows:
        np.testing.assert_array_equal(window.features[0, :, 0], np.arange(50) + window.start * 5)


def test_a_short_stream_is_padded_to_one_window() -> None:
    (window,) = cut_windows([ramp(3)], PLAN)
    assert window.start == 0
    assert window.features.shape == (2, 50, 3)
    np.testing.assert_array_equal(
        window.features[0, :, 0], [*range(15), *range(14, -1, -1), *range(15), *range(14, 9, -1)]
    )


def test_an_empty_stream_has_no_window() -> None:
    assert list(cut_windows([], PLAN)) == []
    assert list(cut_windows([np.zeros((2, 0, 3), np.float32)], PLAN)) == []


def test_a_hop_beyond_the_window_is_refused() -> None:
    with pytest.raises(UsageError, match=r"1\.\.10"):
        WindowPlan(length=10, hop=11)


def test_the_buffer_stays_small_on_a_long_stream() -> None:
    def blocks() -> list[NDArray[np.float32]]:
        return [np.zeros((1, 7, 1), np.float32) for _ in range(5000)]

    sizes = {
        window.features.base.shape[1] for window in cut_windows(blocks(), PLAN) if window.features.base is not None
    }
    assert max(sizes) <= 2 * 50 + 7


@settings(deadline=None, max_examples=40)
@given(frames=st.integers(10, 70), hop=st.integers(1, 10), seed=st.integers(0, 2**16))
def test_windows_that_agree_leave_the_output_as_it_is(frames: int, hop: int, seed: int) -> None:
    output = np.random.default_rng(seed).normal(size=(frames, 3, 13, 4)).astype(np.float32)
    np.testing.assert_allclose(overlap_all(output, WindowPlan(10, hop, 5)), output, atol=2e-5)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**16))
def test_reordered_tracks_are_put_back_in_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    output = rng.normal(size=(30, 3, 13, 4)).astype(np.float32)
    mean, parts = OverlapMean(10), []
    for start in range(0, 21, 5):
        window = output[start : start + 10]
        if start:
            order = np.stack([rng.permutation(3) for _ in range(13)])
            window = window[:, order.T, np.arange(13)]
        parts.append(mean.add(start, window))
    np.testing.assert_allclose(np.concatenate([*parts, mean.close()]), output, atol=2e-5)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_alignment_undoes_each_permutation(order: tuple[int, ...]) -> None:
    output = np.random.default_rng(3).normal(size=(8, 3, 2, 4)).astype(np.float32)
    shuffled = output[:, list(order)]
    aligned = align_tracks(output[:5, :, :, :2], shuffled, np.ones(5, np.float32))
    np.testing.assert_array_equal(aligned, output)


def test_classes_are_aligned_apart() -> None:
    output = np.random.default_rng(4).normal(size=(8, 3, 2, 4)).astype(np.float32)
    shuffled = output.copy()
    shuffled[:, :, 1] = output[:, [2, 0, 1], 1]
    np.testing.assert_array_equal(align_tracks(output[..., :2], shuffled, np.ones(8, np.float32)), output)


def test_without_alignment_two_opposite_sources_would_cancel() -> None:
    window = np.zeros((10, 3, 13, 4), np.float32)
    window[:, 0, 0, 1], window[:, 1, 0, 1] = 0.9, -0.9
    mean = OverlapMean(10)
    parts = [mean.add(0, window), mean.add(5, window[:, [1, 0, 2]]), mean.close()]
    np.testing.assert_allclose(np.concatenate(parts)[:, 0, 0, 1], 0.9, atol=1e-6)


def test_a_silent_window_does_not_pull_the_distance() -> None:
    loud = np.zeros((10, 3, 13, 4), np.float32)
    loud[..., 0], loud[..., 2], loud[..., 3] = 1.0, 2.0, 1.0
    silent = np.zeros((10, 3, 13, 4), np.float32)
    silent[..., 2] = 9.0
    mean = OverlapMean(10)
    parts = np.concatenate([mean.add(0, loud), mean.add(5, silent), mean.close()])
    np.testing.assert_allclose(parts[:5, ..., 2], 2.0, atol=1e-6)
    assert np.all(parts[5:9, ..., 2] < 2.1)
    assert np.all(np.diff(parts[4:11, 0, 0, 0]) < 0)  # while the activity fades from one window to the other
