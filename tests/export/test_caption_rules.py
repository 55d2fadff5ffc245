from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.export.captions.caption_rules import (
    SHORTEST_SECONDS,
    TICK_SECONDS,
    CaptionRules,
    rounded_down,
    rounded_up,
)
from earwitness.export.captions.languages import caption_language

ENGLISH = caption_language("en")


@given(st.floats(0, 100_000))
def test_rounding_is_to_ticks_on_either_side(seconds: float) -> None:
    down, up = rounded_down(seconds), rounded_up(seconds)
    assert down - 1e-5 <= seconds <= up + 1e-5
    assert up - down <= TICK_SECONDS + 1e-9
    assert rounded_up(up) == pytest.approx(up)


@pytest.mark.parametrize(("rate", "frames"), [(Fraction(25), 2), (Fraction(30_000, 1001), 2), (Fraction(60), 2)])
def test_cues_are_two_frames_apart(rate: Fraction, frames: int) -> None:
    gap = CaptionRules(ENGLISH, rate).gap
    assert frames / float(rate) <= gap <= frames / float(rate) + TICK_SECONDS


def test_long_texts_stay_longer_and_short_ones_five_sixths_of_a_second() -> None:
    rules = CaptionRules(ENGLISH)
    assert rules.reading_seconds(["[knock]"]) == pytest.approx(SHORTEST_SECONDS, abs=TICK_SECONDS)
    assert pytest.approx(5 / 6, abs=1e-9) == SHORTEST_SECONDS
    lines = ["x" * 42, "y" * 42]
    assert rules.size(lines) == 85
    assert rules.reading_seconds(lines) == pytest.approx(85 / 20, abs=TICK_SECONDS)
    assert rules.size([]) == 0


def test_signs_of_chinese_and_japanese_count_more_than_letters() -> None:
    chinese = CaptionRules(caption_language("zh"))
    assert chinese.reading_seconds(["电话铃声"] * 2) > CaptionRules(ENGLISH).reading_seconds(["abcd"] * 2)
