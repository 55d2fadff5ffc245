"""The check finds what it is for: each rule is broken once."""

from __future__ import annotations

import pytest

from earwitness.core.events import EventTable
from earwitness.export.captions.caption_check import check_cues, check_sounds
from earwitness.export.captions.caption_rules import CaptionRules, caption_language
from earwitness.export.subtitle_file import SubtitleCue
from export_cases import detection, run

RULES = CaptionRules(caption_language("en"))


def broken(*cues: SubtitleCue, language: str = "en") -> list[str]:
    return [breach.rule for breach in check_cues(cues, CaptionRules(caption_language(language)))]


@pytest.mark.parametrize(
    ("cue", "rules"),
    [
        (SubtitleCue(1, 3, ("[knocking]",)), []),
        (SubtitleCue(1, 3, ("a", "b", "c")), ["lines"]),
        (SubtitleCue(1, 4, ("x" * 42,)), []),
        (SubtitleCue(1, 4, ("x" * 43,)), ["length"]),
        (SubtitleCue(1, 4, (f"<i>{'x' * 42}</i>",)), []),
        (SubtitleCue(1, 3, ("x" * 40,)), []),
        (SubtitleCue(1, 2.9, ("x" * 40,)), ["speed"]),
        (SubtitleCue(1, 1 + 5 / 6, ("hm",)), []),
        (SubtitleCue(1, 1.8, ("hm",)), ["short"]),
        (SubtitleCue(1, 8.1, ("hm",)), ["long"]),
    ],
)
def test_single_cues(cue: SubtitleCue, rules: list[str]) -> None:
    assert broken(cue) == rules


def test_a_line_of_chinese_and_japanese_is_shorter() -> None:
    assert broken(SubtitleCue(1, 5, ("敲" * 16,)), language="zh") == []
    assert broken(SubtitleCue(1, 5, ("敲" * 17,)), language="zh") == ["length"]
    assert broken(SubtitleCue(1, 5, ("a" * 32,)), language="ja") == []
    assert broken(SubtitleCue(1, 2, ("敲" * 10,)), language="zh") == ["speed"]


def test_two_frames_apart() -> None:
    first, language = SubtitleCue(1, 3, ("a",)), caption_language("en")
    assert broken(first, SubtitleCue(3.084, 5, ("b",))) == []
    assert broken(first, SubtitleCue(3.08, 5, ("b",))) == ["gap"]
    assert broken(first, SubtitleCue(2.9, 5, ("b",))) == ["overlap"]
    fast = CaptionRules(language, RULES.frame_rate * 2)
    assert not check_cues([first, SubtitleCue(3.05, 5, ("b",))], fast)


def sounds(table: EventTable, *cues: SubtitleCue) -> list[str]:
    return [breach.rule for breach in check_sounds(cues, detection(table), RULES.language)]


def test_cues_start_with_their_sounds() -> None:
    knock = run(20, 30, 12, 30, onscreen=True)
    assert sounds(knock, SubtitleCue(2.0, 4, ("[knocking, left]",))) == []
    assert sounds(knock, SubtitleCue(0.3, 4, ("[knocking, left]",))) == ["start"]
    assert sounds(knock, SubtitleCue(2.5, 4, ("[knocking, left]",))) == ["start"]
    standing = SubtitleCue(0.2, 2.3, ("[bell ringing]",))
    bell = EventTable.concatenate([knock, run(2, 20, 11, 0)])
    assert sounds(bell, standing, SubtitleCue(2.4, 4, ("[knocking, left]",))) == []
    assert sounds(bell, standing, SubtitleCue(3.4, 5, ("[knocking, left]",))) == ["start"]
    assert sounds(bell, SubtitleCue(0.2, 4, ("[bell ringing]", "[knocking, left]"))) == ["start"]


def test_a_running_sound_is_not_said_again_with_its_neighbours() -> None:
    music = run(0, 500, 8, 0, onscreen=True, num_frames=600)
    table = EventTable.concatenate([music, run(50, 60, 12, 0, onscreen=True, num_frames=600)])
    first = SubtitleCue(0.0, 4, ("[♪ music playing ♪]",))
    knock = SubtitleCue(5.0, 7, ("[♪ music playing ♪]", "[knocking]"))
    assert sounds(table, first, knock) == ["repeat"]
    assert sounds(table, first, SubtitleCue(5.0, 7, ("[knocking]",)), SubtitleCue(31, 34, first.lines)) == []
    assert sounds(table, first, SubtitleCue(20, 24, ("[♪ music playing, left ♪]",))) == []


def test_a_breach_is_a_sentence() -> None:
    (breach,) = check_cues([SubtitleCue(61.5, 64, ("x" * 43,))], RULES)
    assert str(breach) == "cue 1 at 61.50 s: has a line of 43 characters; the most are 42"
