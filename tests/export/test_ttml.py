from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from earwitness.batch.formats import Options, write
from earwitness.core.events import EventTable
from earwitness.export.captions.captions import CaptionSettings
from earwitness.export.captions.ttml import PROFILE, to_ttml
from earwitness.export.subtitle_file import SubtitleCue
from export_cases import detection, run

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
