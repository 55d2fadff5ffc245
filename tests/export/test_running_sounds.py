from __future__ import annotations

import numpy as np
import pytest

from caption_cases import cues, moving, spoken
from earwitness.core.events import EventTable
from export_cases import run


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
