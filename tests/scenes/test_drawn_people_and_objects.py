from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.vocabulary import CLASSES
from earwitness.scenes.pictures.cutouts import OBJECTS, PEOPLE_PER_CLASS, CutoutLibrary
from earwitness.scenes.pictures.objects.drawn_object import SILENT, DrawnObject, draw_trolley
from earwitness.scenes.pictures.painter import SpriteCanvas
from earwitness.scenes.pictures.people.figure import PHASES, Appearance, pose_of
from earwitness.scenes.pictures.people.people import HEIGHT, MOUTH, draw_person


def drawn(one: DrawnObject, phase: int) -> np.ndarray:
    canvas = SpriteCanvas(one.width, one.height, 64)
    one.draw(canvas, one.palettes[0], phase)
    return np.asarray(canvas.finish())


@pytest.mark.parametrize("one", OBJECTS, ids=lambda one: one.name)
def test_objects_change_while_active_and_fit_their_pictures(one: DrawnObject) -> None:
    silent = drawn(one, SILENT)
    assert 0.05 < (silent[..., 3] > 128).mean() < 1
    assert 0 < one.sound < one.height
    phases = [drawn(one, phase) for phase in range(one.phases)]
    assert any((phase != silent).any() for phase in phases)
    assert len({phase.tobytes() for phase in phases}) > 1


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


def test_walking_lifts_one_foot_after_the_other() -> None:
    lifted = [[foot[1] > 0.06 for foot in pose_of("stand", True, phase, 0.2).feet] for phase in range(PHASES)]
    assert lifted == [[False, False], [True, False], [False, False], [False, True]]
    assert pose_of("stand", False, 2, 0.2) == pose_of("stand", False, 2 + PHASES, 0.2)


def test_appearances_are_reproducible_and_varied() -> None:
    people = [Appearance.draw(bool(seed % 2), np.random.default_rng(seed)) for seed in range(20)]
    assert people == [Appearance.draw(bool(seed % 2), np.random.default_rng(seed)) for seed in range(20)]
    assert len({person.top for person in people}) > 5
    assert not any(person.beard for person in people if person.woman)


def test_trolleys_are_as_high_as_asked() -> None:
    picture = draw_trolley(0.7, 100)
    assert picture.height == 70
    assert np.asarray(picture)[2, 25, 3] == 255
