from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.detectors.lettering import flat_share, has_lettering, without_lettering
from edited_video import card, noisy, plain, texture
from films import RGBArray


def coloured(grey: NDArray[np.uint8]) -> RGBArray:
    return np.repeat(grey[..., None], 3, axis=2)


def lettered(text: str = "The Red Return") -> RGBArray:
    picture = Image.new("RGB", (320, 180), (0, 0, 0))
    ImageDraw.Draw(picture).text((30, 60), text, fill=(230, 30, 30), font=ImageFont.load_default(36))
    return np.asarray(picture)


def test_lettering_is_no_person() -> None:
    text = lettered()
    boxes = Boxes.of([[28, 58, 300, 100], [100, 20, 200, 170]], [0.6, 0.7], PERSON)
    assert len(without_lettering(text, boxes)) == 1
    photo = coloured(next(noisy([texture(5)])))
    assert without_lettering(photo, boxes) is boxes
    striped = photo.copy()
    striped[60:100, 100:200:8] = 250  # a shirt
    assert without_lettering(striped, boxes) is boxes
    assert without_lettering(text, Boxes.of([[28, 58, 300, 100]], [0.6], "door")).label == ("door",)
    assert without_lettering(text, Boxes.none()).label == ()


def test_cards_are_flat_and_lettered() -> None:
    for ground, ink in ((20, 230), (245, 10)):
        grey = card("Kapitel 3", ground, ink).astype(np.uint8)
        assert flat_share(grey) > 0.7
        assert has_lettering(grey)
    assert flat_share(texture(5).astype(np.uint8)) < 0.4
    assert not has_lettering(np.asarray(plain(90), np.uint8))
