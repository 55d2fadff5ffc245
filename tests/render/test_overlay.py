from __future__ import annotations

from math import nan

import numpy as np
import pytest

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import DCASE2025
from earwitness.render.marks import Mark
from earwitness.render.style import class_colour
from earwitness.render.video.overlay import Overlay

GREY = 120
SIZES = [(640, 360), (1280, 720), (360, 640), (3840, 2160)]


def mark(azimuth: float, distance: float = 2.0, *, class_index: int = 11, onscreen: bool = True, lane: int = 0,
         score: float = 1.0) -> Mark:  # fmt: skip
    return Mark(DCASE2025[class_index], azimuth, distance, azimuth, distance, onscreen, score, lane)


def drawn(width: int, height: int, *marks: Mark, fov: float = 100.0) -> np.ndarray:
    canvas = np.full((height, width, 3), GREY, np.uint8)
    Overlay(width, height, fov).draw(canvas, list(marks))
    return canvas


def coloured(canvas: np.ndarray, class_index: int = 11) -> np.ndarray:
    """Pixels that have the colour of a class."""
    return np.abs(canvas.astype(int) - class_colour(DCASE2025[class_index])).sum(axis=2) < 40


def changed(canvas: np.ndarray) -> np.ndarray:
    return (canvas != GREY).any(axis=2)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1280, 720), (360, 640)])
@pytest.mark.parametrize("azimuth", [-40, -10, 0, 25, 45])
def test_the_ring_stands_at_the_sources_column(width: int, height: int, azimuth: float) -> None:
    canvas = drawn(width, height, mark(azimuth))
    column = float(Camera(width, height, 100.0).column(azimuth))
    row = round(height * 0.45)
    # The ring's left and right edges on the horizon, and its dot, lie evenly about the source's column.
    reach = round(26 * Overlay(width, height, 100).scale.unit)
    window = np.arange(max(0, round(column) - reach), min(width, round(column) + reach))
    ring = window[coloured(canvas)[row, window]]
    assert (ring[0] + ring[-1]) / 2 == pytest.approx(column, abs=1.5)
    assert np.count_nonzero(np.diff(ring) > 1) == 2


def test_left_is_left() -> None:
    left, right = (np.flatnonzero(changed(drawn(640, 360, mark(azimuth)))[20]) for azimuth in (30, -30))
    assert left.max() < 320 < right.min()
    assert left.mean() + right.mean() == pytest.approx(640, abs=1.5)


def test_the_ring_shrinks_with_distance() -> None:
    areas = [coloured(drawn(640, 360, mark(0, distance))).sum() for distance in (0.5, 1, 2, 4, 8)]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] > 1.5 * areas[-1]


def test_confidence_shows_as_opacity_but_not_of_what_has_to_be_read() -> None:
    strong, weak = (drawn(640, 360, mark(0, score=score)).astype(int) for score in (1.0, 0.1))
    ring, label = np.s_[:, :320], np.s_[:, 360:]
    assert np.abs(strong[ring] - GREY).sum() > 1.2 * np.abs(weak[ring] - GREY).sum()
    assert np.abs(strong[label] - GREY).sum() > 0
    np.testing.assert_array_equal(strong[label], weak[label])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_sources_aside_get_an_arrow_at_the_edge(width: int, height: int) -> None:
    left, right = (coloured(drawn(width, height, mark(azimuth, onscreen=False))) for azimuth in (75, -75))
    assert np.flatnonzero(left.any(axis=0)).max() < width * 0.2
    assert np.flatnonzero(right.any(axis=0)).min() > width * 0.3
    assert np.flatnonzero(right.any(axis=0)).max() > width * 0.95
    # The arrow points outwards: its tip is a single point, its back is high.
    columns = np.flatnonzero(left.any(axis=0))
    heights = left[:, columns].sum(axis=0)
    assert heights[0] < heights[len(heights) // 4]


def test_the_field_of_view_decides_what_is_aside() -> None:
    wide, narrow = (changed(drawn(640, 360, mark(-30), fov=fov)) for fov in (100.0, 50.0))
    assert wide[:30].any(), "in view there is a beam from the top"
    assert not narrow[:30].any()


def test_unseen_sources_in_view_are_dashed() -> None:
    solid, dashed = (coloured(drawn(640, 360, mark(0, onscreen=onscreen))).sum() for onscreen in (True, False))
    assert dashed < 0.92 * solid, "the icon within is the same; the ring has gaps"


def test_unknown_directions_stand_in_the_corner() -> None:
    canvas = drawn(640, 360, mark(nan, nan, lane=0), mark(nan, 1.0, lane=1, class_index=3))
    rows, columns = np.nonzero(changed(canvas))
    assert columns.max() < 220
    assert rows.max() < 100
    assert coloured(canvas, 11).any()
    assert coloured(canvas, 3).any()


def test_lanes_do_not_cover_each_other() -> None:
    alone = [changed(drawn(640, 360, mark(azimuth, lane=lane))) for lane, azimuth in ((0, 12.0), (1, 10.0), (2, 8.0))]
    labels = [picture[:, 420:520] for picture in alone]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert not (labels[first] & labels[second]).any()


@pytest.mark.parametrize("azimuth", [-50, -49.9, 49.9, 50, 89, -90, 90])
@pytest.mark.parametrize("lane", [0, 7, 30])
def test_extremes_stay_inside_the_picture(azimuth: float, lane: int) -> None:
    for width, height in ((64, 36), (640, 360), (360, 640)):
        assert changed(drawn(width, height, mark(azimuth, 0.0, lane=lane))).any()


def test_labels_of_both_sides_do_not_meet_in_an_upright_picture() -> None:
    left, right = mark(60, class_index=0), mark(-60, class_index=9)
    alone = [changed(drawn(720, 1280, one, fov=41)) for one in (left, right)]
    assert all(area.any() for area in alone)
    assert not (alone[0] & alone[1]).any()
    wide = [np.flatnonzero(changed(drawn(1280, 720, one, fov=41)).any(axis=1)).mean() for one in (left, right)]
    assert wide[0] == pytest.approx(wide[1], abs=2), "in a wide picture there is room in one row"
