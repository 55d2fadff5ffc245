from __future__ import annotations

from pathlib import Path

import av
import pytest

from earwitness.batch.formats import Options, write
from earwitness.core.events import EventTable
from earwitness.export.captions.ass import to_ass
from earwitness.export.captions.captions import CaptionSettings
from earwitness.export.subtitle_file import SubtitleCue
from export_cases import detection, run

TABLE = EventTable.concatenate([run(10, 30, 12, 30, onscreen=True), run(50, 70, 3, -60), run(52, 72, 8, 30)])


@pytest.mark.parametrize("name", ["ass", "srt", "vtt"])
def test_ffmpeg_reads_times_and_words(tmp_path: Path, name: str) -> None:
    write(detection(TABLE), tmp_path / f"a.{name}", name, Options())
    with av.open(str(tmp_path / f"a.{name}")) as file:
        packets = [packet for packet in file.demux(subtitles=0) if packet.size]
        found = [(float(one.pts * one.time_base), float(one.duration * one.time_base)) for one in packets]
        assert [start for start, _ in found] == [1.0, 5.0]
        assert found[0][1] == 2.0
        assert b"[knocking, left]" in bytes(packets[0])
        assert "♪ music playing".encode() in bytes(packets[1])


def test_places_and_signs() -> None:
    line = SubtitleCue(12.0, 13.9, ("<i>a{b}\\c</i> d",))
    text = to_ass(detection(TABLE), CaptionSettings(dialogue=(line,)))
    assert "Dialogue: 0,0:00:01.00,0:00:03.00,Left,,0,0,0,,[knocking, left]\n" in text
    assert ",Middle,,0,0,0,,[telephone ringing, off screen, right]\\N[♪ music playing, off screen, left ♪]\n" in text
    assert ",,{\\i1}a(b)⧵c{\\i0} d\n" in text
