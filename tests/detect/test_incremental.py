from __future__ import annotations

import json
import resource
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import EncodingError
from earwitness.core.events import EventTable
from earwitness.detect.detector import Detector
from earwitness.detect.event_filter import EventFilter
from earwitness.detect.incremental import LONGEST_FRAMES, IncrementalEvents
from earwitness.detect.smoothing import Smoothing
from earwitness.media.sound.wav import write_wav

Burst = Callable[..., NDArray[np.float32]]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(first: int, end: int, azimuth: float, class_index: int = 8) -> list[tuple[int, int, float]]:
    return [(frame, class_index, azimuth) for frame in range(first, end)]


def table(rows: list[tuple[int, int, float]], num_frames: int) -> EventTable:
    frame, class_index, azimuth = (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    return EventTable.from_columns(
        frame=frame, class_index=class_index, azimuth=azimuth, distance=[2.0] * len(rows), num_frames=num_frames
    )


def grow(path: Path, rows: list[tuple[int, int, float]], frames: int, step: int = 25) -> list[int]:
    """Number of lines after each step."""
    counts = []
    with IncrementalEvents(path, Smoothing()) as incremental:
        for end in range(step, frames + step, step):
            incremental.add(table([row for row in rows if end - step <= row[0] < end], min(end, frames)))
            counts.append(len(lines(path)))
        incremental.finish()
    return counts


def test_an_event_is_written_when_it_is_over(tmp_path: Path) -> None:
    rows = [*run(5, 20, 30), *run(40, 60, -20), *run(90, 100, 10)]
    counts = grow(tmp_path / "a.jsonl", rows, 100)
    assert counts == [1, 1, 2, 2]
    assert [(line["start"], line["end"]) for line in lines(tmp_path / "a.jsonl")] == [
        (0.5, 2.0),
        (4.0, 6.0),
        (9.0, 10.0),
    ]


@pytest.mark.parametrize("step", [1, 7, 25, 100])
def test_its_events_are_those_of_the_whole(tmp_path: Path, step: int) -> None:
    rng = np.random.default_rng(3)
    rows = [
        (frame, class_index, float(14 * class_index - 84))
        for class_index in range(0, 13, 2)
        for frame in np.flatnonzero(np.convolve(rng.random(300) < 0.06, np.ones(6))[:300] > 0).tolist()
    ]
    whole = [
        (event.sound_class.index, round(event.start, 1), round(event.end, 1))
        for event in Smoothing().apply(table(rows, 300)).events()
    ]
    grow(tmp_path / "a.jsonl", rows, 300, step)
    grown = [(line["class_index"], line["start"], line["end"]) for line in lines(tmp_path / "a.jsonl")]
    assert sorted(grown) == sorted(whole)


def test_two_sources_of_a_class_at_once(tmp_path: Path) -> None:
    rows = [*run(10, 60, 50), *run(30, 45, -50)]
    grow(tmp_path / "a.jsonl", sorted(rows), 80)
    found = {(line["azimuth_deg"], line["start"], line["end"]) for line in lines(tmp_path / "a.jsonl")}
    assert found == {(50.0, 1.0, 6.0), (-50.0, 3.0, 4.5)}


def test_a_blip_is_no_event(tmp_path: Path) -> None:
    grow(tmp_path / "a.jsonl", run(10, 11, 0), 50)
    assert lines(tmp_path / "a.jsonl") == []


def test_a_sound_without_end_comes_in_pieces(tmp_path: Path) -> None:
    frames = 3 * LONGEST_FRAMES
    with IncrementalEvents(tmp_path / "a.jsonl", Smoothing()) as incremental:
        for end in range(25, frames + 1, 25):
            incremental.add(table(run(end - 25, end, 15), end))
            assert len(incremental._open) <= LONGEST_FRAMES + 25
        incremental.finish()
    pieces = lines(tmp_path / "a.jsonl")
    assert len(pieces) >= 3
    assert pieces[0]["start"] == 0
    assert pieces[-1]["end"] == frames / 10
    assert all(before["end"] == after["start"] for before, after in pairwise(pieces))


def test_detect_lets_it_grow(meter_model: Path, make_burst: Burst, tmp_path: Path) -> None:
    sound, path = tmp_path / "a.wav", tmp_path / "a.jsonl"
    write_wav(sound, make_burst(40, (1, 2, 40), (15, 20, -25), (39, 40, 10)), 24_000)
    counts = []
    found = Detector.load(meter_model, batch=1).detect(
        sound, lambda *_: counts.append(len(lines(path))), incremental=path
    )
    assert counts[0] == 0
    assert 1 in counts[5:15]
    assert [(line["start"], line["end"]) for line in lines(path)] == [(e.start, e.end) for e in found.events]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match="check the folder"):
        IncrementalEvents(tmp_path, Smoothing())


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def write() -> None:
        with IncrementalEvents(tmp_path / "a.growing.jsonl", Smoothing()) as incremental:
            incremental.add(table(run(0, 30, 10.0), 100))
            incremental.finish()

    resource.setrlimit(resource.RLIMIT_FSIZE, (20, before[1]))
    try:
        with pytest.raises(EncodingError, match=r"a\.growing\.jsonl: cannot be written"):
            write()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_unlikely_events_are_left_out_as_in_the_result(tmp_path: Path) -> None:
    rows = [*run(5, 20, 30), *run(40, 60, -20, 3), *((frame, 8, 20.0 * (frame % 2)) for frame in range(80, 95))]
    levels = tuple(9.0 if index == 3 else 0.0 for index in range(13))
    dropping = EventFilter(weights=(1.0, -4.0), usual_change_deg=0, levels=levels)
    smoothing = Smoothing(event_filter=dropping)
    kept = table(rows, 100).with_columns(score=0.95)
    path = tmp_path / "a.jsonl"
    with IncrementalEvents(path, smoothing) as incremental:
        for end in (25, 50, 75, 100):
            part = kept.select((kept.frame >= end - 25) & (kept.frame < end))
            incremental.add(EventTable.concatenate([part], num_frames=end))
        incremental.finish()
    whole = smoothing.apply(kept).events()
    assert [(line["start"], line["end"]) for line in lines(path)] == [(one.start, one.end) for one in whole]
    assert [one.start for one in whole] == [0.5]
