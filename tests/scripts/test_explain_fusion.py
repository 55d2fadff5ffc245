"""What `explain_fusion.py` counts, and how `measure_fusion.py` weights clips, on clips whose answers are known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.data.dcase_csv import LabelRows
from earwitness.events import EventTable
from earwitness.inference.fusion_settings import default_settings
from earwitness.metrics import Protocol, count
from earwitness.vision.candidates import Candidate

SCRIPTS = Path(__file__).parents[2] / "scripts"
FRAMES, MALE, MUSIC = 20, 1, 8


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The two scripts as modules."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import explain_fusion
    import measure_fusion

    yield explain_fusion, measure_fusion
    for name in ("explain_fusion", "measure_fusion", "fit_fusion"):
        sys.modules.pop(name, None)


def sounding(azimuth: float, onscreen: bool, class_index: int = MALE) -> EventTable:
    return EventTable.from_columns(
        frame=list(range(5, 15)), class_index=class_index, azimuth=azimuth, distance=2.0, onscreen=onscreen, score=0.7,
        num_frames=FRAMES,
    )  # fmt: skip


def person(azimuth: float) -> Candidate:
    motion = np.zeros(FRAMES, np.float32)
    motion[5:15] = 0.6
    return Candidate(
        0, "person", 0, np.full((13, FRAMES), azimuth, np.float32), np.full((13, FRAMES), 0.5, np.float32),
        np.tile(np.float32([0.2, 0.8]), (FRAMES, 1)), np.tile(np.float32([10, 10, 20, 60]), (FRAMES, 1)),
        np.full(FRAMES, 6, np.float32), motion, 0.8, 6,
    )  # fmt: skip


def test_pairs_say_what_was_seen_and_what_is_right(scripts: Any) -> None:
    explain, measure = scripts
    there = measure.Clip("fold1_mix000_a", sounding(20, True), sounding(26, False), [person(20)], None)
    behind = measure.Clip("fold1_mix001_a", sounding(-60, False), sounding(-58, False), [], None, weight=3.0)
    pairs = explain.answer([there, behind], [default_settings()] * 2, 0.5)
    assert pairs.share.sum() == pytest.approx(1)
    assert pairs.part(pairs.truth) == pytest.approx(25)  # one clip in four, as clips are weighted
    assert (pairs.seen == pairs.truth).all()
    assert pairs.ahead.tolist() == pairs.truth.tolist()
    assert pairs.probability[pairs.truth].min() > pairs.probability[~pairs.truth].max()


def test_a_thing_is_not_seen_in_a_person_nor_elsewhere(scripts: Any) -> None:
    explain, measure = scripts
    music = measure.Clip("fold1_mix000_a", sounding(20, True, MUSIC), sounding(20, False, MUSIC), [person(20)], None)
    elsewhere = measure.Clip("fold1_mix000_a", sounding(20, True), sounding(20, False), [person(-30)], None)
    assert not explain.is_seen(music, 0)
    assert not explain.is_seen(elsewhere, 0)


def test_heard_without_error(scripts: Any) -> None:
    explain, measure = scripts
    clip = measure.Clip("fold1_mix000_a", sounding(20, True), sounding(33, False), [], None)
    assert set(explain.exactly_heard(clip).heard.azimuth.tolist()) == {20}
    assert set(clip.heard.azimuth.tolist()) == {33}


def test_a_clip_of_weight_two_counts_twice(scripts: Any) -> None:
    _, measure = scripts
    once = measure.Clip("a", sounding(20, True), sounding(20, True), [], None)
    twice = measure.Clip("b", sounding(20, True), sounding(-70, True), [], None, weight=2.0)

    def counted(names: list[str], clips: list[Any]) -> Any:
        truth, said = ([LabelRows.from_table(table) for table in tables] for tables in zip(
            *[(clip.truth, clip.heard) for clip in clips], strict=True))  # fmt: skip
        return count(names, truth, said, Protocol.STRICT)

    weighted = measure.weighted(counted(["a", "b"], [once, twice]), [once, twice]).by("class")
    plain = counted(["a", "b", "b2"], [once, twice, twice]).by("class")
    np.testing.assert_allclose(weighted, plain)
