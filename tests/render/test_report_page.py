"""The report in a real browser: it plays, is clicked, filtered, used by keyboard, and asks no network for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import browser, open_page, wait_until
from earwitness.core.events import EventTable
from earwitness.media.writer import MediaWriter, write_wav
from earwitness.render.report_page import report_html, write_report
from earwitness.results.detection import Detection, ModelId
from earwitness.results.visual import EventKey, EventVisual, Pictures, SavedVisual, VisibleObject

SECONDS = 6


def event(
    first: int, last: int, class_index: int, azimuth: Any, onscreen: bool = True, score: float = 0.9
) -> EventTable:
    return EventTable.from_columns(
        frame=np.arange(first, last), class_index=class_index, azimuth=azimuth, distance=2.0, onscreen=onscreen,
        score=score, num_frames=SECONDS * 10,
    )  # fmt: skip


TABLE = EventTable.concatenate(
    [
        event(5, 20, 0, 30),
        event(10, 30, 12, -70, onscreen=False, score=0.4),
        event(35, 50, 6, np.linspace(40, -40, 15)),
        event(40, 45, 3, float("nan"), onscreen=False),
    ]
)


def noise(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).uniform(-0.2, 0.2, (2, round(seconds * 48_000))).astype(np.float32)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("media") / "my <clip> & 'co'.mp4"
    with MediaWriter(path, 320, 180, Fraction(10), audio_rate=48_000, preset="ultrafast") as writer:
        for k in range(SECONDS * 10):
            writer.write_frame(np.full((180, 320, 3), 40 + k, np.uint8), k / 10)
        writer.write_audio(noise(SECONDS))
    return path


def saved(path: Path | None, table: EventTable = TABLE, *, has_video: bool = True) -> Detection:
    return Detection(
        table, ModelId("tiny", "ab" * 32), float(SECONDS), path, has_video=has_video,
        warnings=["Spaced microphones: beware of </script> tricks."], settings={"threshold": 0.5},
    )  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def report(video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(saved(video), tmp_path_factory.mktemp("report") / "r.html")


def time_of(page: Any) -> float:
    return float(page.evaluate("media.currentTime"))


def test_it_plays_jumps_filters_and_sorts(chromium: Any, report: Path) -> None:
    with open_page(chromium, report.as_uri()) as page:
        assert page.title() == "my <clip> & 'co'.mp4 · earwitness"
        wait_until(page, "media.readyState >= 2")
        assert page.locator(".banner.unfit").first.inner_text() == "Spaced microphones: beware of </script> tricks."
        # A click on an event plays it to its end; marks, radar, table and playhead follow.
        page.locator(".bar-event").nth(0).click()
        wait_until(page, "media.currentTime > 0.6")
        wait_until(page, "media.paused")
        assert time_of(page) == pytest.approx(2.0, abs=0.5)
        page.evaluate("seek(0.501)")
        wait_until(page, "!media.seeking")
        assert page.locator(".mark b").all_inner_texts() == ["Female speech"]
        assert page.locator("#card-words").inner_text().startswith("Female speech 0:00.5 – 0:02.0. Direction 30° left.")
        assert page.locator("#dots circle").count() == 1
        assert page.locator("tr.now").count() == 1
        assert page.locator("#now li").inner_text().split("\n")[0] == "Female speech"
        box = page.locator("#marks").bounding_box()
        centre = float(page.locator("#paths .line").last.get_attribute("d")[1:].split()[0]) / box["width"]
        expected = 0.5 - np.tan(np.radians(30)) / np.tan(np.radians(50)) / 2
        assert centre == pytest.approx(expected, abs=0.01)
        # Play really plays.
        page.click("#play")
        wait_until(page, "media.currentTime > 0.9")
        page.click("#play")
        assert page.evaluate("media.paused")
        # Rows jump too; off screen is an arrow at the right edge.
        page.locator("#rows tr", has_text="Knock").locator("button").click()
        wait_until(page, "!media.paused && media.currentTime > 1.1")
        page.evaluate("media.pause(); seek(1.001)")
        wait_until(page, "!media.seeking && Math.abs(media.currentTime - 1) < 0.06")
        assert page.locator(".mark .arrow:visible").count() == 1
        # Filters act on table, lanes and marks.
        page.fill("#search", "right")
        assert page.locator("#count").inner_text() == "1 of 4"
        assert page.locator(".bar-event:visible").count() == 1
        assert page.locator(".mark b").all_inner_texts() == ["Knock"]
        page.click("#reset")
        page.select_option("#screen", "off")
        assert page.locator("#rows tr").count() == 2
        page.click("#reset")
        page.locator("#least").fill("0.5")
        assert page.locator("#count").inner_text() == "3 of 4"
        page.click("#reset")
        page.locator("#chips button", has_text="Footsteps").click()
        assert page.locator("#rows tr", has_text="Footsteps").count() == 0
        page.click("#reset")
        # Sort by confidence, both ways.
        head = page.locator("th", has_text="Confidence")
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert "Knock" in page.locator("#rows tr").first.inner_text()
        head.locator("button").click()
        assert "Knock" in page.locator("#rows tr").last.inner_text()
        # Markers off and on.
        page.uncheck("#show-marks")
        assert not page.locator("#marks").is_visible()
        page.check("#show-marks")
        assert page.locator("#marks").is_visible()
        # The browser itself understands the captions.
        page.check("#show-captions")
        wait_until(page, "media.textTracks[0].cues && media.textTracks[0].cues.length == 3")
        cues = page.evaluate("[...media.textTracks[0].cues].map(({ text, position }) => [text, position])")
        first, second, _ = cues
        assert first[0] == "[woman speaking, left]\n[knocking, off screen, right]"
        assert second == ["[footsteps]", 50]


def test_what_was_seen_is_told_in_words(chromium: Any, video: Path, tmp_path: Path) -> None:
    events = list(TABLE.iter_events())
    before = {"seen": 2, "common_cause": 0.91, "why": "a person (seen 2): likely"}
    values = (
        before | {"what": "person", "azimuth_before_deg": 41.2, "distance_before_m": 1.25},
        before | {"what": "motion", "azimuth_before_deg": events[1].azimuth + 1.5, "distance_before_m": 2.0},
        {"seen": 2},  # as a foreign program may have left it
        None,
    )
    known = {EventKey.of(event): EventVisual(**one) for event, one in zip(events, values, strict=True) if one}
    result = replace(saved(video), visual=SavedVisual(Pictures(), known))
    with open_page(chromium, write_report(result, tmp_path / "r.html").as_uri()) as page:
        place = page.locator("th").all_inner_texts().index("In the picture")
        rows = [row.split("\t") for row in page.locator("#rows tr").all_inner_texts()]
        told = {row[1].strip(): row[place] for row in rows}
        assert [told[event.sound_class.name] for event in events] == [
            "a person in that direction: 91 %; by sound alone 41° left, 1.2 m", "moved with the sound: 91 %",
            "something in that direction", "",
        ]  # fmt: skip
        assert page.locator("#rows span[title]").first.get_attribute("title") == "a person (seen 2): likely"


def test_keyboard_and_labels(chromium: Any, report: Path) -> None:
    with open_page(chromium, report.as_uri()) as page:
        wait_until(page, "media.readyState >= 2")
        page.keyboard.press("n")
        wait_until(page, "!media.seeking && Math.abs(media.currentTime - 0.5) < 0.06")
        assert "Female speech" in page.locator("#live").inner_text()
        page.keyboard.press("ArrowRight")
        wait_until(page, "!media.seeking && Math.abs(media.currentTime - 1.5) < 0.06")
        page.keyboard.press("m")
        assert not page.locator("#marks").is_visible()
        page.keyboard.press("+")
        assert page.evaluate("zoom") > 1
        page.keyboard.press("/")
        page.keyboard.type("f 30")  # letters in the search box are no commands
        assert page.locator("#count").inner_text() == "1 of 4"
        page.click("#reset")
        # Events are one tab stop, with arrows between them.
        page.locator(".bar-event[tabindex='0']").focus()
        page.keyboard.press("ArrowRight")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
        assert focused == "Knock, 0:01.0 to 0:03.0, 70° right, 2.0 m, off screen, confidence 40%"
        page.keyboard.press("Enter")
        wait_until(page, "!media.paused && media.currentTime > 1.05 && media.currentTime < 3")
        page.evaluate("media.pause(); seek(1)")
        assert page.locator("#ruler").get_attribute("aria-valuetext") == "0:01.0"
        # Every control has a name for screen readers.
        nameless = page.evaluate(
            "[...document.querySelectorAll('button,input,select,[role=slider]')].filter((node) =>"
            " !(node.getAttribute('aria-label') || node.textContent.trim()"
            " || node.closest('label')?.textContent.trim())).length"
        )
        assert nameless == 0


def test_light_dark_and_narrow(chromium: Any, report: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    luminance = {}
    for scheme in ("light", "dark"):
        with open_page(chromium, report.as_uri(), color_scheme=scheme, viewport={"width": 360, "height": 740}) as page:
            luminance[scheme] = sum(map(int, re.findall(r"\d+", page.evaluate(ground))))
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, "nothing sticks out sideways"
    assert luminance["light"] > 600 > 150 > luminance["dark"]
    with open_page(chromium, report.as_uri(), color_scheme="light") as page:
        page.click("#theme")
        page.click("#theme")
        assert page.locator("#theme").get_attribute("aria-label") == "Colours: dark"
        assert sum(map(int, re.findall(r"\d+", page.evaluate(ground)))) == luminance["dark"]


def test_a_linked_video_plays_from_beside(chromium: Any, video: Path, tmp_path: Path) -> None:
    beside = tmp_path / video.name
    beside.write_bytes(video.read_bytes())
    report = write_report(saved(beside), tmp_path / "r.html", player="link")
    assert report.stat().st_size < video.stat().st_size + 200_000
    with open_page(chromium, report.as_uri()) as page:
        wait_until(page, "media.readyState >= 2")
        assert "keep the files together" in page.locator("#media-note").text_content()


def test_sound_only_gets_a_stage(chromium: Any, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(SECONDS), 48_000)
    report = write_report(saved(tmp_path / "a.wav", has_video=False), tmp_path / "r.html")
    with open_page(chromium, report.as_uri()) as page:
        wait_until(page, "media.readyState >= 2 && media.tagName == 'AUDIO'")
        page.locator(".bar-event").first.click()
        assert page.locator(".mark").first.is_visible()
        assert page.locator("th", has_text="Screen").count() == 0


def test_what_does_not_apply_is_not_there(chromium: Any, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(SECONDS), 48_000)
    unscored = replace(saved(tmp_path / "a.wav", has_video=False), model=ModelId("unknown (DCASE CSV)", ""))
    with open_page(chromium, write_report(unscored, tmp_path / "r.html").as_uri()) as page:
        assert page.locator("#now").inner_text() == "Nothing that the model knows sounds now."
        for hidden in ("#show-captions", "#screen", "#least", "#full"):
            assert not page.locator(hidden).is_visible(), hidden
        assert page.locator("th", has_text="Confidence").count() == 0
        assert "confidence" not in (page.locator(".bar-event").first.get_attribute("aria-label") or "")
        assert "The sound (" in page.locator("#media-note").text_content()


def test_labels_stay_in_the_picture_and_clear_of_captions(chromium: Any, report: Path) -> None:
    inside = (
        "[...document.querySelectorAll('.mark')].every((label) => { const a = label.getBoundingClientRect(),"
        " b = marks.getBoundingClientRect(); return a.left >= b.left - 1 && a.right <= b.right + 1; })"
    )
    with open_page(chromium, report.as_uri(), viewport={"width": 360, "height": 740}) as page:
        wait_until(page, "media.readyState >= 2")
        page.evaluate("document.querySelectorAll('.mark').forEach((node) => node.remove())")
        page.evaluate("update(4.95)")  # at the right, drawn for the first time
        assert page.locator(".mark").count() == 1
        assert page.evaluate(inside)
        page.evaluate("seek(2.5)")  # aside
        wait_until(page, "!media.seeking && document.querySelectorAll('.mark[data-side=right]').length === 1")
        bottom = "marks.querySelector('.mark').getBoundingClientRect().bottom - marks.getBoundingClientRect().top"
        assert page.evaluate(f"{bottom} > marks.h * 0.55")
        page.check("#show-captions")
        assert page.evaluate(f"{bottom} <= marks.h * 0.785")


def test_sliders_leave_the_other_keys(chromium: Any, report: Path) -> None:
    with open_page(chromium, report.as_uri()) as page:
        wait_until(page, "media.readyState >= 2")
        page.locator("#volume").focus()
        page.keyboard.press("n")
        wait_until(page, "!media.seeking && Math.abs(media.currentTime - 0.5) < 0.06")
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("media.volume") < 1
        assert page.evaluate("Math.abs(media.currentTime - 0.5) < 0.06")
        page.locator("#ruler").focus()
        page.keyboard.press("PageUp")
        wait_until(page, "!media.seeking && media.currentTime > 5")


def test_full_screen_is_full_and_prints_are_light(chromium: Any, report: Path) -> None:
    with open_page(chromium, report.as_uri(), color_scheme="dark", viewport={"width": 1000, "height": 700}) as page:
        wait_until(page, "media.readyState >= 2")
        page.click("#full")
        wait_until(page, "document.fullscreenElement")
        assert page.evaluate("media.getBoundingClientRect().width >= innerWidth - 2")
        page.evaluate("document.exitFullscreen()")
        page.emulate_media(media="print")
        ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
        assert sum(map(int, re.findall(r"\d+", ink))) < 200


def test_the_doctors_table_scrolls_by_itself(chromium: Any, report: Path) -> None:
    with open_page(chromium, report.as_uri(), viewport={"width": 360, "height": 740}) as page:
        page.click("#doctor summary")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_its_media_it_says_so(chromium: Any, tmp_path: Path) -> None:
    report = write_report(saved(tmp_path / "gone.mp4"), tmp_path / "r.html")
    with open_page(chromium, report.as_uri()) as page:
        assert "was not found" in page.locator(".lost").inner_text()
        page.locator("#rows button").first.click()
        assert page.locator("#clock").inner_text() == "0:00.5 / 0:06.0"
    empty = write_report(saved(None, EventTable.empty(60)), tmp_path / "e.html")
    with open_page(chromium, empty.as_uri()) as page:
        assert page.locator("#rows").inner_text() == "No sound events were found."


def test_the_page_is_one_file(report: Path, video: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", text)
    assert "default-src 'none'" in text
    assert "<\\/script" not in text
    assert text.count("</script>") == 3
    assert report_html(saved(video), report) == text, "same events, same bytes"


def test_labels_in_the_page_cover_no_face_and_no_other_label(chromium: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    tables, known, people = [], {}, []
    for number in range(6):
        first = int(rng.integers(0, 30))
        onscreen = number < 3
        azimuth = np.linspace(*rng.uniform(-80, 80, 2), 30)
        tables.append(event(first, first + 30, number, azimuth, onscreen=onscreen))
        left, top = rng.uniform(0, 0.7), rng.uniform(0, 0.5)
        boxes = [(frame, left + 0.001 * frame, top, left + 0.2 + 0.001 * frame, top + 0.45) for frame in (0, 60)]
        people.append(VisibleObject(seen=number, what="person", start=0, end=6, boxes=boxes))
        if onscreen:
            known[EventKey(number, 0, first)] = EventVisual(seen=number, what="person", common_cause=0.9)
    visual = SavedVisual(Pictures(seen=people), known)
    result = replace(saved(None, EventTable.concatenate(tables)), visual=visual)
    overlaps = """(() => {
      const { w, h } = marks, origin = marks.getBoundingClientRect();
      const labels = [...document.querySelectorAll('.mark:not([hidden])')].map((node) => {
        const b = node.getBoundingClientRect();
        return [b.left - origin.left, b.top - origin.top, b.right - origin.left, b.bottom - origin.top];
      });
      const pixels = ([l, t, r, b]) => [l * w, t * h, r * w, b * h];
      const faces = peopleAt(now()).map((box) => pixels(faceOf(box, w / h)));
      const over = (a, b) => meets([a[0] + 1, a[1] + 1, a[2] - 1, a[3] - 1], b);
      const bad = (a) => [...faces, ...labels.filter((b) => b !== a)].some((other) => over(a, other));
      return [labels.length, labels.filter(bad).length];
    })()"""
    page_file = write_report(result, tmp_path / "r.html")
    for width in (1280, 360):
        with open_page(chromium, page_file.as_uri(), viewport={"width": width, "height": 800}) as page:
            shown = 0
            for time in np.arange(0.05, 6, 0.25):
                page.evaluate(f"seek({time})")
                labels, bad = page.evaluate(overlaps)
                assert bad == 0, (width, time)
                shown += labels
            assert shown > 20
