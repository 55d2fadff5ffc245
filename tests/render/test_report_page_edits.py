"""Editing in the report, in a real browser: by mouse and keyboard, with undo; the saved files are read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import browser, open_page, wait_until
from earwitness.core.events import EventTable
from earwitness.export.tables import csv_pieces
from earwitness.render.report_page import write_report
from earwitness.results.detection import Detection, EventIntervals, ModelId
from earwitness.results.saved import read_result
from earwitness.results.visual import EventKey, EventVisual, Pictures, SavedVisual, VisibleObject, VisualTrack

SECONDS = 6


def sound(first: int, last: int, class_index: int, azimuth: Any, source: int = 0, onscreen: bool = True) -> EventTable:
    return EventTable.from_columns(
        frame=np.arange(first, last), class_index=class_index, azimuth=azimuth, distance=2.32, onscreen=onscreen,
        score=0.9, source=source, num_frames=SECONDS * 10,
    )  # fmt: skip


TABLE = EventTable.concatenate(
    [
        sound(5, 20, 0, 30.5),
        sound(10, 30, 12, -70.0, onscreen=False),
        sound(35, 50, 6, np.linspace(40, -40, 15)),
        sound(52, 58, 3, float("nan"), onscreen=False),
    ]
)
NAME = "a <b> 'c' & =d\u202e.mp4"


def saved(table: EventTable = TABLE) -> Detection:
    track = VisualTrack(seen=[1] * 15, common_cause=[0.9] * 15, azimuth_before=[31.0] * 15)
    person = VisibleObject(seen=1, what="person", start=0.0, end=6.0, boxes=[(0, 0.1, 0.2, 0.3, 0.9)])
    visual = SavedVisual(Pictures(seen=[person]), {EventKey(0, 0, 5): EventVisual(seen=1, what="person", track=track)})
    return Detection(
        table, ModelId("tiny", "ab" * 32), float(SECONDS), Path("/secret/place") / NAME, has_video=True, visual=visual,
        settings={"threshold": 0.5, "tricky": "</script><img src=x onerror=alert(1)>"}, trusted=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(saved(), tmp_path_factory.mktemp("report") / "r.html")


def download(page: Any, tmp_path: Path, kind: str = "json") -> Path:
    page.select_option("#format", kind)
    with page.expect_download() as waiting:
        page.click("#save")
    path = tmp_path / f"{kind}-{waiting.value.suggested_filename}"
    waiting.value.save_as(path)
    return path


def events_of(path: Path) -> list[tuple[str, float, float, float, bool]]:
    found = read_result(path).events
    return [(e.sound_class.slug, round(e.start, 1), round(e.end, 1), round(e.azimuth, 1), e.onscreen) for e in found]


def test_without_changes_the_saved_result_is_the_same(chromium: Any, report: Path, tmp_path: Path) -> None:
    with open_page(chromium, report.as_uri()) as page:
        page.click("#edit")
        path = download(page, tmp_path)
        table = download(page, tmp_path, "csv").read_text()
    assert path.name.endswith(".corrected.json")
    assert "/secret" not in path.read_text()
    again = read_result(path)
    assert (again.model, again.duration, again.settings) == (saved().model, 6.0, saved().settings)
    for column in ("frame", "class_index", "source", "onscreen"):
        np.testing.assert_array_equal(getattr(again.table, column), getattr(TABLE, column))
    np.testing.assert_allclose(again.table.azimuth, TABLE.azimuth, atol=1e-3)
    assert table == "".join(csv_pieces(saved()))
    ((_, effect), *_) = again.explained_events()
    assert effect is not None
    assert effect.track is not None
    assert effect.track.common_cause == [0.9] * 15


def test_everything_by_keyboard_with_undo(chromium: Any, report: Path, tmp_path: Path) -> None:
    with open_page(chromium, report.as_uri()) as page:
        page.keyboard.press("n")  # the speech at 0.5 s
        page.keyboard.press("l")  # no command unless editing
        page.keyboard.press("e")
        assert page.locator("#editor").is_visible()
        before = page.evaluate("JSON.stringify(events)")
        for key in ("l", "Shift+L", ",", "<", "o"):
            page.keyboard.press(key)
        assert page.evaluate("[events[0].az, events[0].s, events[0].e, events[0].on]") == [36.5, 0.4, 1.9, False]
        page.keyboard.press("k")
        page.keyboard.type("Male")
        page.keyboard.press("Tab")
        page.evaluate("document.activeElement.blur()")
        wait_until(page, "events[0].c === 1")
        page.evaluate("seek(1.5)")
        page.keyboard.press("]")
        page.evaluate("seek(0.8)")
        page.keyboard.press("[")
        page.evaluate("seek(3.0)")
        page.keyboard.press("a")
        page.evaluate("choose(1)")
        page.keyboard.press("Delete")
        assert "deleted" in page.locator("#live").inner_text()
        page.keyboard.press("u")
        page.keyboard.press("Control+y")
        path = download(page, tmp_path)
        assert events_of(path) == [
            ("male_speech", 0.8, 1.5, 36.5, False), ("male_speech", 3.0, 4.0, 0.0, True),
            ("footsteps", 3.5, 5.0, 0.0, True), ("telephone", 5.2, 5.8, pytest.approx(np.nan, nan_ok=True), False),
        ]  # fmt: skip
        assert read_result(path).settings["corrections"] == {"changed": 1, "added": 1, "deleted": 1}
        for _ in range(20):
            page.keyboard.press("u")
        assert page.evaluate("JSON.stringify(events.filter(Boolean))") == before
        assert page.locator("#edit-undo").is_disabled()


def test_ends_are_dragged_and_fields_change_values(chromium: Any, report: Path, tmp_path: Path) -> None:
    with open_page(chromium, report.as_uri(), viewport={"width": 1280, "height": 1100}) as page:
        page.click("#edit")
        bar, track = page.locator(".bar-event[data-index='2']").bounding_box(), page.locator("#track").bounding_box()
        second = track["width"] / SECONDS
        middle = bar["y"] + bar["height"] / 2
        for x, by in ((bar["x"] + bar["width"] - 3, second * 0.7), (bar["x"] + 3, second * 0.5)):
            page.mouse.move(x, middle)
            page.mouse.down()
            page.mouse.move(x + by / 2, middle)
            page.mouse.move(x + by, middle)
            page.mouse.up()
        assert page.evaluate("[events[2].s, events[2].e]") == [4.0, 5.7]
        assert page.evaluate("done.length") == 2, "one step for each drag"
        page.evaluate("choose(3)")
        page.fill("#edit-azimuth", "25")
        page.select_option("#edit-side", "right")
        page.fill("#edit-distance", "1.5")
        page.check("#edit-onscreen")
        page.fill("#edit-start", "99")  # beyond the end
        page.keyboard.press("Tab")
        path = download(page, tmp_path)
    found = read_result(path).events[-1]
    assert (found.sound_class.slug, round(found.azimuth), round(found.distance, 2), found.onscreen) == (
        "telephone", -25, 1.5, True,
    )  # fmt: skip
    assert (round(found.start, 1), round(found.end, 1)) == (5.7, 5.8)


def test_a_class_changed_into_one_that_sounds_stays_a_source_of_its_own(
    chromium: Any, report: Path, tmp_path: Path
) -> None:
    with open_page(chromium, report.as_uri()) as page:
        page.keyboard.press("e")
        page.evaluate("choose(1)")
        page.select_option("#edit-class", "0")
        path = download(page, tmp_path)
    found = [event for event in read_result(path).events if event.sound_class.slug == "female_speech"]
    assert [(round(e.start, 1), round(e.azimuth, 1)) for e in found] == [(0.5, 30.5), (1.0, -70.0)]


def test_names_are_texts_and_a_spreadsheet_runs_nothing(chromium: Any, tmp_path: Path) -> None:
    hostile = replace(saved(), path=Path("=cmd|' <img src=x onerror=alert(1)>.mp4"))
    with open_page(chromium, write_report(hostile, tmp_path / "r.html").as_uri()) as page:
        assert page.locator("h1 img").count() == 0
        page.keyboard.press("e")
        page.evaluate("choose(0)")
        assert page.locator("img").count() == 0
        path = download(page, tmp_path, "events")
    assert path.read_text().splitlines()[1].startswith("'=cmd|")


def test_an_empty_result_can_be_filled(chromium: Any, tmp_path: Path) -> None:
    empty = replace(saved(EventTable.empty(60)), visual=None)
    with open_page(chromium, write_report(empty, tmp_path / "r.html").as_uri()) as page:
        page.keyboard.press("e")
        page.keyboard.press("a")
        page.keyboard.press("r")
        path = download(page, tmp_path)
    assert events_of(path) == [("female_speech", 0.0, 1.0, -5.0, True)]


def test_a_phone_shows_everything(chromium: Any, report: Path) -> None:
    with open_page(chromium, report.as_uri(), viewport={"width": 360, "height": 740}, has_touch=True) as page:
        page.click("#edit")
        page.evaluate("choose(2)")
        wide = (
            "[...document.querySelectorAll('body *')].filter((node) => { const box = node.getBoundingClientRect();"
            " return box.width && !node.closest('#scroller') && !node.closest('.hidden,.skip')"
            " && (box.right > innerWidth + 1 || box.left < -1); }).map((node) => node.id || node.className)"
        )
        assert page.evaluate(wide) == []
        cut = (
            "[...document.querySelectorAll('#rows td, #card-words, #editor label')]"
            ".filter((node) => node.scrollWidth > node.clientWidth + 1).length"
        )
        assert page.evaluate(cut) == 0
        page.tap(".bar-event[data-index='2']")
        assert page.evaluate("chosen") == 2


def test_intervals_are_explained_kept_and_dropped_by_corrections(chromium: Any, tmp_path: Path) -> None:
    known = {EventKey(0, 0, 5): EventIntervals(azimuth=(20.0, 41.0), distance=(1.5, 3.25))}
    result = replace(saved(), intervals=known)
    with open_page(chromium, write_report(result, tmp_path / "r.html").as_uri()) as page:
        page.evaluate("choose(0)")
        words = page.locator("#card-words").inner_text()
        assert "Direction 30° left (90 % sure: 20° left to 41° left)." in words
        assert "Distance 2.3 m (90 % sure: 1.5 m to 3.2 m)." in words
        page.keyboard.press("e")
        path = download(page, tmp_path)
        first = read_result(path).events[0]
        assert (first.azimuth_interval, first.distance_interval) == ((20.0, 41.0), (1.5, 3.25))
        page.keyboard.press("l")
        assert "Corrected by hand" in page.locator("#card-words").inner_text()
        assert read_result(download(page, tmp_path)).events[0].azimuth_interval is None
