"""Markers for editing programs, read back by OpenTimelineIO where it is installed, and by the rules of the formats."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from xml.etree import ElementTree as Xml

from hypothesis import given, settings

from earwitness.core.events import EventTable
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
