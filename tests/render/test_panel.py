from __future__ import annotations

from math import nan

import numpy as np
import pytest

from earwitness.core.vocabulary import CLASSES
from earwitness.render.marks import Mark
from earwitness.render.style import Scale
from earwitness.render.video.panel import RANGE_M, Radar

SCALE = Scale(1280, 720)


def mark(azimuth: float, distance: float, onscreen: bool = True) -> Mark:
    return Mark(CLASSES[11], 0, azimuth, distance, azimuth, distance, onscreen, 1.0, 0)


def centre(radar: Radar, *marks: Mark) -> tuple[float, float]:
    """Mean column and row of the class's colour."""
    picture = radar.picture(list(marks)).astype(int)
    rows, columns = np.nonzero(np.abs(picture - CLASSES[11].rgb).sum(axis=2) < 40)
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("azimuth", [-90, -45, 0, 30, 90])
@pytest.mark.parametrize("distance", [0.5, 2.0, 5.0])
def test_dots_stand_where_they_should(azimuth: float, distance: float) -> None:
    radar = Radar(420, SCALE, 100)
    np.testing.assert_allclose(centre(radar, mark(azimuth, distance)), radar.position(azimuth, distance), atol=1.5)


def test_left_is_left_near_is_low_and_far_stops_at_the_rim() -> None:
    radar = Radar(420, SCALE, 100)
    assert radar.position(60, 2)[0] < 210 < radar.position(-60, 2)[0]
    rows = [radar.position(0, distance)[1] for distance in (0, 1, 2, 5, RANGE_M, 50)]
    assert rows == sorted(rows, reverse=True)
    assert rows[-1] == rows[-2]
    assert rows[0] - rows[-1] == pytest.approx(radar.radius)


def test_outside_the_picture_is_hollow() -> None:
    radar = Radar(420, SCALE, 100)
    x, y = (round(value) for value in radar.position(20, 2))
    for onscreen in (True, False):
        pixel = radar.picture([mark(20, 2, onscreen)])[y, x].astype(int)
        assert bool(np.abs(pixel - CLASSES[11].rgb).sum() < 40) is onscreen


def test_unknown_distance_is_a_ray_and_unknown_direction_is_nothing() -> None:
    radar = Radar(420, SCALE, 100)
    empty = radar.picture([])
    np.testing.assert_array_equal(radar.picture([mark(nan, 2)]), empty)
    picture = radar.picture([mark(45, nan)]).astype(int)
    for distance in (1, 3, 6):
        x, y = (round(value) for value in radar.position(45, distance))
        assert np.abs(picture[y, x] - CLASSES[11].rgb).sum() < 60


def test_the_wedge_is_the_field_of_view() -> None:
    radar = Radar(420, SCALE, 60)
    ground = radar.picture([]).astype(int)

    def shade(azimuth: float) -> int:
        x, y = radar.position(azimuth, 3.3)
        return int(ground[round(y), round(x)].sum())

    assert shade(0) == shade(25) == shade(-25)
    assert shade(35) == shade(-35) < shade(0)
