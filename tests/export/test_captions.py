from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from earwitness.batch.formats import Options, parse_formats, write
from earwitness.core.events import EventTable
from earwitness.export.captions.caption_check import check_cues, check_sounds
from earwitness.export.captions.caption_words import STYLES, Style
from earwitness.export.captions.captions import Caption, CaptionSettings, captions
from earwitness.export.captions.languages import languages
from earwitness.results.detection import Detection
from export_cases import detection, run, tables


def cues(table: EventTable, style: Style = "terse", **about: object) -> tuple[Caption, ...]:
    return captions(detection(table, **about), CaptionSettings(style=style)).cues  # type: ignore[arg-type]


def spoken(found: tuple[Caption, ...]) -> list[tuple[float, str]]:
    return [(cue.start, cue.text) for cue in found]


def moving(first: float, last: float, frames: int = 80, class_index: int = 6) -> EventTable:
    azimuth = np.linspace(first, last, frames)
    return EventTable.from_columns(
        frame=np.arange(frames), class_index=class_index, azimuth=azimuth, distance=2.0, num_frames=frames,
        onscreen=np.abs(azimuth) < 50,
    )  # fmt: skip


def crowd(seed: int, events: int, seconds: int = 600) -> Detection:
    """Random events, a third of them moving."""
    rng, frames, parts = np.random.default_rng(seed), seconds * 10, []
    for number in range(events):
        start = int(rng.integers(frames - 5))
        frame = np.arange(start, min(frames, start + 1 + int(rng.exponential(40))))
        speed = rng.normal(0, 0.5) if rng.random() < 0.3 else 0.0
        azimuth = np.clip(rng.uniform(-90, 90) + speed * (frame - start) + rng.normal(0, 4, frame.size), -90, 90)
        parts.append(EventTable.from_columns(
            frame=frame, class_index=int(rng.integers(13)), source=number, azimuth=azimuth, distance=2.0,
            onscreen=np.abs(azimuth) < 50, score=rng.uniform(0.4, 1), num_frames=frames,
        ))  # fmt: skip
    return detection(EventTable.concatenate(parts))


def test_the_sound_then_where() -> None:
    table = EventTable.concatenate([run(10, 30, 12, 30), run(45, 70, 3, -30, onscreen=True)])
    assert spoken(cues(table)) == [
        (1.0, "[knocking, off screen, left]"),
        (4.5, "[telephone ringing, right]"),
    ]
    assert spoken(cues(run(10, 30, 8, 30, onscreen=True))) == [(1.0, "[♪ music playing, left ♪]")]


def test_a_cue_starts_with_its_first_sound_even_at_the_end_of_a_clip() -> None:
    (cue,) = cues(run(79, 80, 12, 60))
    assert cue.start == 7.9
    assert cue.end - cue.start >= len(cue.text) / 20


def test_one_voice_is_one_cue() -> None:
    pauses = EventTable.concatenate([run(0, 5, 12, 0), run(12, 17, 12, 0), run(25, 32, 12, 0)])
    assert len(cues(pauses)) == 1
    assert len(cues(EventTable.concatenate([run(0, 5, 12, 0), run(40, 45, 12, 0)]))) == 2
    breath = EventTable.concatenate([run(0, 20, 0, 0), run(45, 70, 0, 3)])  # speech pauses for longer than knocks
    assert len(cues(breath)) == 1
    tracks = EventTable.concatenate([run(0, 20, 1, 30), run(5, 30, 1, 25, source=1), run(31, 40, 1, 28, source=2)])
    assert [cue.text for cue in cues(tracks)] == ["[man speaking, off screen, left]"]
    opinions = EventTable.concatenate([run(0, 20, 0, 30, score=0.5), run(2, 30, 1, 25, score=0.8)])
    assert spoken(cues(opinions)) == [(0.0, "[man speaking, off screen, left]")]
    couple = EventTable.concatenate([run(0, 20, 0, 40, onscreen=True), run(2, 30, 1, -40, onscreen=True)])
    assert [cue.text for cue in cues(couple)] == ["[woman speaking, left]\n[man speaking, right]"]


def test_a_running_sound_is_said_once_and_again_after_30_seconds() -> None:
    parts = [run(10, 780, 8, 5, onscreen=True, num_frames=800)]
    parts += [run(start, start + 20, 12, 0, onscreen=True, num_frames=800) for start in range(60, 700, 80)]
    found = cues(EventTable.concatenate(parts))
    music = [cue.start for cue in found if "music" in cue.text]
    assert len(music) == 3
    assert np.diff(music).min() >= 30
    assert [cue.start for cue in found if "knock" in cue.text] == pytest.approx(np.arange(6, 70, 8), abs=0.1)


def test_captions_follow_a_moving_source_without_flicker() -> None:
    found = cues(moving(60, -60, 120))
    assert [cue.text for cue in found] == ["[footsteps, left]", "[footsteps]", "[footsteps, right]"]
    positions = [cue.position or 0 for cue in found]
    assert positions == sorted(positions)
    assert positions[0] < 35 < 65 < positions[-1]
    # Around the border between two wordings there is no change from frame to frame.
    rng = np.random.default_rng(0)
    jitter = moving(15, 15, 80).with_columns(azimuth=15 + rng.normal(0, 6, 80))
    assert len(cues(jitter)) == 1


def test_a_sound_joins_a_standing_cue_or_waits() -> None:
    joins = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(13, 43, 3, -30, onscreen=True)])
    assert spoken(cues(joins)) == [(1.0, "[woman speaking, left]\n[telephone ringing, right]")]
    waits = EventTable.concatenate([run(10, 40, 0, 30, onscreen=True), run(19, 43, 3, -30, onscreen=True)])
    assert spoken(cues(waits)) == [(1.0, "[woman speaking, left]"), (2.19, "[telephone ringing, right]")]
    both = EventTable.concatenate([run(10, 30, 12, 40, onscreen=True), run(11, 30, 12, -40, source=1, onscreen=True)])
    assert spoken(cues(both)) == [(1.0, "[knocking, left and right]")]


def test_the_full_style_says_more(tmp_path: Path) -> None:
    (full,) = parse_formats(["vtt"], Options(captions="full"))
    write(detection(run(10, 40, 12, 60)), tmp_path / "a.vtt", full)
    assert "[knocking, off screen, far left, 1 m away]" in (tmp_path / "a.vtt").read_text()
    crossing = moving(40, -40, 90).with_columns(onscreen=True)
    first = cues(crossing, "full")[0].lines
    assert first == ("[footsteps, on screen, left,", "moving right, 2 m away]")
    near = run(0, 30, 0, 0).with_columns(distance=0.4)
    assert [cue.text for cue in cues(near, "full", media=None)] == ["[woman speaking, ahead, close]"]


def test_sound_alone_and_no_direction() -> None:
    assert spoken(cues(run(0, 20, 4, -30), media=None)) == [(0.0, "[laughter, right]")]
    (cue,) = cues(run(0, 20, 4, float("nan")), media=None)
    assert (cue.text, cue.position) == ("[laughter]", None)


@pytest.mark.parametrize("language", languages())
def test_ten_minutes_of_scenes_break_no_rule(language: str) -> None:
    result = crowd(0, 150)
    for style in STYLES:
        chosen = CaptionSettings(style=style, language=language)
        found = captions(result, chosen)
        assert not check_cues(found.cues, chosen.rules())
        assert not check_sounds(found.cues, result, found.language)
    assert found.unnamed <= 20


@settings(deadline=None, max_examples=40)
@given(table=tables())
def test_captions_of_any_table_keep_their_rules(table: EventTable) -> None:
    result, chosen = detection(table), CaptionSettings()
    found = captions(result, chosen)
    assert bool(found.cues) == bool(len(table))
    assert not check_cues(found.cues, chosen.rules())
    assert not check_sounds(found.cues, result, found.language)
