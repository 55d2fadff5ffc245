"""Caption files, read back with FFmpeg and ttconv."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as Xml

import av
import pytest

from earwitness.batch.formats import FORMATS, Options, parse_formats, write
from earwitness.core.events import EventTable
from earwitness.export.captions.caption_files import PROFILE, to_ass, to_ttml, to_vtt
from earwitness.export.captions.captions import CaptionSettings
from earwitness.export.subtitle_file import SubtitleCue
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


TABLE = EventTable.concatenate([run(10, 30, 12, 30, onscreen=True), run(50, 70, 3, -60), run(52, 72, 8, 30)])
TT = "{http://www.w3.org/ns/ttml}"


def test_ttml_is_read_by_the_library_of_its_profile(tmp_path: Path) -> None:
    reader = pytest.importorskip("ttconv.imsc.reader", reason="reading TTML needs ttconv (extra 'dev')")
    write(detection(TABLE), tmp_path / "a.ttml", "ttml", Options(language="de"))
    model = reader.to_model(Xml.parse(tmp_path / "a.ttml"))
    assert model.get_lang() == "de"
    (division,) = model.get_body()
    first, second = division
    assert (first.get_begin(), first.get_end(), first.get_region().get_id()) == (1, Fraction(3), "left")
    words = ["".join(node.get_text() for node in part.dfs_iterator() if hasattr(node, "get_text")) for part in second]
    assert words == ["[Telefon klingelt, nicht im Bild, rechts]", "", "[♪ Musik spielt, nicht im Bild, links ♪]"]
    assert second.get_region().get_id() == "middle"


def test_ttml_declares_its_profile_and_keeps_the_tags_of_dialogue() -> None:
    line = SubtitleCue(0.0, 3.0, ("<i>Who</i> & what?",))
    root = Xml.fromstring(to_ttml(detection(TABLE), CaptionSettings(dialogue=(line,))))
    assert root.get("{http://www.w3.org/ns/ttml#parameter}profile") == PROFILE
    (first, *_) = root.iter(f"{TT}p")
    spans = [(part.text, part.get("{http://www.w3.org/ns/ttml#styling}fontStyle")) for part in first]
    assert spans == [("[knocking, left]", None), (None, None), ("Who", "italic"), (" & what?", None)]
    assert not (first.text or "").strip()
    regions = {region.get("{http://www.w3.org/XML/1998/namespace}id") for region in root.iter(f"{TT}region")}
    assert {part.get("region") for part in root.iter(f"{TT}p")} <= regions


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
