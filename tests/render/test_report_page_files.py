"""Files that the report page saves offline: those of `earwitness export` for the corrected result, byte by byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from browser import browser, open_page
from earwitness.batch.formats import FORMATS, Options, write
from earwitness.core.events import EventTable
from earwitness.core.vocabulary import DCASE2025, OTHER_GROUP, Vocabulary
from earwitness.export.captions.caption_rules import languages
from earwitness.media.writer import MediaWriter
from earwitness.render.report_page import write_report
from earwitness.results.detection import Detection, EventIntervals, ModelId
from earwitness.results.saved import read_result
from earwitness.results.visual import EventKey

BINARY: Final = {"parquet"}
EDITS: Final = """() => {
  setAzimuth(events[1], 33); setEnds(events[2], 3.4, 9.9); setClass(events[4], 8); remove(events[6]); add(12.3);
  setDistance(events[7], 2.5); setOnscreen(events[8], true);
}"""
FRAMES: Final = 500


def random_table(seed: int, vocabulary: Vocabulary = DCASE2025) -> EventTable:
    """Thirty events that overlap, move, leave the picture, or have no direction, with values of any precision."""
    rng = np.random.default_rng(seed)
    parts = []
    for source in range(30):
        first = int(rng.integers(0, FRAMES - 5))
        count = min(FRAMES - first, int(rng.integers(1, 200 if rng.random() < 0.2 else 40)))
        azimuth = np.clip(rng.uniform(-90, 90) + np.cumsum(rng.normal(0, rng.choice([0, 0.5, 4]), count)), -90, 90)
        distance = np.clip(rng.uniform(0.3, 6) + rng.normal(0, 0.1, count), 0.1, 9)
        parts.append({
            "frame": np.arange(first, first + count), "source": np.full(count, source),
            "class_index": np.full(count, rng.choice([0, 0, 1, 1, 2, 4, 6, 8, 9, 11, len(vocabulary) - 1])),
            "azimuth": np.full(count, np.nan) if rng.random() < 0.15 else azimuth,
            "distance": np.round(distance, int(rng.integers(0, 5))),
            "onscreen": rng.random(count) < rng.choice([0.05, 0.5, 0.95]),
            "score": np.round(rng.uniform(0.2, 1, count), int(rng.integers(1, 6))),
        })  # fmt: skip
    return EventTable.from_mapping(
        {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, FRAMES, vocabulary
    ).sorted()


def result(table: EventTable, path: Path | None, *, has_video: bool, trusted: bool = False) -> Detection:
    found = Detection(
        table, ModelId("tiny", "ab" * 32), 49.123457, path, has_video=has_video, trusted=trusted,
        warnings=["beware \u202eof </script> tricks"], settings={"threshold": 0.5, "fov": 80.0},
    )  # fmt: skip
    events = list(table.iter_events())
    known = {3: ((20.04, 41.0), (1.5, 3.256)), 5: (None, (1.5, 3.25))}
    return replace(found, intervals={EventKey.of(events[k]): EventIntervals(*ends) for k, ends in known.items()})


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


def corrected(text: str, folder: Path) -> Detection:
    path = folder / "corrected.json"
    path.write_text(text, encoding="utf-8")
    return read_result(path)


def exported(found: Detection, name: str, folder: Path, language: str = "en") -> str:
    """The contents of a file that `earwitness export` writes."""
    path = folder / f"exported{FORMATS[name].suffix}"
    write(found, path, name, Options(language=language))
    return path.read_bytes().decode()


def page_writers() -> dict[str, str]:
    """Suffix by name of each format that the page writes."""
    text = (files("earwitness") / "assets/report/program/saving.js").read_text(encoding="utf-8")
    return dict(re.findall(r'\b(\w+): \["(\.[\w.]+)"', text))


def test_the_page_writes_every_format_but_binary_ones() -> None:
    missing = set(FORMATS) - BINARY - set(page_writers())
    assert not missing, f"no writer in assets/report/program for {sorted(missing)}: see CONTRIBUTING, An export format"
    for name, suffix in page_writers().items():
        assert suffix.removeprefix(".corrected") == FORMATS[name].suffix


def written(page: Any, language: str = "en") -> dict[str, str]:
    """What the page saves, by format, except itself."""
    found: dict[str, str] = page.evaluate(
        "code => Object.fromEntries(Object.keys(FILES).filter((name) => name !== 'html')"
        ".map((name) => [name, FILES[name][2](code)]))",
        language,
    )
    return found


def saved_by_hand(page: Any, name: str, folder: Path) -> str:
    """Choose a format in the menu and save it, by keyboard."""
    page.select_option("#format", name)
    assert page.locator("#language").is_visible() == (name == "ttml"), "only captions have a language"
    page.locator("#save").focus()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == f"a (b) 'c' & ü=d{page_writers()[name]}"
    waiting.value.save_as(folder / name)
    return (folder / name).read_bytes().decode()


def test_each_format_of_the_menu_is_that_of_export(chromium: Any, tmp_path: Path) -> None:
    media = tmp_path / "a (b) 'c' & ü=d.mp4"
    rate = Fraction(30_000, 1001)
    with MediaWriter(media, 320, 180, rate, audio_rate=44_100, preset="ultrafast") as writer:
        for k in range(30):
            writer.write_frame(np.full((180, 320, 3), 40 + k, np.uint8), float(k / rate))
        writer.write_audio(np.zeros((2, 44_100), np.float32))
    source = result(random_table(1), media, has_video=True, trusted=True)
    with open_page(chromium, write_report(source, tmp_path / "r.html").as_uri()) as page:
        page.keyboard.press("e")
        page.evaluate(EDITS)
        assert page.locator("#format option").evaluate_all("all => all.map((one) => one.value)") == [*page_writers()]
        made = written(page) | {name: saved_by_hand(page, name, tmp_path) for name in ("json", "ttml", "edl")}
    found = corrected(made["json"], tmp_path)
    assert found.media_file == media
    assert "30000" in made["fcpxml"]
    assert "DROP FRAME" in made["edl"]
    assert made["raven"].splitlines()[1].split("\t")[6] == "22050.0"
    assert found.settings["corrections"] == {"changed": 5, "added": 1, "deleted": 1}
    for name in page_writers().keys() - {"html"}:
        assert made[name] == exported(found, name, tmp_path), name


CASES: Final = [(3, "Aufnahme \u202e\x1b[1m</x>.wav", False), (4, None, True)]


@pytest.mark.parametrize(("seed", "name", "has_video"), CASES)
def test_files_of_results_without_media(
    chromium: Any, tmp_path: Path, seed: int, name: str | None, has_video: bool
) -> None:
    path = None if name is None else Path("/secret/place") / name
    source = result(random_table(seed), path, has_video=has_video)
    with open_page(chromium, write_report(source, tmp_path / "r.html").as_uri()) as page:
        page.evaluate(EDITS)
        made = {(one, "en"): text for one, text in written(page).items()}
        made |= {("ass", code): page.evaluate(f"FILES.ass[2]('{code}')") for code in languages()}
    found = corrected(made["json", "en"], tmp_path)
    for (one, code), text in made.items():
        assert "/secret" not in text
        if path is not None or one != "labelstudio":  # names of nothing are made of the file's
            assert text == exported(found, one, tmp_path, code), (one, code)


def test_own_classes_keep_their_words(chromium: Any, tmp_path: Path) -> None:
    words = "ein Klang, der keine Zeile findet und <i>kursiv</i> & schräg ist, auch ohne Ort"
    other = replace(
        DCASE2025[0], index=len(DCASE2025), name="Klang & 'Name'", slug="klang", caption=words, groups=(OTHER_GROUP,)
    )
    both = Vocabulary("with other sounds", (*DCASE2025.classes, other))
    source = result(random_table(5, both), Path("clip.mp4"), has_video=True)
    with open_page(chromium, write_report(source, tmp_path / "r.html").as_uri()) as page:
        made = written(page, "ja")
    found = corrected(made["json"], tmp_path)
    for one, text in made.items():
        assert text == exported(found, one, tmp_path, "ja"), one


def test_the_page_is_saved_with_its_corrections(chromium: Any, tmp_path: Path) -> None:
    source = result(random_table(6), Path("clip.mp4"), has_video=True)
    with open_page(chromium, write_report(source, tmp_path / "r.html").as_uri()) as page:
        page.evaluate(EDITS)
        before, again = page.evaluate("toJson()"), tmp_path / "again.html"
        again.write_text(page.evaluate("toPage()"), encoding="utf-8")
    with open_page(chromium, again.as_uri()) as page:
        assert page.evaluate("toJson()") == before
        assert page.evaluate("[done.length, events.length]") == [0, len(corrected(before, tmp_path).events)]
        assert page.locator(".bar-event").count() == len(corrected(before, tmp_path).events)
