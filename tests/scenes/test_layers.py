from __future__ import annotations

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.scenes.pictures.billboard import Patch
from earwitness.scenes.pictures.layers import Layers, Planes

HEIGHT, WIDTH = 70, 102


@st.composite
def patches(draw: st.DrawFn) -> Patch:
    x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
    width, height = draw(st.integers(1, WIDTH - x)), draw(st.integers(1, HEIGHT - y))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    keep = rng.integers(0, 256, (height, width, 1), dtype=np.uint8)
    return Patch(x, y, (rng.random((height, width, 3)) * (255 - keep)).astype(np.uint8), keep)


@st.composite
def films(draw: st.DrawFn) -> list[list[Patch | None]]:
    """Pictures in which some patches stay, some come and go, and some change places."""
    known = [None, *draw(st.lists(patches(), min_size=1, max_size=4))]
    picture = st.lists(st.sampled_from(known), max_size=5)
    return draw(st.lists(picture, min_size=1, max_size=5))


def converted(picture: np.ndarray) -> VideoFrame:
    frame = VideoFrame.from_ndarray(picture, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)


def planes(frame: VideoFrame) -> list[np.ndarray]:
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    ]


@given(film=films(), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_what_is_laid_over_and_converted_anew_is_what_a_whole_new_picture_would_be(
    film: list[list[Patch | None]], seed: int
) -> None:
    background = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    layers, kept = Layers(background), Planes(background)
    for shown in film:
        kept.update(layers.picture, layers.show(shown))
        whole = background.copy()
        for patch in shown:
            if patch is not None:
                patch.composite(whole)
        assert np.array_equal(layers.picture, whole)
        for one, other in zip(planes(kept.frame()), planes(converted(whole)), strict=True):
            assert np.abs(one.astype(int) - other).max() <= 1


def test_a_picture_in_which_nothing_changes_is_left_alone() -> None:
    background = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    patch = Patch(3, 4, np.full((5, 6, 3), 9, dtype=np.uint8), np.zeros((5, 6, 1), dtype=np.uint8))
    far = Patch(80, 50, np.full((5, 6, 3), 9, dtype=np.uint8), np.zeros((5, 6, 1), dtype=np.uint8))
    layers = Layers(background)
    assert layers.show([patch, None]) == [(3, 4, 9, 9)]
    assert layers.show([patch, None]) == []
    assert layers.show([patch, far]) == [(80, 50, 86, 55)]
    assert sorted(layers.show([])) == [(3, 4, 9, 9), (80, 50, 86, 55)]
    assert not layers.picture.any()


def test_frames_already_given_stay_as_they_were() -> None:
    picture = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    kept = Planes(picture)
    first = kept.frame()
    before = planes(first)[0].copy()
    picture[10:20, 10:20] = 255
    kept.update(picture, [(10, 10, 20, 20)])
    assert np.array_equal(planes(first)[0], before)
    assert planes(kept.frame())[0][15, 15] == 235


def test_odd_sizes_lose_their_last_column_and_row() -> None:
    frame = Planes(np.full((35, 51, 3), 200, dtype=np.uint8)).frame()
    assert (frame.width, frame.height) == (50, 34)
