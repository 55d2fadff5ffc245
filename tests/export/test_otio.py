from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from earwitness.batch.formats import Options, write
from earwitness.results.detection import Detection
from export_cases import text_of

NTSC = Fraction(30_000, 1001)


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
