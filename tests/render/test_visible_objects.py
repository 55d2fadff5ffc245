from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.events import EventTable
from earwitness.render.video.visible_objects import VisibleObjects, body, face, free_area
from earwitness.results.detection import Detection, ModelId
from earwitness.results.visual import EventKey, EventVisual, Pictures, SavedVisual, VisibleObject, VisualTrack

FRAMES = 20


def result(
    objects: list[VisibleObject], visual: EventVisual, azimuth: object = 0.0, onscreen: bool = True
) -> Detection:
    table = EventTable.from_columns(
        frame=np.arange(FRAMES), class_index=0, azimuth=azimuth, distance=2.0, onscreen=onscreen, num_frames=FRAMES
    )
    known = SavedVisual(Pictures(seen=objects), {EventKey(0, 0, 0): visual})
    return Detection(table, ModelId("tiny", ""), 2.0, has_video=True, visual=known)


def objects_of(found: Detection) -> VisibleObjects:
    return VisibleObjects(found, 90.0, 16 / 9)


WALKER = VisibleObject(
    seen=4, what="person", start=0.0, end=2.0, boxes=[(0, 0.0, 0.2, 0.1, 0.9), (20, 0.4, 0.2, 0.5, 0.9)]
)
LIKELY = EventVisual(seen=4, what="person", common_cause=0.9, box=[0.2, 0.2, 0.3, 0.9])


def test_boxes_move_with_their_object() -> None:
    objects = objects_of(result([WALKER], LIKELY))
    assert objects.causes.tolist() == [4] * FRAMES
    assert objects.box(4, 1.0) == pytest.approx((0.2, 0.2, 0.3, 0.9))
    assert objects.people(0.5) == [pytest.approx((0.1, 0.2, 0.2, 0.9))]
    assert objects.people(3.0) == []
    assert objects.box(None, 1.0) is None
    assert objects.box(77, 1.0) is None


def test_frames_have_their_own_cause() -> None:
    track = VisualTrack(seen=[4] * 10 + [None] * 10, common_cause=[0.9] * 5 + [0.2] * 5 + [None] * 10)
    objects = objects_of(result([WALKER], EventVisual(seen=4, common_cause=0.5, track=track)))
    assert objects.causes.tolist() == [4] * 5 + [-1] * 15
    unlikely = objects_of(result([WALKER], EventVisual(seen=4, common_cause=0.3)))
    assert set(unlikely.causes.tolist()) == {-1}
    hidden = objects_of(result([WALKER], LIKELY, onscreen=False))
    assert set(hidden.causes.tolist()) == {-1}


def test_documents_without_tracks_of_boxes_follow_the_direction() -> None:
    one = VisibleObject(seen=4, what="person", start=0.0, end=2.0, box=[0.5, 0.2, 0.6, 0.9])
    azimuth = np.linspace(20, -20, FRAMES)
    objects = objects_of(result([one], EventVisual(seen=4, common_cause=0.9, box=[0.45, 0.2, 0.55, 0.9]), azimuth))
    (cause,) = set(objects.causes.tolist())
    boxes = [objects.box(cause, frame / 10) for frame in (0, FRAMES // 2, FRAMES - 1)]
    middles = [(box[0] + box[2]) / 2 for box in boxes if box]
    assert middles[0] < middles[1] < middles[2]
    assert middles[1] == pytest.approx(0.5)
    assert middles[0] == pytest.approx(0.5 - np.tan(np.radians(20)) / 2, abs=0.02)


def test_a_moving_region_around_a_person_is_not_an_object() -> None:
    def seen(box: tuple[float, float, float, float]) -> object:
        region = VisibleObject(seen=5, what="motion", start=0, end=2, boxes=[(0, *box)])
        still = VisibleObject(seen=4, what="person", start=0, end=2, boxes=[(0, 0.3, 0.2, 0.5, 0.9)])
        objects = objects_of(result([still, region], EventVisual(seen=5, what="motion", common_cause=0.9)))
        return objects.box(5, 0.5)

    assert seen((0.25, 0.15, 0.55, 0.95)) is None
    assert seen((0.45, 0.7, 0.6, 0.8)) is not None


@pytest.mark.parametrize(
    "boxes",
    [
        [(0, 0.5, 0.5, 0.4, 0.9)],
        [(0, 0.1, 0.1, float("inf"), 0.9)],
        [(0, -5, 0, 9, 1)],
        [(float("nan"), 0.1, 0.1, 0.2, 0.2)],
    ],
)
def test_odd_boxes_of_edited_documents_are_ignored(boxes: list[tuple[float, float, float, float, float]]) -> None:
    odd = VisibleObject.model_construct(_fields_set={"boxes"}, seen=4, what="person", start=0, end=2, boxes=boxes)
    objects = objects_of(result([odd], EventVisual(seen=4, common_cause=0.9)))
    assert objects.people(0.5) == []
    assert set(objects.causes.tolist()) == {-1}
    short = VisibleObject.model_construct(_fields_set={"box"}, seen=4, what="person", box=[0.1, 0.2])
    assert objects_of(result([short], EventVisual(seen=4, common_cause=0.9, box=[0.3]))).people(0.5) == []


@given(left=st.floats(0, 0.9), top=st.floats(0, 0.9), width=st.floats(0.01, 1), height=st.floats(0.01, 1))
def test_the_face_is_the_top_of_the_person(left: float, top: float, width: float, height: float) -> None:
    box = left, top, left + width, top + height
    found = face(box, 16 / 9)
    assert found[:3] == box[:3]
    assert top + 0.19 * height <= found[3] <= box[3]


def test_faces_of_bodies_and_of_close_ups() -> None:
    assert face((0.4, 0.2, 0.5, 1.0), 1.0) == pytest.approx((0.4, 0.2, 0.5, 0.36))
    assert face((0.4, 0.2, 0.6, 0.4), 1.0) == pytest.approx((0.4, 0.2, 0.6, 0.4))


def test_a_face_alone_has_a_body_below_and_a_margin() -> None:
    whole, alone = (0.4, 0.2, 0.5, 1.0), (0.4, 0.2, 0.5, 0.3)
    assert body(whole, 1.0) == whole
    assert body(alone, 1.0) == pytest.approx((0.3, 0.2, 0.6, 0.9))
    assert free_area(alone) == pytest.approx((0.385, 0.17, 0.515, 0.31))
    assert free_area((0.0, 0.0, 1.0, 1.0)) == (0.0, 0.0, 1.0, 1.0)
