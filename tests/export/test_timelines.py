from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from earwitness.batch.formats import Options, write
from earwitness.results.detection import Detection
from export_cases import text_of

NTSC = Fraction(30_000, 1001)


def test_fcpxml_times_are_whole_frames(film: Detection, tmp_path: Path) -> None:
    document = text_of("fcpxml", film, "29.97", tmp_path)
    assert document.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
    root = Xml.fromstring(document)
    frame = root.find("resources/format").get("frameDuration")  # type: ignore[union-attr]
    assert frame == "1001/30000s"
    times = [
        Fraction(value.removesuffix("s"))
        for element in root.iter() for name, value in element.items()
        if name in ("start", "duration", "offset", "tcStart")
    ]  # fmt: skip
    assert times
    assert all((time * NTSC).denominator == 1 for time in times)
    found = [(one.get("value"), one.get("start")) for one in root.iter("marker")]
    assert found == [("Knock", "30030/30000s"), ("Music", "1799798/30000s")]
    references = {one.get("id") for one in root.find("resources")}  # type: ignore[union-attr]
    clip = next(root.iter("asset-clip"))
    assert {clip.get("ref"), clip.get("format")} <= references
    assert next(root.iter("media-rep")).get("src") == (tmp_path / "clip.mp4").as_uri()
    assert next(root.iter("sequence")).get("tcFormat") == "DF"


def test_xmeml_counts_frames_and_refers_to_one_file(film: Detection, tmp_path: Path) -> None:
    root = Xml.fromstring(text_of("premiere", film, "29.97", tmp_path))
    sequence = root.find("sequence")
    assert sequence is not None
    assert [one.text for one in sequence.findall("rate/*")] == ["30", "TRUE"]
    assert [one.text for one in sequence.findall("timecode/displayformat")] == ["DF"]
    found = [[part.text for part in marker] for marker in sequence.findall("marker")]
    assert found[0] == ["Knock", "30° left, 1.2 m, off screen, confidence 70%", "30", "120"]
    assert found[1][2:] == ["1798", "1918"]
    assert [file.get("id") for file in root.iter("file")] == ["file-1", "file-1"]
    assert next(root.iter("pathurl")).text == (tmp_path / "clip.mp4").as_uri()
    assert {item.findtext("out") for item in root.iter("clipitem")} == {sequence.findtext("duration")}


def test_otio_is_read_by_its_library(film: Detection, tmp_path: Path) -> None:
    otio = pytest.importorskip("opentimelineio", reason="reading OTIO files needs opentimelineio (extra 'dev')")
    write(film, tmp_path / "a.otio", "otio", Options(fps="29.97"))
    timeline = otio.adapters.read_from_file(str(tmp_path / "a.otio"))
    (clip,) = timeline.find_clips()
    first, second = clip.markers
    assert (first.name, first.marked_range.start_time.value) == ("Knock", 30)
    assert otio.opentime.to_timecode(second.marked_range.start_time) == "00:00:59;28"
    assert second.metadata["earwitness"]["azimuth_deg"] == -20
    assert clip.media_reference.target_url == (tmp_path / "clip.mp4").as_uri()
    assert clip.source_range.duration.to_seconds() == pytest.approx(70, abs=0.04)


def test_otio_without_its_library(film: Detection) -> None:
    document = json.loads(text_of("otio", film))
    schemas = set(re.findall(r'"OTIO_SCHEMA": "(\w+\.\d)"', text_of("otio", film)))
    assert document["OTIO_SCHEMA"] == "Timeline.1"
    assert schemas >= {"Stack.1", "Track.1", "Clip.2", "Marker.2", "TimeRange.1", "RationalTime.1"}
