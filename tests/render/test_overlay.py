from __future__ import annotations

from itertools import pairwise
from math import nan

import numpy as np
import pytest

from earwitness.core.geometry import Camera
from earwitness.core.vocabulary import CLASSES
from earwitness.export.captions.captions import Caption
from earwitness.render.marks import Mark
from earwitness.render.video import MARKER_STYLES, MarkerStyle
from earwitness.render.video.overlay import CAPTION_AREA, Overlay, Sight
from earwitness.render.video.text_plates import CaptionPlates

GREY = 120
SIZES = [(640, 360), (1280, 720), (360, 640), (3840, 2160)]
BOX = (0.4, 0.25, 0.55, 0.95)


def mark(azimuth: float, distance: float = 2.0, *, class_index: int = 11, onscreen: bool = True, source: int = 0,
         score: float = 1.0) -> Mark:  # fmt: skip
    return Mark(CLASSES[class_index], source, azimuth, distance, azimuth, distance, onscreen, score, 0)


def drawn(
    width: int, height: int, *marks: Mark, fov: float = 100.0, sight: Sight | None = None, style: MarkerStyle = "clean",
    captions: bool = False,
) -> np.ndarray:  # fmt: skip
    canvas = np.full((height, width, 3), GREY, np.uint8)
    Overlay(width, height, fov, style, captions=captions).draw(canvas, list(marks), 0.0, sight)
    return canvas


def coloured(canvas: np.ndarray, class_index: int = 11) -> np.ndarray:
    """Pixels that have the colour of a class."""
    return np.abs(canvas.astype(int) - CLASSES[class_index].rgb).sum(axis=2) < 40


def changed(canvas: np.ndarray) -> np.ndarray:
    return (canvas != GREY).any(axis=2)


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1280, 720), (360, 640)])
@pytest.mark.parametrize("azimuth", [-40, -10, 0, 25, 45])
def test_without_a_box_a_thin_line_is_at_the_column(width: int, height: int, azimuth: float) -> None:
    line = np.flatnonzero(changed(drawn(width, height, mark(azimuth)))[round(height * 0.6)])
    assert line.mean() == pytest.approx(float(Camera(width, height, 100.0).column(azimuth)), abs=1.5)
    assert line.size < 0.015 * width + 4
    label = changed(drawn(width, height, mark(azimuth)))[: height // 6]
    assert label.any(axis=0).sum() > line.size * 3, "the label is at the upper edge"


def test_left_is_left() -> None:
    left, right = (np.flatnonzero(changed(drawn(640, 360, mark(azimuth)))[200]) for azimuth in (30, -30))
    assert left.max() < 320 < right.min()
    assert left.mean() + right.mean() == pytest.approx(640, abs=1.5)


@pytest.mark.parametrize("style", MARKER_STYLES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_with_a_box_the_source_is_framed_not_covered(width: int, height: int, style: MarkerStyle) -> None:
    sight = Sight((BOX,), (BOX,))
    area = changed(drawn(width, height, mark(2.0, class_index=0), sight=sight, style=style))
    left, top, right, bottom = (round(share * side) for share, side in zip(BOX, (width, height) * 2, strict=True))
    assert not area[top + 1 : bottom - 1, left + 1 : right - 1].any()
    assert area[max(top - height // 30, 0) : top, left:right].any()
    rows, columns = np.nonzero(area)
    beside = rows[(columns < left - width // 20) | (columns > right + width // 20)]
    if beside.size and width > height:
        assert np.median(beside) < height * 0.55, "at the height of the face, not of the feet"


def test_labels_are_at_the_height_of_the_sounding_part() -> None:
    sight = Sight((BOX,), (BOX,))
    middles = {}
    for class_index in (0, 2, 6):  # mouth, hands, feet
        rows, columns = np.nonzero(changed(drawn(1280, 720, mark(2.0, class_index=class_index), sight=sight)))
        middles[class_index] = np.median(rows[(columns < 0.36 * 1280) | (columns > 0.6 * 1280)])
    assert middles[0] < middles[2] < middles[6]


@pytest.mark.parametrize("style", MARKER_STYLES)
def test_lines_and_labels_stop_at_faces(style: MarkerStyle) -> None:
    people = ((0.42, 0.0, 0.62, 0.5), (0.0, 0.4, 0.1, 0.95), (0.9, 0.3, 1.0, 0.9))
    marks = [mark(azimuth, class_index=k, onscreen=abs(azimuth) < 50) for k, azimuth in enumerate((0, 60, -60, 8, -4))]
    sight = Sight((None,) * len(marks), people)
    area = changed(drawn(1280, 720, *marks, sight=sight, style=style))
    for left, top, right, bottom in people:
        face_bottom = top + min(bottom - top, max((right - left) * 1280 / 720, 0.2 * (bottom - top)))
        inside = area[round(top * 720) : round(face_bottom * 720), round(left * 1280) : round(right * 1280)]
        assert not inside.any()


def test_confidence_shows_as_opacity_but_not_of_what_has_to_be_read() -> None:
    strong, weak = (drawn(640, 360, mark(0, score=score)).astype(int) for score in (1.0, 0.1))
    line, label = np.s_[200:300], np.s_[6:30]
    assert np.abs(strong[line] - GREY).sum() > 1.2 * np.abs(weak[line] - GREY).sum()
    np.testing.assert_array_equal(strong[label], weak[label])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_sources_aside_get_an_arrow_at_the_edge(width: int, height: int) -> None:
    left, right = (coloured(drawn(width, height, mark(azimuth, onscreen=False))) for azimuth in (75, -75))
    assert np.flatnonzero(left.any(axis=0)).max() < width * 0.25
    assert np.flatnonzero(right.any(axis=0)).min() > width * 0.3
    assert np.flatnonzero(right.any(axis=0)).max() > width * 0.95
    # The arrow points outwards: its tip is a single point, its back is high.
    columns = np.flatnonzero(left.any(axis=0))
    heights = left[:, columns].sum(axis=0)
    assert heights[0] < heights[len(heights) // 6]


def test_the_field_of_view_and_black_bars_decide_what_is_aside() -> None:
    wide, narrow = (changed(drawn(640, 360, mark(-30), fov=fov)) for fov in (100.0, 50.0))
    assert wide[300].any(), "in view there is a line down to the lower edge"
    assert not narrow[300].any()
    canvas = np.full((360, 640, 3), GREY, np.uint8)
    Overlay(640, 360, 100.0, content=(0.25, 0.75)).draw(canvas, [mark(-40)])
    assert not changed(canvas)[300].any()


def test_unseen_sources_in_view_are_dashed() -> None:
    solid, dashed = (changed(drawn(640, 360, mark(0, onscreen=onscreen)))[60:].sum() for onscreen in (True, False))
    assert dashed < 0.75 * solid


def test_unknown_directions_are_in_the_corner() -> None:
    canvas = drawn(640, 360, mark(nan, nan), mark(nan, 1.0, class_index=3))
    rows, columns = np.nonzero(changed(canvas))
    assert columns.max() < 380
    assert rows.max() < 100
    assert coloured(canvas, 11).any()
    assert coloured(canvas, 3).any()


@pytest.mark.parametrize("style", MARKER_STYLES)
def test_labels_do_not_cover_each_other(style: MarkerStyle) -> None:
    marks = [mark(2.0 * k, class_index=k) for k in range(6)]
    alone = [changed(drawn(1280, 720, one, style=style))[:, 400:].sum() for one in marks]
    together = changed(drawn(1280, 720, *marks, style=style))[:, 400:].sum()
    assert together > 0.8 * sum(alone), "only the lines are hidden by labels"


def test_broadcast_labels_are_within_the_safe_area_and_clear_of_captions() -> None:
    marks = [mark(azimuth, class_index=k) for k, azimuth in enumerate((70, 60, -60, -70, 30, 0, -30, 10))]
    area = changed(drawn(1280, 720, *marks, style="broadcast", captions=True))
    lines = area[700]  # the lines of sources in view go down to the edge
    area = area[:, ~lines]
    assert not area[:36].any()
    assert not area[580:].any()
    whole = changed(drawn(1280, 720, *marks, style="broadcast", captions=True))
    assert not whole[:, :60].any()
    assert not whole[:, -60:].any()


def test_long_names_are_shortened() -> None:
    from dataclasses import replace

    one = replace(CLASSES[3], name="An extraordinarily long name " * 30)
    canvas = drawn(640, 360, replace(mark(0), sound_class=one))
    assert changed(canvas).any(axis=0).sum() < 0.75 * 640


@pytest.mark.parametrize("azimuth", [-50, -49.9, 49.9, 50, 89, -90, 90])
def test_extremes_stay_inside_the_picture(azimuth: float) -> None:
    for width, height in ((64, 36), (640, 360), (360, 640)):
        for style in MARKER_STYLES:
            assert changed(drawn(width, height, mark(azimuth, 0.0), style=style)).any() or height < 48


def test_a_source_at_the_edge_is_labelled_inside() -> None:
    area = changed(drawn(640, 360, mark(48, class_index=0), sight=Sight(((0.0, 0.3, 0.1, 1.0),))))
    assert area[:, 70:].sum() > 500


def test_labels_follow_their_source_smoothly() -> None:
    overlay, places = Overlay(640, 360, 100.0), []
    for step in range(30):
        canvas = np.full((360, 640, 3), GREY, np.uint8)
        box = (0.2 + 0.01 * step, 0.3, 0.3 + 0.01 * step, 0.9)
        overlay.draw(canvas, [mark(0, class_index=0)], step / 30, Sight((box,), (box,)))
        places.append(np.flatnonzero(changed(canvas).any(axis=0)).mean())
    assert max(abs(b - a) for a, b in pairwise(places)) < 16
    assert (overlay.shown, overlay.left_out) == (30, 0)


@pytest.mark.parametrize(("width", "height"), [*SIZES, (320, 240), (480, 480), (1920, 800)])
def test_burnt_captions_are_in_the_area_that_labels_keep_free(width: int, height: int) -> None:
    lines = ("[telephone ringing, off screen, right]", "[a sound with a long name, far on the left]")
    for position in (None, 10, 90):
        canvas = np.full((height, width, 3), GREY, np.uint8)
        CaptionPlates([Caption(0, 2, lines, position)], width, height).draw(canvas, 1.0)
        rows, columns = np.nonzero(changed(canvas))
        left, top, right, bottom = CAPTION_AREA
        assert left * width <= columns.min() < columns.max() < right * width
        assert top * height <= rows.min() < rows.max() < bottom * height
