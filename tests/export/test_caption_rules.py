from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.core.vocabulary import DCASE2025
from earwitness.export.captions.caption_rules import (
    SHORTEST_SECONDS,
    TICK_SECONDS,
    CaptionRules,
    caption_language,
    languages,
    rounded_down,
    rounded_up,
)
from earwitness.export.captions.caption_words import Place, SoundText, fill_lines, sound_text

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


@pytest.mark.parametrize("name", languages())
def test_each_table_names_all_classes_and_its_source(name: str) -> None:
    table = caption_language(name)
    assert "Netflix" in table.source
    assert name == "en" or set(table.sounds) == {one.slug for one in DCASE2025}
    for one in DCASE2025:
        text = sound_text(one, Place(60, False, 2.0, 40), table, "full")
        lines = fill_lines([text], table) or ()
        assert 1 <= len(lines) <= 2
        assert max(map(table.length, lines)) <= table.line_length
        assert "".join(lines).startswith(table.brackets[0])


def test_languages_are_those_of_the_issue_and_regions_find_them() -> None:
    assert languages() == ("de", "en", "es", "fr", "ja", "zh")
    assert caption_language("de-AT") == caption_language("de")
    assert caption_language("ZH_CN").language == "zh"
    text = sound_text(DCASE2025.by_slug("telephone"), Place(-30, True), caption_language("ja"))
    assert text.bracketed(caption_language("ja")) == "（電話の着信音、右）"


def test_a_language_without_a_table_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no captions in 'kl': the languages are de, en, .* \(\.json\)"):
        caption_language("kl")
    own = tmp_path / "own.json"
    values = json.loads(caption_language("de").model_dump_json())
    for change, problem in (
        ({"words": {}}, "words.left"),
        ({"line_length": 3}, "line_length"),
        ({"x": 1}, "no such key"),
    ):
        own.with_name(f"{next(iter(change))}.json").write_text(json.dumps(values | change))
        with pytest.raises(UsageError, match=problem):
            caption_language(str(own.with_name(f"{next(iter(change))}.json")))
    with pytest.raises(UsageError, match=r"none\.json"):
        caption_language(str(tmp_path / "none.json"))


def test_own_classes_keep_the_caption_of_their_vocabulary() -> None:
    from dataclasses import replace

    cough = replace(DCASE2025[0], slug="cough", name="Cough", caption="Husten", labels=("Cough",))
    german = caption_language("de")
    assert sound_text(cough, Place(40, True), german).bracketed(german) == "[Husten, links]"


def test_long_words_are_broken_and_shortened() -> None:
    english = caption_language("en")
    assert fill_lines([SoundText("a rather long description of a sound", ("off screen", "left"))], english) == (
        "[a rather long description of a sound,", "off screen, left]",
    )  # fmt: skip
    (first, second) = fill_lines([SoundText("x" * 30 + " " + "y" * 30 + " " + "z" * 30, ("left",))], english) or (
        "",
        "",
    )
    assert first == "[" + "x" * 30
    assert second.endswith("…]")
    assert fill_lines([SoundText("x" * 200)], english) == ("[" + "x" * 39 + "…]",)
    assert fill_lines([SoundText(name, ("left",)) for name in ("bell", "door", "knock", "cough")], english) == (
        "[bell, left] [door, left] [knock, left]", "[cough, left]",
    )  # fmt: skip
    assert fill_lines([SoundText("x" * 30 + str(number)) for number in range(3)], english) is None
