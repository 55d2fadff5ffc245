"""What `choose_fusion.py` makes of figures, on clips whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earwitness.fusion.fusion_settings import default_settings

from .conftest import MUSIC, person, sounding


def clips(measure: Any, number: int) -> list[Any]:
    """Voices on screen heard 6 degrees beside who speaks, and music behind that nothing explains."""
    voices = [
        measure.Clip(f"fold1_mix{k:03d}_a", sounding(20, True), sounding(26, False), [person(20)], None)
        for k in range(number)
    ]
    behind = sounding(-60, False, MUSIC)
    return [*voices, *(measure.Clip(f"fold1_mix{k:03d}_b", behind, behind, [], None) for k in range(number))]


def test_risk_is_how_often_a_class_loses_a_point(fusion_scripts: Any) -> None:
    choose, measure = fusion_scripts["choose_fusion"], fusion_scripts["measure_fusion"]
    some = clips(measure, 10)
    heard = [clip.heard for clip in some]
    before = choose.counted(some, heard)
    assert choose.risk_of_loss(before, before, np.random.default_rng(0)) == 0
    one_wrong = choose.counted(some, [*heard[:-1], sounding(60, False, MUSIC)])
    # A draw of 20 clips has this one, and some other of its class: nearly 1 - (19 / 20) ** 20.
    assert choose.risk_of_loss(before, one_wrong, np.random.default_rng(0)) == pytest.approx(0.64, abs=0.08)
    assert choose.risk_of_loss(one_wrong, before, np.random.default_rng(0)) == 0


def test_no_more_caution_than_needed(fusion_scripts: Any, capsys: pytest.CaptureFixture[str]) -> None:
    choose, measure = fusion_scripts["choose_fusion"], fusion_scripts["measure_fusion"]
    some = clips(measure, 4)
    chosen = choose.choose(some, [default_settings()] * len(some))
    assert chosen["caution"] == 1.0
    assert min(choose.THRESHOLDS) <= chosen["onscreen_from"] <= max(choose.THRESHOLDS)
    assert "0.0 % risk" in capsys.readouterr().out


def test_more_caution_where_what_is_seen_deceives(fusion_scripts: Any, capsys: pytest.CaptureFixture[str]) -> None:
    choose, measure = fusion_scripts["choose_fusion"], fusion_scripts["measure_fusion"]
    behind = sounding(0, False)
    lured = [
        measure.Clip(f"fold1_mix{k:03d}_a", behind, behind.with_columns(azimuth=8.0), [person(25)], None)
        for k in range(6)
    ]
    some = [*lured, *clips(measure, 6)]
    chosen = choose.choose(some, [default_settings()] * len(some))["caution"]
    assert chosen > 1.0
    tried = [line for line in capsys.readouterr().out.splitlines() if line.startswith("caution")]
    assert "100.0 % risk" in tried[0]
    assert " 0.0 % risk" in tried[-1]
    assert len(tried) == 1 + choose.CAUTIONS.index(chosen)
