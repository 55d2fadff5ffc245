from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earwitness.core.vocabulary import CLASSES
from earwitness.scenes.pictures.cutouts import PEOPLE_PER_CLASS, CutoutLibrary
from earwitness.scenes.pictures.people.figure import PHASES, Appearance
from earwitness.scenes.pictures.people.people import HEIGHT, MOUTH, WIDTH, draw_person, elbow_breadth


def test_every_class_has_cutouts() -> None:
    library = CutoutLibrary()
    for sound_class in CLASSES:
        assert library.cutouts(sound_class.slug)
    assert len(library.cutouts("female_speech")) == PEOPLE_PER_CLASS


@pytest.mark.parametrize("action", ["talk", "clap", "laugh"])
def test_people_move_while_active(action: str) -> None:
    appearance = Appearance.draw(woman=True, rng=np.random.default_rng(1))
    pictures = {draw_person(appearance, action, False, phase, 60).tobytes() for phase in range(PHASES)}  # type: ignore[arg-type]
    assert len(pictures) == PHASES
    height = draw_person(appearance, action, False, 0, 60).height  # type: ignore[arg-type]
    assert height == round(60 * HEIGHT)
    assert 0.8 * HEIGHT < MOUTH < HEIGHT


@pytest.mark.parametrize("scale", [16, 60, 200])
def test_pictures_have_the_size_of_the_person_at_any_scale(scale: int) -> None:
    appearance = Appearance.draw(woman=False, rng=np.random.default_rng(2))
    picture = draw_person(appearance, "stand", False, 0, scale)
    assert picture.size == (pytest.approx(scale * WIDTH, abs=1), pytest.approx(scale * HEIGHT, abs=1))
    rows, columns = np.nonzero(np.asarray(picture)[..., 3] > 128)
    assert rows.max() > 0.97 * picture.height - 2  # the feet are on the ground
    assert rows.min() < 0.1 * picture.height
    assert abs(columns.mean() - picture.width / 2) < 0.05 * picture.width


def test_people_of_more_girth_are_broader() -> None:
    person = Appearance.draw(woman=True, rng=np.random.default_rng(3))
    thin, stout = (replace(person, girth=girth) for girth in (0.92, 1.14))
    assert elbow_breadth(thin) < elbow_breadth(stout)
    areas = [(np.asarray(draw_person(one, "stand", False, 0, 60))[..., 3] > 128).sum() for one in (thin, stout)]
    assert areas[0] < areas[1]
