from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.events import EventTable
from earwitness.fusion.fuse import fuse
from earwitness.fusion.fusion_settings import (
    DistanceWeights,
    default_settings,
)
from fusion_cases import MALE, MUSIC, PERSON_WEIGHTS, SETTINGS, heard, seen


def test_the_distance_moves_to_that_of_who_is_likely_heard() -> None:
    known = SETTINGS.model_copy(update={"distance": DistanceWeights(heard_spread=0.6, seen_spread=0.2)})
    near, aside = (fuse(heard(azimuth), [seen(30.0, distance=3.5)], 100.0, known) for azimuth in (24.0, -40.0))
    np.testing.assert_array_equal(near.distance_before, 2.0)
    assert 2.5 < near.table.distance.min() <= near.table.distance.max() < 3.5
    np.testing.assert_allclose(aside.table.distance, 2.0, atol=0.1)
    unknown = fuse(heard(24.0), [seen(30.0)], 100.0, known)
    np.testing.assert_array_equal(unknown.table.distance, 2.0)


def test_a_sound_near_a_person_moves_there_and_is_on_screen() -> None:
    fused = fuse(heard(24.0), [seen(30.0)], 100.0, SETTINGS)
    assert fused.common.min() > 0.6
    assert 27 < fused.table.azimuth.min() <= fused.table.azimuth.max() < 30
    assert fused.table.onscreen.all()
    assert (fused.candidate == 0).all()
    np.testing.assert_array_equal(fused.azimuth_before, 24)
    assert not fused.onscreen_before.any()


def test_nothing_else_of_an_event_changes() -> None:
    before = heard(24.0)
    after = fuse(before, [seen(30.0)], 100.0, SETTINGS).table
    for column in ("frame", "class_index", "source", "distance", "score"):
        np.testing.assert_array_equal(getattr(before, column), getattr(after, column))
    assert after.num_frames == before.num_frames


def test_a_sound_far_from_everybody_stays() -> None:
    fused = fuse(heard(-30.0), [seen(30.0)], 100.0, SETTINGS)
    assert fused.common.max() < 0.05
    np.testing.assert_allclose(fused.table.azimuth, -30, atol=2)
    assert not fused.table.onscreen.any()


def test_the_surer_sense_counts_more() -> None:
    """With a certain common cause the merged azimuth is the mean weighted by 1 / sigma^2."""
    certain = PERSON_WEIGHTS.model_copy(update={"bias": (60.0,) * 13, "sigma_deg": 4.0})
    chosen = SETTINGS.model_copy(update={"kinds": {**SETTINGS.kinds, "person": certain}, "width_share": 0.0})
    (azimuth,) = np.unique(fuse(heard(20.0), [seen(30.0)], 100.0, chosen).table.azimuth)
    assert azimuth == pytest.approx((20 / 8**2 + 30 / 4**2) / (1 / 8**2 + 1 / 4**2), abs=1e-3)


@pytest.mark.parametrize("onscreen", [True, False])
def test_beyond_the_picture_stays_off_screen_and_where_it_is(onscreen: bool) -> None:
    for azimuth in (51.5, -60.0, 90.0):
        fused = fuse(heard(azimuth, onscreen=onscreen), [seen(np.sign(azimuth) * 49.0)], 100.0, SETTINGS)
        assert not fused.table.onscreen.any()
        np.testing.assert_array_equal(fused.table.azimuth, np.float32(azimuth))
        assert (fused.candidate == -1).all()
    assert fuse(heard(50.0), [seen(49.0)], 100.0, SETTINGS).table.onscreen.all()
    assert not fuse(heard(40.0), [seen(34.0)], 70.0, SETTINGS).table.onscreen.any()


@pytest.mark.parametrize("side", [-1, 1])
def test_within_reach_something_seen_may_explain_what_is_heard_beyond_the_picture(side: int) -> None:
    chosen = SETTINGS.model_copy(update={"reach_deg": 20.0})
    near = fuse(heard(side * 56.0), [seen(side * 48.0, moving=range(5, 25))], 100.0, chosen)
    assert near.table.onscreen.all()
    assert (np.abs(near.table.azimuth) <= 51).all()
    nothing = fuse(heard(side * 56.0, onscreen=True), [], 100.0, chosen)
    assert not nothing.table.onscreen.any()
    np.testing.assert_array_equal(nothing.table.azimuth, np.float32(side * 56))
    far = fuse(heard(side * 72.0), [seen(side * 50.0, moving=range(5, 25))], 100.0, chosen)
    assert not far.table.onscreen.any()
    np.testing.assert_array_equal(far.table.azimuth, np.float32(side * 72))


def test_where_sounds_from_ahead_are_heard_too_far_out_the_one_farther_in_is_meant() -> None:
    inner, outer = seen(30.0, number=0), seen(45.0, number=1)
    plain = fuse(heard(44.0), [inner, outer], 100.0, SETTINGS)
    assert (plain.candidate == 1).all()
    chosen = SETTINGS.model_copy(update={"outward": (0.5, 0.0)})  # from 30 degrees at 45, from 45 at 67
    fused = fuse(heard(44.0), [inner, outer], 100.0, chosen)
    assert (fused.candidate == 0).all()
    assert 29 < fused.table.azimuth.min() <= fused.table.azimuth.max() < 38


def test_what_is_said_to_be_on_screen_lies_in_the_picture() -> None:
    """Also where it is not likely enough for the azimuth to move all the way."""
    chosen = SETTINGS.model_copy(update={"reach_deg": 20.0, "onscreen_from": 0.2, "caution": 50.0})
    fused = fuse(heard(60.0), [seen(45.0, moving=range(5, 25))], 100.0, chosen)
    assert fused.table.onscreen.all()
    np.testing.assert_array_equal(fused.table.azimuth, 51)
    wary = chosen.model_copy(update={"onscreen_from": 0.99})
    off = fuse(heard(60.0), [seen(45.0, moving=range(5, 25))], 100.0, wary)
    assert not off.table.onscreen.any()
    assert off.table.azimuth.min() > 51


def test_caution_keeps_a_sound_where_it_was_heard() -> None:
    azimuths = [
        float(
            np.median(
                fuse(heard(8.0), [seen(30.0)], 100.0, SETTINGS.model_copy(update={"caution": more})).table.azimuth
            )
        )
        for more in (1.0, 2.0, 100.0)
    ]
    assert azimuths == sorted(azimuths, reverse=True)
    assert azimuths[0] > azimuths[-1] + 0.5
    assert azimuths[-1] == pytest.approx(8, abs=0.5)


def test_below_the_picture_is_off_screen_but_there() -> None:
    weights = PERSON_WEIGHTS.model_copy(update={"bias": (4.0,) * 13, "framed": (0.0, 20.0, 0.0, 0.0)})
    chosen = SETTINGS.model_copy(update={"kinds": {**SETTINGS.kinds, "person": weights}})
    inside = fuse(heard(24.0), [seen(30.0, row=0.6)], 100.0, chosen)
    below = fuse(heard(24.0), [seen(30.0, row=1.2)], 100.0, chosen)
    assert inside.table.onscreen.all()
    assert not below.table.onscreen.any()
    assert below.common.min() > 0.9
    np.testing.assert_array_equal(inside.table.azimuth, below.table.azimuth)


def test_from_which_probability_a_sound_is_on_screen_is_a_setting() -> None:
    for least in (0.25, 0.35):
        chosen = SETTINGS.model_copy(update={"onscreen_from": least, "unseen_off": (0.3,) * 13})
        assert fuse(heard(10.0), [], 100.0, chosen).table.onscreen.all() == (least < 0.3)


def test_who_moves_in_step_with_the_sound_is_its_cause() -> None:
    still, moving = seen(20.0, number=0), seen(34.0, number=1, moving=range(5, 25))
    fused = fuse(heard(27.0), [still, moving], 100.0, SETTINGS)
    assert (fused.candidate == 1).all()
    always = seen(34.0, number=1, moving=range(30))
    assert fuse(heard(27.0), [still, moving], 100.0, SETTINGS).common.mean() > (
        fuse(heard(27.0), [still, always], 100.0, SETTINGS).common.mean()
    )


def test_things_do_not_speak_and_people_do_not_ring() -> None:
    fused = fuse(heard(29.0, MUSIC, onscreen=True), [seen(30.0)], 100.0, SETTINGS)
    assert (fused.candidate == -1).all()
    np.testing.assert_array_equal(fused.table.azimuth, 29)
    assert fuse(heard(29.0, MUSIC), [seen(30.0, "music")], 100.0, SETTINGS).table.onscreen.all()
    assert (fuse(heard(29.0, MALE), [seen(30.0, "music")], 100.0, SETTINGS).candidate == -1).all()
    assert fuse(heard(29.0, MUSIC), [seen(30.0, "motion")], 100.0, SETTINGS).common.min() > 0.5


@pytest.mark.parametrize(("says", "share", "on"), [(True, 0.7, True), (True, 0.3, False), (False, 0.3, False)])
def test_without_anything_seen_the_model_is_believed_as_far_as_it_earned_it(says: bool, share: float, on: bool) -> None:
    chosen = SETTINGS.model_copy(update={"unseen_on": (share,) * 13, "unseen_off": (0.1,) * 13})
    fused = fuse(heard(10.0, onscreen=says), [], 100.0, chosen)
    assert fused.table.onscreen.all() == on
    np.testing.assert_array_equal(fused.table.azimuth, 10)
    assert fused.onscreen_probability[0] == pytest.approx(share if says else 0.1)


def test_only_while_something_is_in_the_picture() -> None:
    fused = fuse(heard(28.0), [seen(30.0, frames=12)], 100.0, SETTINGS)
    frame = fused.table.frame
    assert (fused.common[frame < 12] > 0.5).all()
    assert (fused.common[frame >= 12] == 0).all()
    np.testing.assert_array_equal(fused.table.azimuth[frame >= 12], 28)


def test_sounds_without_direction_stay_without() -> None:
    fused = fuse(heard(float("nan")), [seen(30.0)], 100.0, SETTINGS)
    assert np.isnan(fused.table.azimuth).all()
    assert not fused.table.onscreen.any()


def test_two_sources_of_one_class_are_told_apart() -> None:
    both = EventTable.concatenate([heard(-24.0), heard(26.0).with_columns(source=1)])
    fused = fuse(both, [seen(-30.0, number=0), seen(30.0, number=1)], 100.0, SETTINGS)
    for source, place in ((0, -30.0), (1, 30.0)):
        own = fused.table.source == source
        assert (fused.candidate[own] == source).all()
        np.testing.assert_allclose(fused.table.azimuth[own], place, atol=3)


def test_nothing_heard() -> None:
    assert len(fuse(EventTable.empty(20), [seen(0.0)], 100.0, SETTINGS).table) == 0


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-90, 90), st.lists(st.tuples(st.floats(-50, 50), st.sampled_from(["person", "motion"])), max_size=4),
    st.integers(0, 12), st.booleans(),
)  # fmt: skip
def test_it_never_leaves_what_was_heard_and_what_was_seen(
    azimuth: float, places: list[tuple[float, str]], class_index: int, onscreen: bool
) -> None:
    candidates = [seen(place, label, number) for number, (place, label) in enumerate(places)]
    fused = fuse(heard(azimuth, class_index, onscreen), candidates, 100.0, default_settings())
    low = min([azimuth, *(place for place, _ in places)])
    high = max([azimuth, *(place for place, _ in places)])
    assert low - 1e-3 <= fused.table.azimuth.min()
    assert fused.table.azimuth.max() <= high + 1e-3
    assert ((fused.common >= 0) & (fused.common <= 1 + 1e-9)).all()
    assert ((fused.onscreen_probability >= 0) & (fused.onscreen_probability <= 1 + 1e-9)).all()
