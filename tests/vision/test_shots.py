from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from earwitness.vision.boxes import PERSON, Boxes
from earwitness.vision.candidates import CandidateIndex, find_candidates
from earwitness.vision.observation_cache import load, save
from earwitness.vision.observe import observe
from earwitness.vision.shots import LetterboxFinder, flat_share, has_lettering, without_lettering
from edited_video import card, noisy, plain, sway, texture
from films import RedFinder, RGBArray, scene

Film = Callable[..., Path]


def coloured(grey: NDArray[np.uint8]) -> RGBArray:
    return np.repeat(grey[..., None], 3, axis=2)


def moving(k: int, x: int) -> RGBArray:
    """The red rectangle before a textured wall, trembling."""
    made = coloured(texture(3).astype(np.uint8))
    made[..., 0] = made[..., 0] // 2
    made[100:140, x + k % 2 * 4 : x + 40 + k % 2 * 4] = (220, 30, 30)
    return made


def lettered(text: str = "The Red Return") -> RGBArray:
    picture = Image.new("RGB", (320, 180), (0, 0, 0))
    ImageDraw.Draw(picture).text((30, 60), text, fill=(230, 30, 30), font=ImageFont.load_default(36))
    return np.asarray(picture)


def test_nobody_is_tracked_over_a_cut(film: Film, red: RedFinder) -> None:
    pictures = [moving(k, 60) for k in range(20)] + [moving(k, 60)[:, ::-1] for k in range(20, 40)]
    observation = observe(film(pictures), red)
    assert [(shot.start, shot.stop, shot.kind) for shot in observation.shots] == [(0, 20, "scene"), (20, 40, "scene")]
    assert (np.asarray(observation.motion[20:21]) == 255).all()
    people = [one for one in find_candidates(observation, 90) if one.label == PERSON]
    assert [(one.start, one.stop, one.shot) for one in people] == [(0, 20, (0, 20)), (20, 40, (20, 40))]
    assert np.nanmedian(people[0].azimuth[0]) == pytest.approx(-np.nanmedian(people[1].azimuth[0]), abs=2)


def test_cards_and_black_show_nobody(film: Film, red: RedFinder) -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    pictures = (
        [moving(k, 60) for k in range(15)] + [lettered()] * 15 + [moving(k, 200) for k in range(15)] + [black] * 15
    )
    observation = observe(film(pictures), red)
    assert [shot.kind for shot in observation.shots] == ["scene", "card", "scene", "uniform"]
    assert [shot.start for shot in observation.shots] == [0, 15, 30, 45]
    people = [one for one in find_candidates(observation, 90) if one.label == PERSON]
    assert [(one.start, one.stop) for one in people] == [(0, 15), (30, 45)]


def test_somebody_before_a_plain_wall_is_no_card(film: Film, red: RedFinder) -> None:
    observation = observe(film([scene(100)] * 15), red)
    assert [shot.kind for shot in observation.shots] == ["scene"]
    assert len(CandidateIndex(observation, 90)) == 1


def test_bars_are_those_of_the_shot(film: Film, red: RedFinder, tmp_path: Path) -> None:
    barred = []
    for k in range(20):
        made = np.zeros((180, 320, 3), np.uint8)
        made[:, 80:240] = np.asarray(Image.fromarray(moving(k, 60)).resize((160, 180)))
        barred.append(made)
    observation = observe(film([moving(k, 60) for k in range(20)] + barred), red)
    assert [shot.content for shot in observation.shots] == [(0, 0, 320, 180), (80, 0, 240, 180)]
    assert observation.content == (0, 0, 320, 180)
    first, second = [one for one in find_candidates(observation, 90) if one.label == PERSON]
    # The same place in the view of the camera, whatever it fills of the picture.
    assert np.nanmedian(first.azimuth[0]) == pytest.approx(np.nanmedian(second.azimuth[0]), abs=3)
    save(observation, tmp_path / "kept.npz")
    kept = load(tmp_path / "kept.npz")
    assert kept is not None
    assert kept.shots == observation.shots


def tinted(grey: NDArray[np.uint8]) -> RGBArray:
    return np.repeat(grey[..., None], 3, axis=2)


def content(pictures: list[RGBArray]) -> tuple[int, int, int, int]:
    finder = LetterboxFinder()
    for picture in pictures:
        finder.add(Image.fromarray(picture))
    return finder.content()


def inset(ground: RGBArray, size: tuple[int, int], left: int, top: int) -> list[RGBArray]:
    pictures = []
    for grey in noisy(sway(8, 4)):
        made = ground.copy()
        made[top : top + size[1], left : left + size[0]] = np.asarray(Image.fromarray(tinted(grey)).resize(size))
        pictures.append(made)
    return pictures


def test_a_window_on_a_ground_of_one_colour() -> None:
    for colour in ((0, 0, 0), (40, 90, 160), (240, 240, 240)):
        ground = np.full((180, 320, 3), colour, np.uint8)
        for left, top in ((80, 45), (140, 20), (10, 80)):
            assert content(inset(ground, (160, 90), left, top)) == pytest.approx(
                (left, top, left + 160, top + 90), abs=2
            )


def test_an_upright_picture_on_a_blurred_copy_of_itself() -> None:
    pictures = []
    for grey in noisy(sway(8, 4)):
        upright = Image.fromarray(tinted(grey[:, 110:210]))
        made = np.asarray(
            upright.resize((320, 576)).crop((0, 198, 320, 378)).filter(ImageFilter.GaussianBlur(12))
        ).copy()
        made[:, 110:210] = np.asarray(upright)
        pictures.append(made)
    assert content(pictures) == pytest.approx((110, 0, 210, 180), abs=3)


def test_honest_pictures_have_no_bars() -> None:
    for seed in range(6):
        assert content([tinted(grey) for grey in noisy(sway(seed, 4))]) == (0, 0, 320, 180)
    soft = [np.asarray(Image.fromarray(tinted(grey)).filter(ImageFilter.GaussianBlur(5))) for grey in noisy(sway(1, 3))]
    assert content(soft) == (0, 0, 320, 180)
    focus = [np.asarray(Image.fromarray(picture)).copy() for picture in soft]
    weight = np.exp(-(((np.arange(320) - 160) / 60) ** 2))[None, :, None]  # sharp in the middle alone
    for picture, grey in zip(focus, noisy(sway(1, 3)), strict=True):
        picture[:] = (weight * tinted(grey) + (1 - weight) * picture).astype(np.uint8)
    assert content(focus) == (0, 0, 320, 180)


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
