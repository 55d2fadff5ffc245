"""What `explain_fusion.py` counts, and how `measure_fusion.py` weights clips, on clips whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earwitness.data.dcase.labels import LabelRows
from earwitness.fusion.fusion_settings import default_settings
from earwitness.metrics import Protocol, count

from .conftest import MUSIC, person, sounding


def test_pairs_say_what_was_seen_and_what_is_right(fusion_scripts: Any) -> None:
    explain, measure = fusion_scripts["explain_fusion"], fusion_scripts["measure_fusion"]
    there = measure.Clip("fold1_mix000_a", sounding(20, True), sounding(26, False), [person(20)], None)
    behind = measure.Clip("fold1_mix001_a", sounding(-60, False), sounding(-58, False), [], None, weight=3.0)
    pairs = explain.answer([there, behind], [default_settings()] * 2, 0.5)
    assert pairs.share.sum() == pytest.approx(1)
    assert pairs.part(pairs.truth) == pytest.approx(25)  # one clip in four, as clips are weighted
    assert (pairs.seen == pairs.truth).all()
    assert pairs.ahead.tolist() == pairs.truth.tolist()
    assert pairs.probability[pairs.truth].min() > pairs.probability[~pairs.truth].max()


def test_a_thing_is_not_seen_in_a_person_nor_elsewhere(fusion_scripts: Any) -> None:
    explain, measure = fusion_scripts["explain_fusion"], fusion_scripts["measure_fusion"]
    music = measure.Clip("fold1_mix000_a", sounding(20, True, MUSIC), sounding(20, False, MUSIC), [person(20)], None)
    elsewhere = measure.Clip("fold1_mix000_a", sounding(20, True), sounding(20, False), [person(-30)], None)
    assert not explain.is_seen(music, 0)
    assert not explain.is_seen(elsewhere, 0)


def test_heard_without_error(fusion_scripts: Any) -> None:
    explain, measure = fusion_scripts["explain_fusion"], fusion_scripts["measure_fusion"]
    clip = measure.Clip("fold1_mix000_a", sounding(20, True), sounding(33, False), [], None)
    assert set(explain.exactly_heard(clip).heard.azimuth.tolist()) == {20}
    assert set(clip.heard.azimuth.tolist()) == {33}


def test_a_clip_of_weight_two_counts_twice(fusion_scripts: Any) -> None:
    measure = fusion_scripts["measure_fusion"]
    once = measure.Clip("a", sounding(20, True), sounding(20, True), [], None)
    twice = measure.Clip("b", sounding(20, True), sounding(-70, True), [], None, weight=2.0)

    def counted(names: list[str], clips: list[Any]) -> Any:
        truth, said = ([LabelRows.from_table(table) for table in tables] for tables in zip(
            *[(clip.truth, clip.heard) for clip in clips], strict=True))  # fmt: skip
        return count(names, truth, said, Protocol.STRICT)

    weighted = measure.weighted(counted(["a", "b"], [once, twice]), [once, twice]).by("class")
    plain = counted(["a", "b", "b2"], [once, twice, twice]).by("class")
    np.testing.assert_allclose(weighted, plain)
