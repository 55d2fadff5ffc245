from __future__ import annotations

from caption_cases import cues, spoken
from earwitness.core.events import EventTable
from export_cases import run


def test_a_cue_starts_with_its_first_sound_even_at_the_end_of_a_clip() -> None:
    (cue,) = cues(run(79, 80, 12, 60))
    assert cue.start == 7.9
    assert cue.end - cue.start >= len(cue.text) / 20


def test_a_sound_joins_a_standing_cue_or_waits() -> None:
    joins = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(13, 43, 3, -30, onscreen=True)])
    assert spoken(cues(joins)) == [(1.0, "[woman speaking, left]\n[telephone ringing, right]")]
    waits = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(19, 43, 3, -30, onscreen=True)])
    assert spoken(cues(waits)) == [(1.0, "[woman speaking, left]"), (2.19, "[telephone ringing, right]")]
    both = EventTable.concatenate([run(10, 30, 12, 40, onscreen=True), run(11, 30, 12, -40, source=1, onscreen=True)])
    assert spoken(cues(both)) == [(1.0, "[knocking, left and right]")]
