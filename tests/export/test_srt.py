from __future__ import annotations

import re

from earwitness.batch.formats import FORMATS
from earwitness.core.events import EventTable
from export_cases import detection, run

CUE = re.compile(r"\d+\n(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})(.*)\n((?:\[.*\]\n)+)")


Cue = tuple[float, float, str, str]


def cues(text: str | bytes) -> list[Cue]:
    found = []
    for h, m, s, ms, h2, m2, s2, ms2, rest, words in CUE.findall(str(text)):
        start, end = (
            int(a) * 3600 + int(b) * 60 + int(c) + int(d) / 1000 for a, b, c, d in ((h, m, s, ms), (h2, m2, s2, ms2))
        )
        found.append((start, end, rest.strip(), words.strip()))
    return found


def srt(table: EventTable, **about: object) -> list[Cue]:
    return cues(FORMATS["srt"].contents(detection(table, **about)))  # type: ignore[arg-type]


def test_srt_has_no_flash_where_one_sound_begins_as_another_ends() -> None:
    table = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(39, 75, 12, -30, onscreen=True)])
    assert [(start, end, words) for start, end, _, words in srt(table)] == [
        (1.0, 3.9, "[woman speaking, left]"),
        (3.9, 7.5, "[knocking, right]"),
    ]


def test_srt_shows_one_cue_at_a_time() -> None:
    table = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(30, 60, 3, -70, onscreen=True)])
    assert srt(table) == [
        (1.0, 3.0, "", "[woman speaking, left]"),
        (3.0, 4.0, "", "[woman speaking, left]\n[telephone ringing, right]"),
        (4.0, 6.0, "", "[telephone ringing, right]"),
    ]
    together = EventTable.concatenate([run(10, 40, 0, 0, onscreen=True), run(12, 43, 3, 0, onscreen=True)])
    assert [words for *_, words in srt(together)] == ["[woman speaking]\n[telephone ringing]"]
