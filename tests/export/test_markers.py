"""Markers for editing programs, read back by OpenTimelineIO where it is installed, and by the rules of the formats."""

from __future__ import annotations

import csv
import json
import re
from fractions import Fraction
from io import StringIO
from xml.etree import ElementTree as Xml

from hypothesis import given, settings

from earwitness.core.events import EventTable
from earwitness.results.detection import Detection
from export_cases import detection, tables, text_of

NTSC = Fraction(30_000, 1001)
EVENT = re.compile(
    r"(\d{3,4})  001      V     C        (\S{11}) (\S{11}) (\S{11}) (\S{11})  \n"
    r" \|C:ResolveColor(\w+) \|M:([^|\n]+) \|D:(\d+)\n\n"
)


@settings(deadline=None, max_examples=15)
@given(table=tables())
def test_any_table_gives_one_marker_an_event(table: EventTable) -> None:
    result = detection(table)
    count = len(result.events)
    assert len(EVENT.findall(text_of("edl", result))) == count
    assert len(list(Xml.fromstring(text_of("fcpxml", result)).iter("marker"))) == count
    assert len(list(Xml.fromstring(text_of("premiere", result)).iter("marker"))) == count
    (clip,) = json.loads(text_of("otio", result))["tracks"]["children"][0]["children"]
    assert len(clip["markers"]) == count
    assert len(text_of("reaper", result).splitlines()) == count + 1


def test_edl_has_one_event_a_marker(film: Detection) -> None:
    edl = text_of("edl", film, "29.97")
    assert edl.startswith("TITLE: clip.mp4\nFCM: DROP FRAME\n\n")
    first, second = EVENT.findall(edl)
    assert first[:3] == ("001", "01:00:01;00", "01:00:01;01")
    assert first[1:3] == first[3:5]
    assert first[6:] == ("Knock, 30° left, 1.2 m, off screen, confidence 70%", "90")
    assert second[1] == "01:00:59;28"  # 60 s are 1798.2 frames
    assert "FCM: NON-DROP FRAME" in text_of("edl", film, "25")
    assert EVENT.findall(text_of("edl", film, "23.976"))[1][1] == "01:00:59:23"


def test_reaper_regions(film: Detection) -> None:
    rows = list(csv.DictReader(StringIO(text_of("reaper", film))))
    assert [row["#"] for row in rows] == ["R1", "R2"]
    assert rows[1] == {
        "#": "R2", "Name": "Music, 20° right, 1.2 m, off screen", "Start": "0:01:00.000", "End": "0:01:04.000",
        "Length": "0:00:04.000", "Color": rows[1]["Color"],
    }  # fmt: skip
    assert re.fullmatch("[0-9A-F]{6}", rows[1]["Color"])
