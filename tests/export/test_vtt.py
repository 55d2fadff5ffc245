from __future__ import annotations

import re

from earwitness.batch.formats import FORMATS, Options, parse_formats
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


def vtt(table: EventTable, **about: object) -> list[Cue]:
    return cues(FORMATS["vtt"].contents(detection(table, **about)))  # type: ignore[arg-type]


def test_vtt_places_its_cues() -> None:
    table = EventTable.concatenate([run(10, 30, 0, 30, onscreen=True), run(12, 32, 3, -70), run(60, 75, 7, 2)])
    assert str(FORMATS["vtt"].contents(detection(table))).startswith("WEBVTT\n\n")
    first, second, third = vtt(table)
    assert first == (1.0, 3.0, "line:-1 position:25% align:left", "[woman speaking, left]")
    assert second[2:] == ("line:-2 position:90% align:right", "[telephone ringing, off screen, right]")
    assert third[2:] == ("line:-1 position:50% align:center", "[door opening or closing, off screen]")


def test_vtt_places_its_cues_by_the_camera_that_was_given() -> None:
    table = run(10, 30, 0, 10, onscreen=True)
    places = {fov: vtt(table, fov=fov)[0][2].split()[1] for fov in (100.0, 40.0)}
    assert places == {100.0: "position:45%", 40.0: "position:25%"}  # 0.5 - tan 10 / tan 50 / 2, or / tan 20
    chosen = parse_formats(["vtt"], Options(fov=40))[0]
    assert chosen.contents(detection(table)) == FORMATS["vtt"].contents(detection(table, fov=40))
