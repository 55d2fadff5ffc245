from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageDraw

from earwitness.core.vocabulary import CLASSES
from earwitness.render.icons import draw_icon, icon_shapes, svg_icon


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
