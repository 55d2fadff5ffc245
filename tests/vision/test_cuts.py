from __future__ import annotations

import numpy as np
import pytest

from earwitness.vision.cuts import CutFinder, similarity, similarity_in_place, structure
from edited_video import Grey, card, faded, held, noisy, pan, plain, shaken, sway, walk


def finder(pictures: list[Grey], scale: float = 2.0) -> CutFinder:
    made = CutFinder()
    for picture in noisy(pictures, scale):
        made.add(picture)
    made.finish()
    assert made.decided == len(pictures)
    assert len(made.blank) == len(made.cuts) + bool(pictures)
    return made


def lit(pictures: list[Grey], light: list[float]) -> list[Grey]:
    return [np.clip(picture * (1 + one / 300) + one, 0, 255) for picture, one in zip(pictures, light, strict=True)]


@pytest.mark.parametrize("seed", range(3))
def test_one_camera_is_one_shot(seed: int) -> None:
    for pictures in (walk(seed), sway(seed), pan(seed, speed=30), pan(seed, speed=110), shaken(seed)):
        assert finder(pictures).cuts == []


@pytest.mark.parametrize("light", [
    [120.0 if 12 <= k < 13 else 0 for k in range(30)],
    [150.0 if 12 <= k < 15 else 0 for k in range(30)],
    [90.0 * (k % 3 == 0) for k in range(30)],
    [200 * np.exp(-(k - 10) / 5) if k >= 10 else 0 for k in range(30)],
    [-60.0 if k >= 15 else 0 for k in range(30)],
])  # fmt: skip
def test_light_is_no_cut(light: list[float]) -> None:
    for seed in (0, 1, 2):
        assert finder(lit(sway(seed), light)).cuts == []


@pytest.mark.parametrize("seed", range(3))
def test_hard_cuts(seed: int) -> None:
    a, b, c = walk(seed), sway(seed + 50), shaken(seed + 90)
    assert finder(a + b).cuts == [30]
    assert finder(a + b, scale=8).cuts == [30]
    assert finder(a + b, scale=0).cuts == [30]
    assert finder(pan(seed, speed=30) + pan(seed + 7, speed=30)).cuts == [20]
    assert finder(shaken(seed) + c).cuts == [30]
    assert finder(a[:15] + b[:12] + a[15:]).cuts == [15, 27]
    assert finder(a[:8] + b[:8] + c[:8]).cuts == [8, 16]
    assert finder([0.15 * picture + 16 for picture in a + b], scale=1).cuts == [30]


@pytest.mark.parametrize("seed", range(3))
def test_a_mirrored_picture_is_another_shot(seed: int) -> None:
    a = sway(seed)
    assert finder(a[:15] + [picture[:, ::-1] for picture in a[15:]]).cuts == [15]


def test_black_and_cards() -> None:
    a = sway(4)
    found = finder(a[:15] + held(plain(16)) + a[15:], scale=0.5)
    assert (found.cuts, found.blank) == ([15, 35], [False, True, False])
    found = finder(a[:15] + held(card("CHAPTER TWO")) + a[15:])
    assert (found.cuts, found.blank) == ([15, 35], [False, False, False])
    assert finder(held(plain(16)) + a, scale=0.5).blank == [True, False]
    out = [picture * max(0.0, 1 - k / 12) for k, picture in enumerate(a)]
    assert finder(out, scale=0).blank == [False, True]


@pytest.mark.parametrize("count", [5, 10, 20])
def test_cross_fades_are_cut_in_their_middle(count: int) -> None:
    (cut,) = finder(faded(walk(1), sway(51), count)).cuts
    assert cut == pytest.approx(30 - count / 2, abs=max(4, count / 2))


def test_bars_that_appear() -> None:
    def barred(picture: Grey, rows: int, columns: int) -> Grey:
        made = picture.copy()
        made[:rows], made[180 - rows :], made[:, :columns], made[:, 320 - columns :] = 16, 16, 16, 16
        return made

    a = sway(6)
    assert finder(a[:15] + [barred(picture, 20, 0) for picture in a[15:]]).cuts == [15]
    assert finder(a[:15] + [barred(picture, 0, 60) for picture in a[15:]]).cuts == [15]


def test_decisions_come_as_the_pictures_do() -> None:
    made, pictures = CutFinder(), list(noisy(walk(0, 40) + sway(50, 40)))
    for number, picture in enumerate(pictures):
        made.add(picture)
        assert number - 60 <= made.decided <= number
    assert made.cuts == [40]


def test_short_films() -> None:
    assert finder([]).cuts == []
    for count in (1, 2, 3):
        assert finder(walk(0, count)).cuts == []


def test_similarity() -> None:
    one, other = (structure(walk(seed, 1)[0][::4, ::4]) for seed in (1, 2))
    assert similarity_in_place(one, one) == pytest.approx(1, abs=1e-5)
    assert similarity_in_place(one, 0.2 * one) == pytest.approx(1, abs=1e-5)
    assert similarity(one[:, :60], one[:, 20:]) == pytest.approx(1, abs=1e-3)
    assert similarity_in_place(one[:, :60], one[:, 20:]) < 0.4
    assert similarity(one, other) < 0.35
