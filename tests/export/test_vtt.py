from __future__ import annotations

import re
from dataclasses import replace

from earwitness.batch.formats import FORMATS, Options, parse_formats
from earwitness.core.events import EventTable
from earwitness.export.captions.captions import CaptionSettings
from earwitness.export.captions.vtt import to_vtt
from earwitness.export.subtitle_file import SubtitleCue
from export_cases import detection, run


def test_vtt_places_its_cues() -> None:
    table = EventTable.concatenate([run(10, 25, 0, 30, onscreen=True), run(30, 45, 3, -70), run(60, 75, 7, 2)])
    text = str(FORMATS["vtt"].contents(detection(table)))
    assert text.startswith("WEBVTT\n\n1\n00:00:01.000 --> 00:00:")
    settings = re.findall(r"-->\s\S+(.*)\n(.*)\n", text)
    assert settings == [
        (" position:25% align:left", "[woman speaking, left]"),
        (" position:90% align:right", "[telephone ringing, off screen, right]"),
        (" position:50% align:center", "[door opening or closing, off screen]"),
    ]


def test_sounds_on_both_sides_stay_in_the_middle() -> None:
    table = EventTable.concatenate([run(10, 30, 0, 30, onscreen=True), run(12, 32, 3, -40, onscreen=True)])
    text = str(FORMATS["vtt"].contents(detection(table)))
    assert "position" not in text
    assert "[woman speaking, left]\n[telephone ringing, right]\n" in text


def test_vtt_places_its_cues_by_the_camera_that_was_given() -> None:
    table = run(10, 30, 0, 10, onscreen=True)
    places = {fov: re.findall(r"position:(\d+)%", to_vtt(detection(table, fov=fov))) for fov in (100.0, 40.0)}
    assert places == {100.0: ["45"], 40.0: ["25"]}  # 0.5 - tan 10 / tan 50 / 2, or / tan 20
    chosen = parse_formats(["vtt"], Options(fov=40))[0]
    assert (
        chosen.contents(detection(table))
        == FORMATS["vtt"].contents(detection(table, fov=40))
        == to_vtt(detection(table), fov=40)
    )


def test_signs_are_escaped_but_not_the_tags_of_dialogue() -> None:
    line = SubtitleCue(1.0, 3.0, ("<i>a < b & c</i>",))
    text = to_vtt(detection(run(60, 70, 12, 0)), replace(CaptionSettings(), dialogue=(line,)))
    assert "<i>a &lt; b &amp; c</i>" in text
