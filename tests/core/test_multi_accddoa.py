import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.errors import LabelError, ModelError
from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import (
    ASSIGNMENT_SOURCES,
    ASSIGNMENTS,
    FIELDS,
    MAX_TRACKS,
    Targets,
    decode,
    encode,
    ideal_output,
    mirror_values,
)
from earwitness.core.vocabulary import NUM_CLASSES

MERGE_DEG = 15.0


def labels(*rows: tuple[float, ...], num_frames: int | None = None) -> EventTable:
    """Rows of frame, class, source, azimuth, distance, onscreen."""
    frame, class_index, source, azimuth, distance, onscreen = np.array(rows, dtype=float).reshape(-1, 6).T
    return EventTable.from_columns(
        frame=frame, class_index=class_index, source=source, azimuth=azimuth, distance=distance, onscreen=onscreen,
        num_frames=num_frames,
    )  # fmt: skip


def output(num_frames: int = 1) -> np.ndarray:
    return np.zeros((num_frames, MAX_TRACKS, NUM_CLASSES, FIELDS), dtype=np.float32)


def vector(azimuth: float, activity: float = 1.0, distance: float = 1.0, onscreen: float = 0.0) -> list[float]:
    angle = np.radians(azimuth)
    return [activity * np.cos(angle), activity * np.sin(angle), distance, onscreen]


@st.composite
def label_tables(draw: st.DrawFn) -> EventTable:
    """Up to three sources a class and frame, at least MERGE_DEG apart."""
    num_frames = draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = []
    for frame, class_index in itertools.product(range(num_frames), range(NUM_CLASSES)):
        count = random.choice(4, p=[0.6, 0.2, 0.1, 0.1])
        free = 180 - (count - 1) * (MERGE_DEG + 0.01) if count else 0
        offsets = np.sort(random.uniform(0, free, count)) + np.arange(count) * (MERGE_DEG + 0.01) - 90
        for source, azimuth in enumerate(random.permutation(offsets)):
            rows.append((frame, class_index, source, azimuth, random.uniform(0, 12), random.integers(2)))
    return labels(*rows, num_frames=num_frames)


def in_azimuth_order(table: EventTable) -> EventTable:
    """Sources of a cell renumbered from right to left."""
    order = np.lexsort((table.azimuth, table.class_index, table.frame))
    table = table.select(order)
    cell = table.frame * NUM_CLASSES + table.class_index
    rank = np.arange(len(table)) - np.searchsorted(cell, cell)
    return table.with_columns(source=rank)


class TestAssignments:
    def test_they_are_all_onto_maps_of_tracks_on_sources(self) -> None:
        assert ASSIGNMENTS.shape == (13, 3)
        assert ASSIGNMENT_SOURCES.tolist() == [1] + [2] * 6 + [3] * 6
        for slots, sources in zip(ASSIGNMENTS, ASSIGNMENT_SOURCES, strict=True):
            assert set(slots.tolist()) == set(range(sources))
        assert len({tuple(slots) for slots in ASSIGNMENTS.tolist()}) == 13

    @given(label_tables())
    @settings(max_examples=20)
    def test_the_ideal_output_is_an_assignment(self, table: EventTable) -> None:
        targets = encode(table)
        ideal = ideal_output(targets)
        for t, c in np.argwhere(targets.active.any(axis=1)):
            choices = ASSIGNMENTS[targets.active[t, :, c].sum() == ASSIGNMENT_SOURCES]
            assert any(np.array_equal(ideal[t, :, c], targets.values[t, slots, c]) for slots in choices)


class TestEncode:
    def test_fields_are_ahead_left_metres_onscreen(self) -> None:
        targets = encode(labels((1, 4, 0, 30, 2.5, 1), num_frames=3))
        assert targets.active.shape == (3, 3, 13)
        assert np.argwhere(targets.active).tolist() == [[1, 0, 4]]
        expected = output(3)
        expected[1, 0, 4] = [np.sqrt(3) / 2, 0.5, 2.5, 1]
        np.testing.assert_allclose(targets.values, expected, atol=1e-7)
        assert targets.values.dtype == np.float32
        assert targets.dropped == 0

    def test_slots_follow_source_numbers_not_row_order(self) -> None:
        targets = encode(labels((0, 2, 7, 10, 1, 0), (0, 2, 3, 20, 9, 0)))
        assert targets.values[0, :, 2, 2].tolist() == [9, 1, 0]
        assert targets.active[0, :, 2].tolist() == [True, True, False]

    def test_of_more_than_three_the_nearest_stay(self) -> None:
        rows = [(0, 2, source, 0, distance, 0) for source, distance in enumerate((4.0, 1.0, 5.0, 2.0, 3.0))]
        targets = encode(labels(*rows, (0, 3, 0, 0, 9, 0)))
        assert targets.values[0, :, 2, 2].tolist() == [1, 2, 3]
        assert targets.values[0, 0, 3, 2] == 9
        assert targets.dropped == 2

    def test_silence_and_padding(self) -> None:
        targets = encode(EventTable.empty(4), num_frames=50)
        assert targets.num_frames == 50
        assert not targets.active.any()
        assert not targets.values.any()
        assert encode(EventTable.empty()).values.shape == (0, 3, 13, 4)

    @pytest.mark.parametrize("column", ["azimuth", "distance"])
    def test_unknown_values_are_refused(self, column: str) -> None:
        table = labels((0, 0, 0, 0, 1, 0), (1, 0, 0, 0, 1, 0)).with_columns(**{column: [0.0, np.nan]})
        with pytest.raises(LabelError, match=f"row 1 has no {column}"):
            encode(table)

    def test_labels_beyond_the_end_are_refused(self) -> None:
        with pytest.raises(LabelError, match="frame 50 does not fit into 50 frames"):
            encode(labels((50, 0, 0, 0, 1, 0)), num_frames=50)

    @given(label_tables())
    @settings(max_examples=20)
    def test_mirrored_targets_are_targets_of_the_mirrored_labels(self, table: EventTable) -> None:
        mirrored, expected = encode(table).mirrored(), encode(table.mirrored())
        np.testing.assert_array_equal(mirrored.active, expected.active)
        np.testing.assert_allclose(mirrored.values, expected.values, atol=1e-7)
        np.testing.assert_array_equal(mirror_values(mirrored.values), encode(table).values)


class TestRoundTrip:
    @given(label_tables())
    @settings(max_examples=60, deadline=None)
    def test_decoding_the_ideal_output_gives_the_labels(self, table: EventTable) -> None:
        decoded = decode(ideal_output(encode(table)), merge_deg=MERGE_DEG)
        assert in_azimuth_order(decoded.with_columns(score=1.0)).same_as(in_azimuth_order(table), tolerance=1e-3)
        np.testing.assert_allclose(decoded.score, 1, atol=1e-6)

    def test_ideal_output_duplicates_as_adpit_teaches(self) -> None:
        table = labels(
            (0, 0, 0, 10, 1, 0),
            (0, 1, 0, 20, 1, 0), (0, 1, 1, 50, 1, 0),
            (0, 2, 0, -20, 1, 0), (0, 2, 1, 0, 1, 0), (0, 2, 2, 70, 1, 0),
        )  # fmt: skip
        ideal = ideal_output(encode(table))
        azimuth = np.degrees(np.arctan2(ideal[0, :, :3, 1], ideal[0, :, :3, 0]))
        np.testing.assert_allclose(azimuth.T, [[10, 10, 10], [20, 50, 50], [-20, 0, 70]], atol=1e-4)
        assert not ideal[0, :, 3:].any()


class TestDecode:
    def test_silence(self) -> None:
        decoded = decode(output(50))
        assert (len(decoded), decoded.num_frames) == (0, 50)
        assert decode(output(0)).num_frames == 0

    def test_threshold_may_differ_from_class_to_class(self) -> None:
        given_output = output()
        given_output[0, 0, 3] = vector(0, 0.4)
        given_output[0, 0, 4] = vector(0, 0.6)
        assert decode(given_output).class_index.tolist() == [4]
        thresholds = np.full(NUM_CLASSES, 0.5)
        thresholds[[3, 4]] = 0.3, 0.7
        assert decode(given_output, threshold=thresholds).class_index.tolist() == [3]

    def test_close_tracks_are_averaged_by_score(self) -> None:
        given_output = output()
        given_output[0, 0, 5] = vector(0, 0.9, 1.0, 1.0)
        given_output[0, 1, 5] = vector(10, 0.6, 4.0, 0.0)
        decoded = decode(given_output)
        mean = (0.9 * np.array(vector(0, 0.9)) + 0.6 * np.array(vector(10, 0.6))) / 1.5
        assert len(decoded) == 1
        assert decoded.azimuth[0] == pytest.approx(np.degrees(np.arctan2(mean[1], mean[0])), abs=1e-4)
        assert decoded.score[0] == pytest.approx(np.hypot(mean[0], mean[1]), abs=1e-6)
        assert decoded.distance[0] == pytest.approx((0.9 * 1 + 0.6 * 4) / 1.5, abs=1e-6)
        assert decoded.onscreen[0]

    @pytest.mark.parametrize("order", list(itertools.permutations((0.0, 12.0, 24.0))))
    def test_tracks_are_merged_by_way_of_the_third(self, order: tuple[float, ...]) -> None:
        given_output = output()
        for track, azimuth in enumerate(order):
            given_output[0, track, 0] = vector(azimuth)
        (azimuth,) = decode(given_output).azimuth
        assert azimuth == pytest.approx(12, abs=1e-3)

    @pytest.mark.parametrize("order", list(itertools.permutations((0.0, 10.0, 60.0))))
    def test_a_pair_and_a_single(self, order: tuple[float, ...]) -> None:
        given_output = output()
        for track, azimuth in enumerate(order):
            given_output[0, track, 0] = vector(azimuth)
        assert sorted(decode(given_output).azimuth) == pytest.approx([5, 60], abs=1e-3)

    def test_an_inactive_track_does_not_link_two_active_ones(self) -> None:
        given_output = output()
        for track, (azimuth, activity) in enumerate([(0, 0.9), (12, 0.3), (24, 0.9)]):
            given_output[0, track, 0] = vector(azimuth, activity)
        assert sorted(decode(given_output).azimuth) == pytest.approx([0, 24], abs=1e-3)

    def test_different_classes_and_frames_are_not_merged(self) -> None:
        given_output = output(2)
        given_output[0, 0, 0] = given_output[0, 1, 1] = given_output[1, 2, 0] = vector(5)
        decoded = decode(given_output)
        assert list(zip(decoded.frame.tolist(), decoded.class_index.tolist(), strict=True)) == [(0, 0), (0, 1), (1, 0)]

    def test_directions_behind_are_folded_before_merging(self) -> None:
        given_output = output()
        given_output[0, 0, 0], given_output[0, 1, 0] = vector(80), vector(100)
        given_output[0, 0, 1] = vector(-170)
        decoded = decode(given_output)
        np.testing.assert_allclose(decoded.azimuth, [80, -10], atol=1e-3)
        assert decoded.score[0] == pytest.approx(1)

    def test_wild_outputs_are_clipped(self) -> None:
        given_output = output()
        given_output[0, 0, 0] = vector(0, 3.0, -2.0, 0.5)
        decoded = decode(given_output)
        assert (decoded.score[0], decoded.distance[0], bool(decoded.onscreen[0])) == (1, 0, True)

    @given(seed=st.integers(0, 2**32 - 1), merge_deg=st.floats(0, 180))
    @settings(max_examples=60, deadline=None)
    def test_track_order_and_mirroring_make_no_difference(self, seed: int, merge_deg: float) -> None:
        random = np.random.default_rng(seed)
        given_output = random.normal(0, 0.5, output(4).shape).astype(np.float32)
        decoded = decode(given_output, merge_deg=merge_deg)
        shuffled = decode(given_output[:, random.permutation(3)], merge_deg=merge_deg)
        mirrored = decode(mirror_values(given_output), merge_deg=merge_deg).mirrored()
        for other in (shuffled, mirrored):
            assert in_azimuth_order(other).same_as(in_azimuth_order(decoded), tolerance=1e-3)

    @given(seed=st.integers(0, 2**32 - 1))
    @settings(max_examples=30, deadline=None)
    def test_raising_the_threshold_never_adds_active_cells(self, seed: int) -> None:
        given_output = np.random.default_rng(seed).normal(0, 0.5, output(4).shape).astype(np.float32)
        cells = [
            set(zip(t.frame.tolist(), t.class_index.tolist(), strict=True))
            for t in (decode(given_output, threshold=threshold) for threshold in (0.3, 0.5, 0.9))
        ]
        assert cells[0] >= cells[1] >= cells[2]

    def test_a_moving_pair_keeps_its_numbers(self) -> None:
        rows = [(f, 0, s, a, 2, 0) for f in range(20) for s, a in enumerate((-40 + f, 20 - f / 4))]
        decoded = decode(ideal_output(encode(labels(*rows))))
        assert [len(event.table) for event in decoded.events()] == [20, 20]

    @pytest.mark.parametrize("shape", [(5, 3, 13), (5, 2, 13, 4), (5, 3, 12, 4), (1, 5, 3, 13, 4)])
    def test_wrong_shapes_are_refused(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ModelError, match="expected"):
            decode(np.zeros(shape))

    def test_values_that_are_not_finite_are_refused(self) -> None:
        given_output = output()
        given_output[0, 0, 0, 0] = np.nan
        with pytest.raises(ModelError, match="not finite"):
            decode(given_output)

    def test_thresholds_of_wrong_length_are_refused(self) -> None:
        with pytest.raises(ModelError, match="thresholds"):
            decode(output(), threshold=[0.5, 0.5])


def test_targets_know_their_length() -> None:
    assert Targets(np.zeros((7, 3, 13), bool), output(7)).num_frames == 7
