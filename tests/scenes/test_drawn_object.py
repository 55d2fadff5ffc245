from __future__ import annotations

import numpy as np
import pytest

from drawings import drawn
from earwitness.scenes.pictures.cutouts import OBJECTS
from earwitness.scenes.pictures.objects.drawn_object import SILENT, DrawnObject, draw_trolley, plain_box


@pytest.mark.parametrize("one", [*OBJECTS, plain_box("kettle")], ids=lambda one: one.name)
def test_objects_change_while_active_and_fit_their_pictures(one: DrawnObject) -> None:
    silent = drawn(one, SILENT)
    assert 0.05 < (silent[..., 3] > 128).mean() < 1
    assert 0 < one.sound < one.height
    phases = [drawn(one, phase) for phase in range(one.phases)]
    assert any((phase != silent).any() for phase in phases)
    assert len({phase.tobytes() for phase in phases}) > 1


def test_a_class_without_a_drawn_object_has_a_box_that_shakes() -> None:
    box = plain_box("smoke_alarm")
    assert (box.kind, box.name, box.stance) == ("smoke_alarm", "smoke alarm", "table")
    middles = [np.nonzero(drawn(box, phase)[..., 3] > 128)[1].mean() for phase in range(box.phases)]
    assert max(middles) - min(middles) > 0.3
    assert middles[0] == pytest.approx(middles[2])


def test_trolleys_are_as_high_as_asked() -> None:
    picture = draw_trolley(0.7, 100)
    assert picture.height == 70
    assert np.asarray(picture)[2, 25, 3] == 255
