from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.fusion import fuse as long_fusion
from earwitness.fusion.fuse import LONGEST_FRAMES, STRETCH_FRAMES, Fused, fuse, fuse_long
from earwitness.fusion.fusion_settings import default_settings
from earwitness.fusion.visual_result import candidate_summaries, explanations
from earwitness.vision.boxes import Boxes
from earwitness.vision.candidates import CandidateIndex, find_candidates
from earwitness.vision.motion import COLUMNS, ROWS
from earwitness.vision.observe import Observation
from long_film import FRAMES, HEIGHT, WIDTH, events

ROWS_OF_FUSED = ("azimuth_before", "distance_before", "onscreen_before", "common", "onscreen_probability", "candidate")


def many_events() -> EventTable:
    random = np.random.default_rng(5)
    spans = []
    for index in (0, 1, 4, 8):
        at = 0
        while at < FRAMES - 1300:
            length = int(random.integers(1, 900))
            spans.append((index, at, at + length, float(random.uniform(-60, 60))))
            at += length + int(random.integers(1, 120))
    return events(*spans)


def assert_same(one: Fused, other: Fused) -> None:
    for name in ROWS_OF_FUSED:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("frame", "class_index", "azimuth", "distance", "onscreen", "score"):
        np.testing.assert_array_equal(getattr(one.table, name), getattr(other.table, name), err_msg=name)


def test_stretch_by_stretch_is_as_all_at_once(observation: Observation) -> None:
    table, settings = many_events(), default_settings()
    whole = fuse(table, find_candidates(observation, 90.0), 90.0, settings)
    assert (whole.common > 0.3).any()
    assert (np.abs(whole.table.azimuth - whole.azimuth_before) > 3).any()
    assert_same(fuse_long(table, CandidateIndex(observation, 90.0), 90.0, settings), whole)


def test_an_event_of_many_minutes_is_fused_in_pieces_of_its_own(observation: Observation) -> None:
    settings, candidates = default_settings(), find_candidates(observation, 90.0)
    table = events((8, 100, 3900, 20.0), (1, 300, 420, -20.0))
    long = fuse_long(table, CandidateIndex(observation, 90.0), 90.0, settings)
    music = long.table.class_index == 8
    edges = [100, *range(100 + LONGEST_FRAMES, 3900, LONGEST_FRAMES), 3900]
    for first, stop in pairwise(edges):
        sounds = [table.frame[table.class_index == index] for index in range(13)]
        known = [np.isin(np.arange(FRAMES), frames) for frames in sounds]
        piece = fuse(events((8, first, stop, 20.0)), candidates, 90.0, settings, known)
        rows = np.flatnonzero(music & (long.table.frame >= first) & (long.table.frame < stop))
        np.testing.assert_array_equal(long.table.azimuth[rows], piece.table.azimuth)
        np.testing.assert_array_equal(long.common[rows], piece.common)
    speech = fuse(events((1, 300, 420, -20.0)), candidates, 90.0, settings)
    np.testing.assert_array_equal(long.common[~music], speech.common)


def test_two_pieces_never_begin_in_one_stretch() -> None:
    assert LONGEST_FRAMES >= STRETCH_FRAMES


def test_no_more_is_asked_about_than_is_near(observation: Observation, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate_index, asked = CandidateIndex(observation, 90.0), []
    during = candidate_index.during
    monkeypatch.setattr(
        candidate_index, "during", lambda first, stop: asked.append(stop - first) or during(first, stop)
    )
    fuse_long(events((8, 0, FRAMES, 0.0), (1, 50, 60, 0.0)), candidate_index, 90.0, default_settings())
    assert max(asked) <= LONGEST_FRAMES + 2 * long_fusion.OUTSIDE_FRAMES + STRETCH_FRAMES
    assert len(asked) == -(-FRAMES // LONGEST_FRAMES)


def test_nothing_heard_and_nothing_seen(observation: Observation) -> None:
    assert len(fuse_long(EventTable.empty(20), CandidateIndex(observation, 90.0), 90.0, default_settings()).table) == 0
    still = np.zeros((20, ROWS, COLUMNS), np.uint8)
    blank = Observation(WIDTH, HEIGHT, (0, 0, WIDTH, HEIGHT), np.array([0]), (Boxes.none(),), still)
    candidate_index = CandidateIndex(blank, 90.0)
    fused = fuse_long(events((1, 0, 20, 10.0), frames=20), candidate_index, 90.0, default_settings())
    assert (fused.candidate == -1).all()
    assert list(explanations(fused, candidate_index)) == list(candidate_summaries(candidate_index)) == []
