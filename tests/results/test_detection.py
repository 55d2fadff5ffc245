from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.media.timeline import Stretch
from earwitness.results.detection import TURNED_OFF, file_text, off_screen, without_direction, without_direction_in
from export_cases import detection, run


def test_without_direction_keeps_the_best_row_per_class_and_frame() -> None:
    table = EventTable.concatenate(
        [run(0, 5, 1, 40, score=0.4), run(0, 5, 1, -40, source=1, score=0.9), run(2, 4, 3, 0, onscreen=True)]
    )
    mono = without_direction(table)
    assert np.isnan(mono.azimuth).all()
    assert not mono.onscreen.any()
    assert sorted(zip(mono.frame.tolist(), mono.class_index.tolist(), strict=True)) == [
        *((frame, 1) for frame in (0, 1)),
        *((frame, class_index) for frame in (2, 3) for class_index in (1, 3)),
        (4, 1),
    ]
    np.testing.assert_allclose(mono.score[mono.class_index == 1], 0.9)


def test_only_rows_within_the_stretches_lose_their_direction() -> None:
    table = run(0, 20, 1, 40)
    changed = without_direction_in(table, [Stretch(1.0, 1.5, "mono")])
    assert sorted(changed.frame[np.isnan(changed.azimuth)].tolist()) == list(range(10, 15))
    assert without_direction_in(table, [Stretch(5.0, 6.0, "mono")]) is table


def test_off_screen_changes_nothing_else() -> None:
    table = run(0, 5, 1, 40, onscreen=True)
    assert not off_screen(table).onscreen.any()
    np.testing.assert_array_equal(off_screen(table).azimuth, table.azimuth)


@pytest.mark.parametrize(("value", "reason"), [(TURNED_OFF, ""), ("no weights", "no weights"), (None, "")])
def test_a_reason_is_given_unless_the_user_turned_vision_off(value: str | None, reason: str) -> None:
    found = detection(run(0, 5, 1, 40))
    settings = found.settings | ({} if value is None else {"vision_off": value})
    assert replace(found, settings=settings).vision_off_reason == reason


def test_an_untrusted_path_is_not_opened(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"x")
    found = replace(detection(run(0, 5, 1, 40)), path=file)
    assert found.media_file == file
    assert replace(found, trusted=False).media_file is None
    assert replace(found, trusted=False, media=file).media_file == file


def test_bytes_that_are_not_text_are_replaced() -> None:
    assert file_text(Path("a\udce9b.mp4")) == "a?b.mp4"
    assert file_text(None) is None
