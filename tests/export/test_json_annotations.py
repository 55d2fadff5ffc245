from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.batch.formats import write
from export_cases import OVERLAPPING, detection

SPANS = [(1.0, 2.5), (1.2, 2.0), (3.0, 3.3), (4.0, 5.2)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_jams(tmp_path: Path) -> None:
    jams = pytest.importorskip("jams", reason="reading JAMS needs jams (extra 'dev')")
    write(detection(OVERLAPPING), tmp_path / "clip.jams", "jams")
    document = jams.load(str(tmp_path / "clip.jams"), validate=True, strict=True)
    (annotation,) = document.search(namespace="tag_open")
    assert [(o.time, round(o.time + o.duration, 1)) for o in annotation.data] == SPANS
    assert [o.value for o in annotation.data][:2] == ["female_speech"] * 2
    assert annotation.sandbox.spatial[0]["azimuth_deg"] == 23.4
    assert document.file_metadata.duration == 8.0
