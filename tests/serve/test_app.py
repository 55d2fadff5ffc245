"""The page of `earwitness serve`, from the command line to the report, in a real browser that may ask nobody else."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from browser import browser, open_page, wait_until
from earwitness.media.writer import MediaWriter, write_wav

pytest.importorskip("gradio", reason="needs the extra 'serve'")
COMMAND = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from earwitness.cli.main import main; sys.argv[0] = 'earwitness'; main()"
)
"""Ctrl-C counts, also where the suite runs in the background of a shell."""
START_SECONDS = 240
"""Gradio takes seconds to import, and many on a busy machine."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, make_burst) -> Path:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("clip") / "my clip.mp4"
    sound = make_burst(3, (1, 2, 40))
    with MediaWriter(path, 160, 90, Fraction(10), audio_rate=24_000, preset="ultrafast") as writer:
        for k in range(30):
            writer.write_frame(np.full((90, 160, 3), 60, np.uint8), k / 10)
        writer.write_audio(sound)
    return path


@contextmanager
def started(model: Path, folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """(address, process) of a running command whose temporary files lie in a folder."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", COMMAND, "serve", "--port", str(port), "--model", str(model)]
    places = {"TMPDIR": str(folder), "EARWITNESS_CACHE": str(folder / "cache")}
    running = subprocess.Popen(
        command, env={**os.environ, **places}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    address = f"http://127.0.0.1:{port}/"
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                urllib.request.urlopen(address, timeout=10).read()
                break
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                assert running.poll() is None, running.stdout and running.stdout.read()
                assert time.monotonic() < until
                time.sleep(0.3)
        yield address, running
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(timeout=60)


@pytest.fixture(scope="module")
def server(meter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(address, the folder that its temporary files lie in) of a running command."""
    folder = tmp_path_factory.mktemp("serve")
    with started(meter_model, folder) as (address, _):
        yield address, folder
    assert [path.name for path in folder.iterdir() if path.name.startswith("earwitness")] == [], "all is cleared away"


def test_drop_a_video_and_get_report_captions_and_video(server: tuple[str, Path], clip: Path) -> None:
    address, folder = server
    with browser() as chromium, open_page(chromium, address) as page:
        page.locator("#file input[type=file]").set_input_files(clip)
        wait_until(page, "document.querySelector('#file').innerText.includes('my clip')")
        page.click("#listen")
        page.wait_for_selector("#result iframe")
        names = page.locator("#result a").all_inner_texts()
        assert names == [f"my clip.{end}" for end in ("report.html", "csv", "json", "vtt", "srt", "earwitness.mp4")]
        heard = re.search(r"^1 event: Music (\d+)° left", page.locator("#result").inner_text())
        assert heard
        assert 30 < int(heard[1]) < 55, "40 degrees, give or take what AAC does to noise"
        assert "Pictures were not looked at: " in page.locator("#result").inner_text()
        assert "earwitness models pull pose" in page.locator("#result").inner_text()
        report = page.frame_locator("#result iframe")
        assert report.locator("#rows tr").count() == 1
        report.locator("#rows button").click()
        assert report.locator(".mark .label b").inner_text() == "Music"
        link = page.locator("#result a", has_text=".vtt").get_attribute("href")
        captions = urllib.request.urlopen(address + str(link), timeout=30).read().decode()
        assert "[music playing" in captions
        token = re.findall(r"results/([^/]+)/", str(link))[0]
    assert list(folder.glob(f"earwitness-serve-*/results/{token}/*.mp4"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_stopped_while_it_works_ends_soon_and_leaves_nothing(
    meter_model: Path,
    make_burst,
    tmp_path: Path,
    number: int,  # type: ignore[no-untyped-def]
) -> None:
    write_wav(tmp_path / "long.wav", np.tile(make_burst(10, (1, 2, 40)), (1, 120)), 24_000)
    with (
        started(meter_model, tmp_path / "places") as (address, process),
        browser() as chromium,
        open_page(chromium, address) as page,
    ):
        page.locator("#file input[type=file]").set_input_files(tmp_path / "long.wav")
        wait_until(page, "document.querySelector('#file').innerText.includes('long')")
        page.click("#listen")
        wait_until(page, "document.querySelector('#result').innerText.includes('listening')")
        process.send_signal(number)
        said = process.communicate(timeout=60)[0]
    assert process.returncode == 0
    assert "Traceback" not in said
    assert [path.name for path in (tmp_path / "places").iterdir() if path.name.startswith("earwitness")] == []


def test_answers_forbid_foreign_addresses(server: tuple[str, Path]) -> None:
    answer = urllib.request.urlopen(server[0], timeout=30)
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self' data: blob:" in policy
    assert "http" not in policy
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(server[0] + "results/none/x.csv", timeout=30)


def test_the_default_address_is_this_machine() -> None:
    from inspect import signature

    from earwitness.cli.serve import run

    assert signature(run).parameters["host"].default == "127.0.0.1"


def test_wrong_usage_is_one_line() -> None:
    for options, message in ((["--max-mb", "0"], "megabytes is 0"), (["--model", "none"], "unknown model 'none'")):
        done = subprocess.run(
            [sys.executable, "-m", "earwitness.cli.main", "serve", *options],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
