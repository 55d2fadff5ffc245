from __future__ import annotations

from earwitness.batch.formats import FORMATS
from earwitness.core.events import EventTable
from export_cases import detection, run


def test_cues_are_numbered_and_apart() -> None:
    table = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(39, 75, 12, -30, onscreen=True)])
    assert FORMATS["srt"].contents(detection(table)) == (
        "1\n00:00:01,000 --> 00:00:03,810\n[woman speaking, left]\n\n"
        "2\n00:00:03,900 --> 00:00:07,500\n[knocking, right]\n"
    )


def test_no_events_give_an_empty_file() -> None:
    assert FORMATS["srt"].contents(detection(EventTable.empty(20))) == ""


def test_sounds_that_begin_together_share_a_cue() -> None:
    together = EventTable.concatenate([run(10, 40, 0, 0, onscreen=True), run(12, 43, 3, 0, onscreen=True)])
    assert "[woman speaking]\n[telephone ringing]\n" in str(FORMATS["srt"].contents(detection(together)))
    late = detection(run(36_610, 36_620, 0, 0, num_frames=36_700), media=None)
    assert "01:01:01,000 --> 01:01:02" in str(FORMATS["srt"].contents(late))
