from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from caption_cases import cues, moving
from earwitness.batch.formats import Options, parse_formats, write
from earwitness.core.events import EventTable
from earwitness.export.captions.caption_check import check_cues, check_sounds
from earwitness.export.captions.caption_rules import languages
from earwitness.export.captions.caption_words import STYLES
from earwitness.export.captions.captions import CaptionSettings, captions
from earwitness.results.detection import Detection
from export_cases import detection, run, tables


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


def test_the_full_style_says_more(tmp_path: Path) -> None:
    (full,) = parse_formats(["vtt"], Options(captions="full"))
    write(detection(run(10, 40, 12, 60)), tmp_path / "a.vtt", full)
    assert "[knocking, off screen, far left, 1 m away]" in (tmp_path / "a.vtt").read_text()
    crossing = moving(40, -40, 90).with_columns(onscreen=True)
    first = cues(crossing, "full")[0].lines
    assert first == ("[footsteps, on screen, left,", "moving right, 2 m away]")
    near = run(0, 30, 0, 0).with_columns(distance=0.4)
    assert [cue.text for cue in cues(near, "full", media=None)] == ["[woman speaking, ahead, close]"]


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
