from __future__ import annotations

import pytest

from earwitness.detect.file_progress import part_of, seconds_of


def test_a_step_reports_its_share_of_the_file() -> None:
    reports: list[tuple[float, float | None]] = []
    step = part_of(lambda done, total: reports.append((done, total)), 0.2, 1.0)
    assert step is not None
    for done in (0.0, 5.0, 10.0, 12.0):
        step(done, 10.0)
    step(3.0, None)
    assert [done for done, _ in reports] == pytest.approx([2.0, 6.0, 10.0, 10.0, 3.0])
    assert [total for _, total in reports] == [10.0, 10.0, 10.0, 10.0, None]


def test_the_whole_file_and_no_progress_are_passed_through() -> None:
    def progress(done: float, total: float | None) -> None: ...

    assert part_of(progress, 0, 1) is progress
    assert part_of(None, 0.2, 1) is None
    assert seconds_of(None, 3.0) is None


def test_seconds_are_reported_with_the_length_of_the_file() -> None:
    reports: list[tuple[float, float | None]] = []
    report = seconds_of(lambda done, total: reports.append((done, total)), 8.0)
    assert report is not None
    report(2.5)
    assert reports == [(2.5, 8.0)]
