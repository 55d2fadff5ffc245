"""The page of `earwitness serve`, from the drop to the report, in a real browser that may ask nobody else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from any_sound import any_sound_model
from browser import browser, open_page, wait_until
from earwitness.media.sound.wav import write_wav

FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
ENDS = ("report.html", "csv", "json", "vtt", "srt", "earwitness.mp4")


@pytest.fixture(scope="module")
def chromium() -> Any:
    with browser(*FAKE_DEVICES) as running:
        yield running


@pytest.fixture(scope="module")
def any_server(start_server: Any, meter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server whose model knows music on the left, and something else everywhere."""
    pytest.importorskip("uvicorn", reason="needs the extra 'serve'")
    pytest.importorskip("starlette", reason="needs the extra 'serve'")
    folder = tmp_path_factory.mktemp("serve")
    with start_server(any_sound_model(meter_model, folder), folder / "files", "--max-minutes", "1") as started:
        yield started


@pytest.fixture
def left_and_right(tmp_path: Path, make_burst: Any) -> Path:
    """6 s: a sound on the left, then one on the right."""
    path = tmp_path / "two.wav"
    write_wav(path, np.concatenate([make_burst(3, (1, 2, 40)), make_burst(3, (1, 2, -40))], axis=1), 24_000)
    return path


def choose(page: Any, path: Path) -> None:
    page.locator("#file input[type=file]").set_input_files(path)
    wait_until(page, f"document.querySelector('#file').innerText.includes('{path.stem}')")


def test_drop_a_video_and_get_report_captions_and_video(server: Any, chromium: Any, clip: Path) -> None:
    with open_page(chromium, server.address) as page:
        assert page.locator("#listen").is_disabled()
        choose(page, clip)
        page.click("#listen")
        page.wait_for_selector("#result iframe")
        assert page.locator("#result a").all_inner_texts() == [f"my clip.{end}" for end in ENDS]
        heard = re.search(r"^1 event: Music (\d+)° left", page.locator("#outcome").inner_text())
        assert heard
        assert 30 < int(heard[1]) < 55, "40 degrees, give or take what AAC does to noise"
        assert "Pictures were not analysed: " in page.locator("#result").inner_text()
        report = page.frame_locator("#result iframe")
        assert report.locator("#rows tr").count() == 1
        report.locator("#rows button").click()
        assert report.locator(".mark b").inner_text() == "Music"
        with page.expect_download() as download:
            page.locator("#result a", has_text=".vtt").click()
        assert "music playing" in Path(download.value.path()).read_text()
        assert page.locator("#stop").is_hidden()
        assert page.locator("#listen").is_enabled(), "it may be analysed again with other options"


def test_a_recording_after_a_file_is_what_is_analysed(server: Any, chromium: Any, clip: Path) -> None:
    with open_page(chromium, server.address) as page:
        choose(page, clip)
        page.click("#tab-sound")
        assert page.locator("#listen").is_disabled(), "nothing is recorded yet, and the file is not shown"
        page.click("#sound .record")
        wait_until(page, "document.querySelector('#sound .time').innerText === '0:01'")
        page.click("#sound .record")
        wait_until(page, "document.querySelector('#source').innerText.includes('recording.')")
        page.check("[name=mono]")
        page.click("#listen")
        page.wait_for_selector("#result iframe")
        assert page.locator("#result a").first.inner_text() == "recording.report.html"
        page.click("#tab-file")
        assert "my clip.mp4" in page.locator("#source").inner_text()


def test_a_file_after_a_recording_is_what_is_analysed(server: Any, chromium: Any, clip: Path) -> None:
    with open_page(chromium, server.address) as page:
        page.click("#tab-camera")
        page.click("#camera .record")
        wait_until(page, "document.querySelector('#camera .time').innerText === '0:01'")
        page.click("#camera .record")
        wait_until(page, "document.querySelector('#source').innerText.includes('recording.')")
        page.evaluate(
            "() => { const held = new DataTransfer(); held.items.add(new File(['x'], 'dropped.wav'));"
            " dispatchEvent(new DragEvent('drop', {dataTransfer: held, cancelable: true})); }"
        )
        assert page.locator("#tab-file").get_attribute("aria-selected") == "true"
        assert "dropped.wav" in page.locator("#source").inner_text()


def test_a_camera_recording_gives_a_video(server: Any, chromium: Any) -> None:
    with open_page(chromium, server.address) as page:
        page.click("#tab-camera")
        page.click("#camera .record")
        wait_until(page, "document.querySelector('#camera .time').innerText === '0:01'")
        page.check("[name=mono]")
        page.click("#listen")  # which ends the recording too
        page.wait_for_selector("#result iframe")
        assert page.locator("#result a").all_inner_texts() == [f"recording.{end}" for end in ENDS]


def test_stop_ends_the_work(server: Any, chromium: Any, tmp_path: Path, long_wav: bytes) -> None:
    (tmp_path / "long.wav").write_bytes(long_wav)
    with open_page(chromium, server.address, viewport={"width": 390, "height": 844}) as page:
        choose(page, tmp_path / "long.wav")
        page.click("#listen")
        page.click("#stop")
        wait_until(page, "document.querySelector('#outcome').innerText === 'Stopped.'")
        assert page.locator("#listen").is_enabled()
        assert page.locator("#progress").is_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_errors_are_shown_as_text(server: Any, chromium: Any, tmp_path: Path) -> None:
    junk = tmp_path / "junk <img src=x onerror=alert(1)>.mp4"
    junk.write_bytes(b"not a video" * 50)
    with open_page(chromium, server.address) as page:
        choose(page, junk)
        page.click("#listen")
        page.wait_for_selector("#outcome .error")
        assert "junk _img" in page.locator("#outcome").inner_text()
        assert page.locator("#outcome img").count() == 0
        large = tmp_path / "large.wav"
        large.write_bytes(bytes(2_100_000))
        choose(page, large)
        assert page.locator("#listen").is_disabled()
        assert "this server accepts 2 MB" in page.locator("#source").inner_text()


def test_the_options_of_sounds_decide_what_is_kept(any_server: Any, chromium: Any, left_and_right: Path) -> None:
    with open_page(chromium, any_server.address) as page:
        choose(page, left_and_right)

        def outcome(*, any_sound: bool = False, **words: str) -> str:
            for name in ("classes", "exclude", "find"):
                page.fill(f"[name={name}]", words.get(name, ""))
            page.set_checked("[name=labels]", any_sound)
            page.click("#listen")
            wait_until(page, "!document.querySelector('#listen').disabled")
            return str(page.locator("#outcome").inner_text())

        assert outcome().startswith("1 event: Music")
        assert outcome(classes=" bell ").startswith("No event")
        assert outcome(exclude="music").startswith("No event")
        everything = outcome(any_sound=True)
        assert everything.startswith("2 events: Music")
        assert "Other sound" in everything.splitlines()[0]
        other = outcome(any_sound=True, exclude="music")
        assert re.match(r"1 event: Other sound \d+° right", other)
        assert outcome(find="unknown").startswith("1 event: Other sound"), "words imply any sound"
        assert outcome(find="music").startswith("1 event: Music")
        assert "'blorp'" in outcome(find="blorp")
        assert page.locator("#outcome .error").count() == 1
        assert "'kettle'" in outcome(classes="kettle")


def test_a_model_without_any_sound_says_so_on_the_page(server: Any, chromium: Any, clip: Path) -> None:
    with open_page(chromium, server.address) as page:
        choose(page, clip)
        page.check("[name=labels]")
        page.click("#listen")
        page.wait_for_selector("#outcome .error")
        assert "detects its classes only" in page.locator("#outcome").inner_text()
