"""One file for the deaf: dialogue word for word, and the sounds between it."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.core.events import EventTable
from earwitness.export.captions.caption_check import check_cues
from earwitness.export.captions.captions import Caption, CaptionSettings, captions
from earwitness.export.subtitle_file import SubtitleCue
from export_cases import detection, run


def merged(table: EventTable, *lines: SubtitleCue) -> list[tuple[float, float, str]]:
    settings = CaptionSettings(dialogue=lines)
    found: tuple[Caption, ...] = captions(detection(table), settings).cues
    assert not check_cues(found, settings.rules())
    return [(cue.start, cue.end, cue.text) for cue in found]


def test_speech_is_left_out_and_dialogue_stays_as_it_is() -> None:
    table = EventTable.concatenate([run(0, 30, 0, 0), run(50, 60, 12, 40, onscreen=True)])
    line = SubtitleCue(0.123, 2.987, ("<i>Where were you?</i>",))
    assert merged(table, line) == [(0.123, 2.987, "<i>Where were you?</i>"), (5.0, 6.4, "[knocking, left]")]


def test_a_sound_joins_a_line_waits_for_its_end_or_is_left_out() -> None:
    line = SubtitleCue(2.0, 4.0, ("Hello?",))
    joined = [(2.0, 4.0, "[telephone ringing, left]\nHello?")]
    assert merged(run(18, 70, 3, 40, onscreen=True), line) == joined
    assert merged(run(27, 70, 3, 40, onscreen=True), line) == joined
    assert merged(run(35, 70, 3, 40, onscreen=True), line)[1][::2] == (4.09, "[telephone ringing, left]")
    two = SubtitleCue(2.0, 4.0, ("Hello?", "Who is it?"))
    assert merged(run(25, 30, 3, 40, onscreen=True), two) == [(2.0, 4.0, "Hello?\nWho is it?")]
    fast = SubtitleCue(2.0, 3.0, ("Hello? Who is it?",))  # no time to read more
    assert merged(run(21, 24, 3, 40, onscreen=True), fast)[1][::2] == (3.09, "[telephone ringing, left]")


@pytest.mark.parametrize("seed", range(4))
def test_any_dialogue_and_any_sounds_keep_the_rules(seed: int) -> None:
    rng, lines, time = np.random.default_rng(seed), [], 0.0
    while time < 110:
        time += float(rng.choice([0.1, 0.3, 1.5, 4.0]))
        length = float(rng.uniform(0.9, 4))
        size = int(rng.uniform(1, min(42, 19 * length)))
        lines.append(SubtitleCue(round(time, 3), round(time + length, 3), ("x" * size,)))
        time += length
    parts = [
        run(int(start), int(start) + 8, int(rng.integers(2, 13)), float(rng.uniform(-60, 60)), num_frames=1200)
        for start in rng.uniform(0, 1190, 40)
    ]
    table = EventTable.concatenate([part.with_columns(source=number) for number, part in enumerate(parts)])
    found = merged(table, *lines)
    spoken = [text.split("\n")[-1] for _, _, text in found if "x" in text.split("\n")[-1][:1]]
    assert spoken == [line.lines[0] for line in lines]
