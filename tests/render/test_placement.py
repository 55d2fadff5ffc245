"""Labels never cover faces, captions or each other; a label is left out only where no position is free."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.render.video.placement import LabelPlacer, LabelRequest, Obstacles, PlacedLabel, Rect

AREA = Rect(2, 2, 118, 88)
GAP = 3


@st.composite
def rects(draw: Any) -> Rect:
    left, top = draw(st.integers(0, 110)), draw(st.integers(0, 80))
    return Rect(left, top, left + draw(st.integers(1, 90)), top + draw(st.integers(1, 70)))


@st.composite
def requests(draw: Any) -> list[LabelRequest]:
    made = []
    for number in range(draw(st.integers(1, 5))):
        width, height = draw(st.integers(10, 70)), draw(st.integers(8, 30))
        sizes = ((width, height), (max(6, width // 2), max(6, height // 2)), (6, 6))
        side = draw(st.sampled_from(["beside", "column", "left", "right", "corner"]))
        near = draw(rects())
        made.append(LabelRequest(number, sizes, side, near, float(draw(st.integers(0, 90)))))
    return made


LISTS = st.lists(rects(), max_size=4).map(tuple)


def free(size: tuple[int, int], blocked: list[Rect], side: str) -> bool:
    """Whether any position is free, by trying all of them."""
    taken = np.zeros((200, 260), bool)
    for rect in blocked:
        taken[max(rect.top, 0) : max(rect.bottom, 0), max(rect.left, 0) : max(rect.right, 0)] = True
    width, height = size
    lefts = {"left": [AREA.left], "right": [AREA.right - width]}.get(side, range(AREA.left, AREA.right - width + 1))
    return any(
        not taken[top : top + height, left : left + width].any()
        for left in lefts
        for top in range(AREA.top, AREA.bottom - height + 1)
    )


def check(asked: list[LabelRequest], obstacles: Obstacles, placed: list[PlacedLabel], lost: list[LabelRequest]) -> None:
    assert len(placed) + len(lost) == len(asked)
    never = [*obstacles.faces, *obstacles.reserved]
    for label in placed:
        assert (label.rect.right - label.rect.left, label.rect.bottom - label.rect.top) == label.request.sizes[
            label.form
        ]
        assert AREA.left <= label.rect.left < label.rect.right <= AREA.right
        assert AREA.top <= label.rect.top < label.rect.bottom <= AREA.bottom
        assert not any(label.rect.meets(rect) for rect in never)
        assert label.over_source or not any(label.rect.meets(rect) for rect in obstacles.sources)
    assert not any(a.rect.meets(b.rect) for a, b in combinations(placed, 2))


@given(asked=requests(), faces=LISTS, sources=LISTS, bodies=LISTS, reserved=LISTS)
@settings(deadline=None, max_examples=150)
def test_labels_cover_nothing_that_matters_and_use_all_room(
    asked: list[LabelRequest], faces: Any, sources: Any, bodies: Any, reserved: Any
) -> None:
    obstacles = Obstacles(faces, sources, bodies, reserved)
    placed, lost = LabelPlacer(AREA, GAP).place(asked, obstacles, 0.0)
    check(asked, obstacles, placed, lost)
    before: list[Rect] = []
    by_key = {label.request.key: label for label in placed}
    for request in asked:
        label, never = by_key.get(request.key), [*faces, *reserved, *before]
        shorter = range(len(request.sizes)) if label is None or label.over_source else range(label.form)
        for form in shorter:
            assert not free(request.sizes[form], [*never, *sources], request.side)
        if label is None:
            assert not free(request.sizes[-1], never, request.side)
        else:
            before.append(label.rect.grown(GAP // 2))


@given(asked=requests(), frames=st.lists(LISTS, min_size=2, max_size=5))
@settings(deadline=None, max_examples=40)
def test_what_moves_is_avoided_all_the_time(asked: list[LabelRequest], frames: Any) -> None:
    placer = LabelPlacer(AREA, GAP)
    for number, faces in enumerate(frames):
        obstacles = Obstacles(faces)
        check(asked, obstacles, *placer.place(asked, obstacles, number / 10))


def test_labels_stand_beside_their_source_at_its_height() -> None:
    box = Rect(40, 20, 60, 80)
    (label,), _ = LabelPlacer(AREA, GAP).place([LabelRequest(0, ((30, 10),), "beside", box, 30.0)], Obstacles(), 0.0)
    assert label.rect.right == box.left - GAP or label.rect.left == box.right + GAP
    assert (label.rect.top + label.rect.bottom) / 2 == 30


def test_labels_do_not_jump() -> None:
    placer, request = LabelPlacer(AREA, GAP), LabelRequest(0, ((30, 10), (8, 8)), "beside", Rect(40, 20, 60, 80), 30.0)
    (first,), _ = placer.place([request], Obstacles(), 0.0)
    moved = LabelRequest(0, request.sizes, "beside", Rect(43, 22, 63, 82), 32.0)
    (second,), _ = placer.place([moved], Obstacles(), 0.1)
    assert (second.rect.left - first.rect.left, second.rect.top - first.rect.top) == (3, 2)
    # A label that had to be shortened does not flicker.
    everywhere = tuple(Rect(x, 0, x + 12, 90) for x in range(11, 120, 24))
    forms = [placer.place([moved], Obstacles(faces), time)[0][0].form
             for time, faces in ((0.2, everywhere), (0.3, ()), (0.9, ()), (1.4, ()))]  # fmt: skip
    assert forms == [1, 1, 1, 0]


def test_the_rest_of_a_rectangle() -> None:
    whole, holes = Rect(0, 0, 10, 8), [Rect(2, 2, 4, 5), Rect(3, 4, 20, 6), Rect(50, 50, 60, 60)]
    parts = whole.without(holes)
    covered = np.zeros((8, 10), int)
    for part in parts:
        covered[part.top : part.bottom, part.left : part.right] += 1
    expected = np.ones((8, 10), int)
    for hole in holes:
        expected[hole.top : hole.bottom, hole.left : hole.right] = 0
    np.testing.assert_array_equal(covered, expected)
