"""Icons of classes, and sprites."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from earwitness.core.vocabulary import CLASSES
from earwitness.render.icons import Sprite, SpriteCache, draw_icon, icon_shapes, smooth_drawing, svg_icon


def drawn(class_index: int) -> np.ndarray:  # type: ignore[type-arg]
    image = Image.new("L", (64, 64), 0)
    draw_icon(ImageDraw.Draw(image), CLASSES[class_index], 2, 2, 60, (255,), (0,))
    return np.asarray(image)


def test_every_class_has_an_icon_of_its_own() -> None:
    pictures = [drawn(sound_class.index) for sound_class in CLASSES]
    for k, picture in enumerate(pictures):
        assert 0.08 < (picture > 0).mean() < 0.75, CLASSES[k].name
        assert not any(np.mean(picture != other) < 0.03 for other in pictures[:k]), CLASSES[k].name


@pytest.mark.parametrize("class_index", range(13))
def test_svg_is_well_formed_and_in_its_box(class_index: int) -> None:
    root = ElementTree.fromstring(f"<svg>{svg_icon(CLASSES[class_index])}</svg>")
    assert len(root) == len(icon_shapes(CLASSES[class_index]))
    numbers = [float(n) for shape in root for pair in shape.get("points", "").split() for n in pair.split(",")]
    assert all(-0.02 <= n <= 1.02 for n in numbers)


def test_classes_without_an_icon_have_a_ring() -> None:
    assert len(icon_shapes(replace(CLASSES[0], icon="no such icon"))) == 2


def plain(width: int, height: int, colour: tuple[int, int, int], alpha: int) -> Sprite:
    return Sprite.from_image(Image.new("RGBA", (width, height), (*colour, alpha)))


@settings(deadline=None)
@given(
    colour=st.tuples(*[st.integers(0, 255)] * 3), alpha=st.integers(0, 255), ground=st.integers(0, 255),
    left=st.integers(-12, 24), top=st.integers(-12, 24),
)  # fmt: skip
def test_blending_is_the_weighted_mean_inside_and_nothing_outside(
    colour: tuple[int, int, int], alpha: int, ground: int, left: int, top: int
) -> None:
    canvas = np.full((20, 20, 3), ground, np.uint8)
    plain(8, 6, colour, alpha).blend(canvas, left, top)
    expected = np.full((20, 20, 3), ground, float)
    rows, columns = slice(max(0, top), max(0, top + 6)), slice(max(0, left), max(0, left + 8))
    expected[rows, columns] = ground + (np.array(colour) - ground) * alpha / 255
    np.testing.assert_allclose(canvas, expected, atol=2)


def test_opaque_sprites_are_exact() -> None:
    canvas = np.zeros((4, 4, 3), np.uint8)
    plain(2, 2, (255, 1, 77), 255).blend_centred(canvas, 2, 2)
    np.testing.assert_array_equal(canvas[1:3, 1:3].reshape(-1, 3), [[255, 1, 77]] * 4)
    assert canvas.sum() == 4 * (255 + 1 + 77)


def test_smooth_edges_do_not_darken() -> None:
    image = smooth_drawing(20, 20, (200, 100, 50), lambda d, z: d.ellipse([2 * z, 2 * z, 18 * z, 18 * z],
                                                                           fill=(200, 100, 50, 255)))  # fmt: skip
    rgba = np.array(image)
    partly = (rgba[..., 3] > 20) & (rgba[..., 3] < 235)
    assert partly.sum() > 10
    np.testing.assert_allclose(rgba[partly][:, :3], [[200, 100, 50]] * int(partly.sum()), atol=6)


def test_cache_draws_once_and_forgets_what_was_not_used_for_longest() -> None:
    drawn: list[int] = []

    def make(shade: int) -> Sprite:
        drawn.append(shade)
        return plain(1, 1, (shade, 0, 0), 255)

    cache = SpriteCache(most_bytes=3 * plain(1, 1, (0, 0, 0), 255).nbytes)
    for shade in (1, 2, 1, 2, 3, 1, 4, 1, 3, 2):
        assert cache.get(make, shade).light[0, 0, 0] == shade * 256
    assert drawn == [1, 2, 3, 4, 2]


def test_cache_holds_no_more_than_it_may() -> None:
    cache = SpriteCache(most_bytes=100_000)
    for shade in range(200):
        cache.get(lambda shade: plain(20, 20, (shade, 0, 0), 255), shade)
    assert 0 < sum(sprite.nbytes for sprite in cache._sprites.values()) <= 100_000
    large = cache.get(lambda: plain(200, 200, (0, 0, 0), 255))
    assert large.nbytes > 100_000
    assert cache.get(lambda: plain(200, 200, (0, 0, 0), 255)) is large
