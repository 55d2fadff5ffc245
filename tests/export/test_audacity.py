from __future__ import annotations

from earwitness.batch.formats import FORMATS
from earwitness.core.events import EventTable
from export_cases import detection, run


def test_audacity_labels() -> None:
    text = FORMATS["audacity"].contents(detection(run(10, 25, 0, 23.4, onscreen=True)))
    assert text == "1.000000\t2.500000\tFemale speech, 23° left, 1.2 m, on screen\n"
    assert FORMATS["audacity"].contents(detection(EventTable.empty(5))) == ""
