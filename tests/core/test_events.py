from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import LabelError
from earwitness.core.events import COLUMNS, EventTable, of_own_classes
from earwitness.core.vocabulary import DCASE2025, NAME_SUFFIX, OTHER_GROUP, Vocabulary


def table(*rows: tuple[float, ...], num_frames: int | None = None) -> EventTable:
    """Rows of frame, class, source, azimuth and, optionally, distance and onscreen."""
    filled = [(*row, *(2.0, 0)[len(row) - 4 :]) for row in rows]
    frame, class_index, source, azimuth, distance, onscreen = np.array(filled, dtype=float).reshape(-1, 6).T
    return EventTable.from_columns(
        frame=frame, class_index=class_index, source=source, azimuth=azimuth, distance=distance, onscreen=onscreen,
        num_frames=num_frames,
    )  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> EventTable:
    num_frames = draw(st.integers(1, 30))
    n = draw(st.integers(0, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return EventTable.from_columns(
        frame=random.integers(0, num_frames, n), class_index=random.integers(0, 13, n), source=random.integers(0, 4, n),
        azimuth=random.uniform(-90, 90, n), distance=random.uniform(0, 9, n), onscreen=random.integers(0, 2, n),
        score=random.uniform(0, 1, n), num_frames=num_frames,
    )  # fmt: skip


class TestBuilding:
    def test_scalars_are_repeated(self) -> None:
        built = EventTable.from_columns(frame=[3, 5], class_index=4, azimuth=10, distance=[1, 2])
        assert list(built.rows()) == [(3, 4, 0, 10, 1, False, 1), (5, 4, 0, 10, 2, False, 1)]
        assert (len(built), built.num_frames, built.duration) == (2, 6, pytest.approx(0.6))

    def test_empty_clip_keeps_its_length(self) -> None:
        silent = EventTable.empty(50)
        assert (len(silent), silent.num_frames, silent.events()) == (0, 50, [])
        assert EventTable.concatenate([]).num_frames == 0

    def test_columns_are_copies_that_cannot_be_written(self) -> None:
        azimuth = np.array([10.0], dtype=np.float32)
        built = EventTable.from_columns(frame=[0], class_index=0, azimuth=azimuth, distance=1)
        azimuth[0] = 50
        assert built.azimuth[0] == 10
        with pytest.raises(ValueError, match="read-only"):
            built.azimuth[0] = 20

    @pytest.mark.parametrize(
        ("column", "value"),
        [("frame", -1), ("frame", 9), ("class_index", 13), ("class_index", -1), ("azimuth", 91), ("azimuth", -90.5),
         ("distance", -0.1), ("score", 1.1), ("score", np.nan)],
    )  # fmt: skip
    def test_values_out_of_range_name_row_and_column(self, column: str, value: float) -> None:
        good = {"frame": 0.0, "class_index": 0.0, "azimuth": 0.0, "distance": 1.0, "score": 1.0}
        columns = {name: [first, value if name == column else first] for name, first in good.items()}
        with pytest.raises(LabelError, match=rf"row 1: {column} is .*must"):
            EventTable.from_columns(**columns, num_frames=9)

    def test_unknown_direction_and_distance_are_allowed(self) -> None:
        built = EventTable.from_columns(frame=[0], class_index=0, azimuth=np.nan, distance=np.nan)
        assert np.isnan(built.events()[0].azimuth)

    def test_columns_of_different_length_are_refused(self) -> None:
        with pytest.raises(LabelError, match="'azimuth' has shape"):
            EventTable.from_columns(frame=[0, 1], class_index=0, azimuth=[1, 2, 3], distance=1)


class TestViews:
    @given(tables())
    def test_mirroring_twice_is_the_same(self, given_table: EventTable) -> None:
        mirrored = given_table.mirrored()
        np.testing.assert_array_equal(mirrored.azimuth, -given_table.azimuth)
        assert mirrored.mirrored().same_as(given_table)

    @given(tables(), st.integers(0, 30))
    def test_windows_put_together_are_the_whole(self, given_table: EventTable, cut: int) -> None:
        cut = min(cut, given_table.num_frames)
        first, second = given_table.window(0, cut), given_table.window(cut, given_table.num_frames)
        joined = EventTable.concatenate([first, second.shifted(cut, given_table.num_frames)])
        assert sorted(joined.rows()) == sorted(given_table.rows())

    @given(tables())
    def test_sorting_is_by_frame_class_source(self, given_table: EventTable) -> None:
        rows = [row[:3] for row in given_table.sorted().rows()]
        assert rows == sorted(rows)

    def test_rounding_is_to_degrees_and_centimetres(self) -> None:
        rounded = table((0, 0, 0, 12.6, 1.2345)).rounded()
        assert rounded.azimuth[0] == 13
        assert rounded.distance[0] == pytest.approx(1.23)

    def test_same_as_sees_every_difference(self) -> None:
        a = table((0, 1, 0, 10, 2, 1), (1, 1, 0, 20, 3, 0))
        assert a.same_as(a.select(np.array([1, 0])))
        assert a.same_as(a.with_columns(azimuth=a.azimuth + 0.05), tolerance=0.1)
        for column in COLUMNS:
            values = getattr(a, column)
            changed = ~values if values.dtype == bool else values / 2
            if column == "frame":
                changed = values[::-1]
            assert not a.same_as(a.with_columns(**{column: changed if column != "source" else values + 1}))
        assert not a.same_as(a.select(np.array([0])))


class TestEvents:
    def test_a_pause_ends_an_event_unless_it_is_bridged(self) -> None:
        rows = table((0, 2, 0, 10), (1, 2, 0, 30), (3, 2, 0, 20), num_frames=10)
        assert [(e.start, pytest.approx(e.end)) for e in rows.events()] == [(0, 0.2), (pytest.approx(0.3), 0.4)]
        (bridged,) = rows.events(max_gap=1)
        assert (bridged.start, bridged.end, bridged.azimuth) == (0, pytest.approx(0.4), 20)

    def test_classes_and_sources_are_events_of_their_own_in_order_of_start(self) -> None:
        rows = table((2, 0, 0, 0), (1, 8, 1, 0), (1, 8, 0, 0))
        assert [(e.sound_class.slug, e.source) for e in rows.events()] == [
            ("music", 0),
            ("music", 1),
            ("female_speech", 0),
        ]

    def test_summary_values(self) -> None:
        (event,) = table((0, 0, 0, 10, 1, 1), (1, 0, 0, 12, 2, 0), (2, 0, 0, 50, 9, 1)).events()
        assert (event.azimuth, event.distance, event.onscreen, event.score) == (12, 2, True, 1)

    @given(tables())
    def test_every_row_is_in_exactly_one_event(self, given_table: EventTable) -> None:
        key = given_table.frame * 1000 + given_table.class_index * 10 + given_table.source
        unique = given_table.select(np.unique(key, return_index=True)[1])
        assert sum(len(event.table) for event in unique.events()) == len(unique)


def test_columns_are_complete_and_known() -> None:
    with pytest.raises(TypeError, match="'loudness'"):
        EventTable.from_columns(frame=[0], class_index=0, azimuth=0, distance=1, loudness=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="distance"):
        EventTable.from_columns(frame=[0], class_index=0, azimuth=0)  # type: ignore[call-arg]


def test_events_of_other_sounds_are_left_out_for_formats_without_them() -> None:
    other = replace(DCASE2025[0], index=13, slug="dog", groups=(OTHER_GROUP,))
    extended = Vocabulary(DCASE2025.name + NAME_SUFFIX, (*DCASE2025.classes, other))
    columns = {name: getattr(table((0, 3, 0, 10.0), (4, 1, 0, -20.0)), name) for name in COLUMNS}
    mixed = EventTable.from_mapping(columns | {"class_index": [13, 1]}, 6, extended)
    kept = of_own_classes(mixed)
    assert kept.vocabulary is DCASE2025
    assert kept.num_frames == 6
    assert kept.frame.tolist() == [4]
    assert kept.azimuth.tolist() == [-20.0]
    assert of_own_classes(kept) is kept
