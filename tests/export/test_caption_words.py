from __future__ import annotations

from caption_cases import cues, spoken
from earwitness.core.events import EventTable
from export_cases import run


def test_the_sound_then_where() -> None:
    table = EventTable.concatenate([run(10, 30, 12, 30), run(45, 70, 3, -30, onscreen=True)])
    assert spoken(cues(table)) == [
        (1.0, "[knocking, off screen, left]"),
        (4.5, "[telephone ringing, right]"),
    ]
    assert spoken(cues(run(10, 30, 8, 30, onscreen=True))) == [(1.0, "[♪ music playing, left ♪]")]


def test_sound_alone_and_no_direction() -> None:
    assert spoken(cues(run(0, 20, 4, -30), media=None)) == [(0.0, "[laughter, right]")]
    (cue,) = cues(run(0, 20, 4, float("nan")), media=None)
    assert (cue.text, cue.position) == ("[laughter]", None)
