"""Lists of labels: Audacity and RTTM."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as Xml

import pytest

from earwitness.batch.formats import FORMATS, write
from earwitness.core.events import EventTable
from earwitness.media.containers.probe import MediaInfo
from export_cases import OVERLAPPING, VIDEO, detection, run
from strange_names import STRANGE, bad, heard


def test_audacity_labels() -> None:
    text = FORMATS["audacity"].contents(detection(run(10, 25, 0, 23.4, onscreen=True)))
    assert text == "1.000000\t2.500000\tFemale speech, 23° left, 1.2 m, on screen\n"
    assert FORMATS["audacity"].contents(detection(EventTable.empty(5))) == ""


def test_rttm(tmp_path: Path) -> None:
    util = pytest.importorskip("pyannote.database.util", reason="reading RTTM needs pyannote.database (extra 'dev')")
    media = MediaInfo(Path("my clip.mp4"), 8.0, None, VIDEO.video)
    write(detection(OVERLAPPING, media=media), tmp_path / "clip.rttm", "rttm")
    annotations = util.load_rttm(tmp_path / "clip.rttm")
    assert list(annotations) == ["my_clip"]
    found = [(s.start, s.end, label) for s, _, label in annotations["my_clip"].itertracks(yield_label=True)]
    assert found == [
        (1.0, 2.5, "female_speech"), (1.2, 2.0, "female_speech_1"), (3.0, pytest.approx(3.3), "knock"),
        (4.0, pytest.approx(5.2), "female_speech"),
    ]  # fmt: skip


@pytest.mark.parametrize("stem", STRANGE)
def test_rttm_has_ten_fields(tmp_path: Path, stem: str) -> None:
    write(heard(tmp_path / f"{stem}.mp4"), tmp_path / "clip.rttm", "rttm")
    (line,) = (tmp_path / "clip.rttm").read_text().splitlines()
    assert len(line.split(" ")) == 10
    assert line.split(" ")[1]


def test_textgrid(tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    write(detection(OVERLAPPING), tmp_path / "clip.TextGrid", "textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=True, reportingMode="error")
    assert grid.tierNames == ("Female speech", "Female speech 2", "Knock")
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 8)
    intervals = [tuple(entry) for entry in grid.getTier("Female speech").entries]
    assert intervals == [
        (0, 1.0, ""), (1.0, 2.5, "23° left, 1.2 m, on screen"), (2.5, 4.0, ""),
        (4.0, 5.2, "10° left, 1.2 m, off screen"), (5.2, 8.0, ""),
    ]  # fmt: skip


def test_a_textgrid_of_nothing_has_a_tier(tmp_path: Path) -> None:
    textgrid = pytest.importorskip("praatio.textgrid", reason="reading TextGrids needs praatio (extra 'dev')")
    write(detection(EventTable.empty(20)), tmp_path / "clip.TextGrid", "textgrid")
    grid = textgrid.openTextgrid(str(tmp_path / "clip.TextGrid"), includeEmptyIntervals=True)
    assert [tuple(entry) for entry in grid.getTier(grid.tierNames[0]).entries] == [(0, 2.0, "")]


def test_elan(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi", reason="reading ELAN files needs pympi-ling (extra 'dev')")
    media = MediaInfo(Path('a "b" & c.mp4'), 8.0, None, VIDEO.video)
    write(detection(OVERLAPPING, media=media), tmp_path / "clip.eaf", "elan")
    eaf = pympi.Elan.Eaf(str(tmp_path / "clip.eaf"))
    assert list(eaf.get_tier_names()) == ["Female speech", "Female speech 2", "Knock"]
    assert eaf.get_annotation_data_for_tier("Female speech") == [
        (1000, 2500, "23° left, 1.2 m, on screen"), (4000, 5200, "10° left, 1.2 m, off screen")
    ]  # fmt: skip
    assert eaf.get_annotation_data_for_tier("Knock") == [(3000, 3300, "unknown, 1.2 m, off screen")]
    assert eaf.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == './a "b" & c.mp4'
    assert eaf.get_linked_files()[0]["MIME_TYPE"] == "video/mp4"


def test_an_empty_elan_file_has_all_that_the_schema_demands(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi", reason="reading ELAN files needs pympi-ling (extra 'dev')")
    write(detection(EventTable.empty(20), media=None), tmp_path / "clip.eaf", "elan")
    assert list(pympi.Elan.Eaf(str(tmp_path / "clip.eaf")).get_tier_names()) == []
    text = (tmp_path / "clip.eaf").read_text()
    order = [text.index(f"<{tag}") for tag in ("HEADER", "TIME_ORDER", "LINGUISTIC_TYPE")]
    assert order == sorted(order)


@pytest.mark.parametrize("stem", STRANGE)
@pytest.mark.parametrize("folder", [".", "other", "media/deep", ".."])
def test_elan_finds_the_media_from_where_its_file_lies(tmp_path: Path, stem: str, folder: str) -> None:
    base = tmp_path / "base"
    file, target = base / "media" / f"{stem}.mp4", base / folder / "clip.eaf"
    file.parent.mkdir(parents=True)
    file.touch()
    write(heard(file), target, "elan")
    descriptor = Xml.parse(target).find("HEADER/MEDIA_DESCRIPTOR")
    assert descriptor is not None
    relative = descriptor.get("RELATIVE_MEDIA_URL") or ""
    assert relative.startswith(("./", "../"))
    decoded = relative if stem == "%41" or stem.isprintable() else unquote(relative, errors="surrogateescape")
    assert (target.parent / decoded).resolve() == file.resolve()
    assert not bad(relative)
    assert (descriptor.get("MEDIA_URL") or "").startswith("file:///")


def test_elan_names_media_that_are_not_there_as_if_they_lay_beside(tmp_path: Path) -> None:
    write(heard(Path("/gone/my clip.mp4")), tmp_path / "clip.eaf", "elan")
    descriptor = Xml.parse(tmp_path / "clip.eaf").find("HEADER/MEDIA_DESCRIPTOR")
    assert descriptor is not None
    assert descriptor.get("RELATIVE_MEDIA_URL") == "./my clip.mp4"
