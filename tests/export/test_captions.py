from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from earwitness.batch.formats import FORMATS, Options, parse_formats, write
from earwitness.core.events import EventTable
from earwitness.export.captions.captions import LONGEST_SECONDS, MOST_AT_ONCE, READING_SPEED, captions, reading_seconds
from export_cases import detection, run, tables

CUE = re.compile(r"\d+\n(\d\d):(\d\d):(\d\d)[.,](\d{3}) --> (\d\d):(\d\d):(\d\d)[.,](\d{3})(.*)\n((?:\[.*\]\n)+)")


Cue = tuple[float, float, str, str]


def cues(text: str | bytes) -> list[Cue]:
    found = []
    for h, m, s, ms, h2, m2, s2, ms2, rest, words in CUE.findall(str(text)):
        start, end = (
            int(a) * 3600 + int(b) * 60 + int(c) + int(d) / 1000 for a, b, c, d in ((h, m, s, ms), (h2, m2, s2, ms2))
        )
        found.append((start, end, rest.strip(), words.strip()))
    return found


def vtt(table: EventTable, **about: object) -> list[Cue]:
    return cues(FORMATS["vtt"].contents(detection(table, **about)))  # type: ignore[arg-type]


def srt(table: EventTable, **about: object) -> list[Cue]:
    return cues(FORMATS["srt"].contents(detection(table, **about)))  # type: ignore[arg-type]


def moving(first: float, last: float, frames: int = 80, class_index: int = 6) -> EventTable:
    azimuth = np.linspace(first, last, frames)
    return EventTable.from_columns(
        frame=np.arange(frames), class_index=class_index, azimuth=azimuth, distance=2.0, num_frames=frames,
        onscreen=np.abs(azimuth) < 50,
    )  # fmt: skip


def test_the_two_examples_of_the_style() -> None:
    table = EventTable.concatenate([run(10, 40, 12, 30), run(10, 40, 0, -30, onscreen=True)])
    assert [words for *_, words in vtt(table)] == ["[knocking, off screen, left]", "[woman speaking, right]"]


def test_options_may_be_given_when_writing(tmp_path: Path) -> None:
    table = run(10, 30, 0, 10, onscreen=True)
    write(detection(table), tmp_path / "a.vtt", "vtt", Options(captions="full", fov=40))
    assert "position:25%" in (tmp_path / "a.vtt").read_text()
    assert "on screen" in (tmp_path / "a.vtt").read_text()


def test_short_sounds_stay_up_as_long_as_it_takes_to_read() -> None:
    ((start, end, _, words),) = vtt(run(40, 41, 12, 60))
    assert start == 4.0
    assert end - start == pytest.approx(len(words) / READING_SPEED, abs=0.002)
    # At the end of a clip there is no time left after the sound, so the caption comes earlier.
    ((start, end, _, words),) = vtt(run(79, 80, 12, 60))
    assert end == 8.0
    assert end - start == pytest.approx(len(words) / READING_SPEED, abs=0.002)


def test_pauses_and_twins_are_merged() -> None:
    pauses = EventTable.concatenate([run(0, 5, 12, 0), run(12, 17, 12, 0), run(25, 32, 12, 0)])
    assert [cue[:2] for cue in vtt(pauses)] == [(0.0, 3.2)]
    assert len(vtt(EventTable.concatenate([run(0, 5, 12, 0), run(40, 45, 12, 0)]))) == 2
    twins = EventTable.concatenate([run(0, 20, 1, 30), run(5, 30, 1, 25, source=1)])
    assert [(start, end, words) for start, end, _, words in vtt(twins)] == [
        (0.0, 3.0, "[man speaking, off screen, left]")
    ]


def test_a_sound_that_goes_on_is_captioned_for_a_while_only() -> None:
    ((start, end, _, _),) = vtt(run(10, 780, 8, 5, onscreen=True, num_frames=800))
    assert (start, end) == (1.0, 1.0 + LONGEST_SECONDS)


def test_captions_follow_a_moving_source_without_flicker() -> None:
    found = vtt(moving(60, -60, 120))
    assert [words for *_, words in found] == ["[footsteps, left]", "[footsteps]", "[footsteps, right]"]
    positions = [int(re.findall(r"position:(\d+)%", rest)[0]) for _, _, rest, _ in found]
    assert positions == sorted(positions)
    assert positions[0] < 35 < 65 < positions[-1]
    # Around the border between two wordings there is no change from frame to frame.
    rng = np.random.default_rng(0)
    jitter = moving(15, 15, 80).with_columns(azimuth=15 + rng.normal(0, 6, 80))
    assert len(vtt(jitter)) <= 2


def test_at_most_three_at_once_and_the_surest_stay() -> None:
    table = EventTable.concatenate([run(10, 40, k, 0, score=0.3 + 0.1 * k) for k in range(6)])
    found = captions(table, has_video=False)
    assert sorted(cue.score for cue in found) == pytest.approx([0.6, 0.7, 0.8])
    assert {cue.line for cue in found} == {0, 1, 2}
    # What is less sure is cut short rather than dropped where that leaves time to read it.
    early = run(0, 60, 8, 0, score=0.1)
    crowd = [run(40, 60, k, 0, score=0.9) for k in range(3)]
    first = captions(EventTable.concatenate([early, *crowd]), has_video=False)[0]
    assert (first.start, first.end) == (0, 4)


def test_the_full_style_says_more(tmp_path: Path) -> None:
    (full,) = parse_formats(["vtt"], Options(captions="full"))
    write(detection(run(10, 40, 12, 60)), tmp_path / "a.vtt", full)
    assert cues((tmp_path / "a.vtt").read_text())[0][3] == "[knocking, off screen, far left, 1 m away]"
    crossing = moving(40, -40, 60).with_columns(onscreen=True)
    texts = [cue.text for cue in captions(crossing, has_video=True, style="full")]
    assert texts[0] == "[footsteps, on screen, left, moving right, 2 m away]"
    near = run(0, 30, 0, 0).with_columns(distance=0.4)
    assert [cue.text for cue in captions(near, has_video=False, style="full")] == ["[woman speaking, ahead, close]"]


def test_sound_alone_and_no_direction() -> None:
    assert srt(run(0, 20, 4, -30), media=None) == [(0.0, 2.0, "", "[laughter, right]")]
    assert vtt(run(0, 20, 4, float("nan")), media=None)[0][2:] == ("line:-1", "[laughter]")


@settings(deadline=None, max_examples=60)
@given(table=tables())
def test_captions_keep_their_rules(table: EventTable) -> None:
    found = captions(table, has_video=True)
    assert bool(found) == bool(len(table))
    assert [cue.start for cue in found] == sorted(cue.start for cue in found)
    for cue in found:
        assert 0 <= cue.start < cue.end <= 2.5 + 1e-6
        assert cue.end - cue.start >= min(reading_seconds(cue.text), 2.5) - 0.002
        at_once = [other for other in found if other.start <= cue.start < other.end]
        assert len(at_once) <= MOST_AT_ONCE
        assert len({other.line for other in at_once}) == len(at_once)
    flat = srt(table)
    assert all(a[1] <= b[0] for a, b in pairwise(flat))


def test_long_times() -> None:
    table = EventTable.from_columns(frame=np.arange(36_610, 36_620), class_index=0, azimuth=0, distance=1)
    assert "01:01:01.000 --> 01:01:02.000" in str(FORMATS["vtt"].contents(detection(table, media=None)))
    assert "01:01:01,000 --> 01:01:02,000" in str(FORMATS["srt"].contents(detection(table, media=None)))
