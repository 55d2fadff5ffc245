"""Lists of labels: Audacity and RTTM."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.batch.formats import FORMATS, write
from earwitness.core.events import EventTable
from earwitness.media.containers.probe import MediaInfo
from export_cases import OVERLAPPING, VIDEO, detection, run
from strange_names import STRANGE, heard


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
