from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import NotStereoError, UsageError
from earwitness.core.events import EventTable
from earwitness.detect.detector import Detector
from earwitness.detect.live_stream import continue_sources
from earwitness.media.sound.conversion import resample

Burst = Callable[..., NDArray[np.float32]]


def pushed(detector: Detector, stereo: NDArray[np.float32], sizes: list[int], rate: int = 24_000) -> EventTable:
    """All events of a stream that comes in pieces of these sizes, the last of them again and again."""
    stream, at, tables = detector.stream(rate), 0, []
    while at < stereo.shape[1]:
        size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
        tables.append(stream.push(stereo[:, at : at + size]))
        at += size
    tables.append(stream.close())
    return EventTable.concatenate(tables, num_frames=tables[-1].num_frames)


def test_the_stream_says_what_the_whole_sound_says(meter_model: Path, make_burst: Burst) -> None:
    detector = Detector.load(meter_model)
    stereo = make_burst(13.04, (1, 2, 40), (3.5, 9.2, -25), (11, 13.04, 5))
    heard = pushed(detector, stereo, [5000])
    whole = detector.detect_array(stereo, 24_000).table
    assert heard.num_frames == whole.num_frames == 130
    assert heard.same_as(whole, tolerance=1e-3)


@pytest.mark.parametrize("sizes", [[1_000_000], [1, 7, 23_999, 30_000, 2_399], [2_400]])
def test_the_cuts_do_not_matter(random_model: Path, make_burst: Burst, sizes: list[int]) -> None:
    detector = Detector.load(random_model)
    stereo = make_burst(9, (1, 5, 40), (4, 8, -60))
    assert pushed(detector, stereo, sizes).same_as(pushed(detector, stereo, [4_800]), tolerance=1e-4)


def test_answers_come_within_the_latency(meter_model: Path, make_burst: Burst) -> None:
    stream = Detector.load(meter_model).stream(24_000, lookahead=0.6, hop=0.2)
    assert stream.latency == pytest.approx(0.8)
    stereo, first = make_burst(8, (3, 4, 30)), None
    for number in range(80):
        table = stream.push(stereo[:, number * 2400 : (number + 1) * 2400])
        now = (number + 1) / 10
        assert stream.seconds >= now - stream.latency - 1e-6
        if len(table) and first is None:
            first = now
            assert int(table.frame[0]) == 30
    assert first is not None
    assert first <= 3.1 + stream.latency + 1e-6


def test_another_rate(meter_model: Path, make_burst: Burst) -> None:
    stereo = make_burst(6, (1, 2, 40), (3, 5, -25))
    heard = pushed(Detector.load(meter_model), resample(stereo, 24_000, 44_100), [4410], rate=44_100)
    assert [(round(event.start), round(event.end)) for event in heard.events()] == [(1, 2), (3, 5)]
    assert [event.azimuth for event in heard.events()] == pytest.approx([40, -25], abs=2)


def test_memory_does_not_grow_with_the_stream(meter_model: Path, make_burst: Burst) -> None:
    stream = Detector.load(meter_model).stream(24_000)
    stereo = make_burst(30)
    used = []
    tracemalloc.start()
    for at in range(0, stereo.shape[1], 24_000):
        stream.push(stereo[:, at : at + 24_000])
        used.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(used[10:]) < max(used[:10]) + 300_000  # a second of the sound takes 192 kB


def test_a_short_stream_and_an_empty_one(meter_model: Path, make_burst: Burst) -> None:
    detector = Detector.load(meter_model)
    assert pushed(detector, make_burst(0.3, (0, 0.3, 20)), [500]).num_frames == 3
    assert len(detector.stream(24_000).close()) == 0


def test_sources_keep_their_numbers_from_answer_to_answer() -> None:
    def frame(number: int, *azimuths: float, sources: tuple[int, ...] = (0, 0)) -> EventTable:
        count = len(azimuths)
        return EventTable.from_columns(
            frame=[number] * count, class_index=[3] * count, azimuth=list(azimuths), distance=[1.0] * count,
            source=list(sources[:count]), num_frames=number + 1,
        )  # fmt: skip

    before = frame(9, -40, 50, sources=(4, 1))
    after = continue_sources(before, frame(10, 48, -42, sources=(0, 1)))
    assert dict(zip(after.azimuth.tolist(), after.source.tolist(), strict=True)) == {48.0: 1, -42.0: 4}
    alone = continue_sources(before, frame(10, -44))
    assert alone.source.tolist() == [4]
    newcomer = continue_sources(frame(9, -40, sources=(0,)), frame(10, -41, 60, sources=(0, 1)))
    assert dict(zip(newcomer.azimuth.tolist(), newcomer.source.tolist(), strict=True)) == {-41.0: 0, 60.0: 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lookahead": 0.0}, "lookahead must lie in"),
        ({"lookahead": 3.0}, "lookahead must lie in"),
        ({"hop": 0.0}, "hop must lie in"),
        ({"hop": 4.5}, "hop must lie in"),
        ({"threshold": 2.0}, "threshold must lie in"),
    ],
)
def test_settings_that_cannot_be(meter_model: Path, options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Detector.load(meter_model).stream(24_000, **options)


def test_a_rate_or_samples_that_cannot_be(meter_model: Path) -> None:
    with pytest.raises(UsageError, match="rate must be positive"):
        Detector.load(meter_model).stream(0)
    with pytest.raises(NotStereoError, match="left and right"):
        Detector.load(meter_model).stream(24_000).push(np.zeros(10, np.float32))


def test_classes_that_are_left_out_are_left_out_of_streams_and_arrays(random_model: Path, make_burst: Burst) -> None:
    stereo = make_burst(6, (1, 5, 40))
    every, some = Detector.load(random_model), Detector.load(random_model, classes="people, bell", exclude="laughter")
    kept = {0, 1, 2, 6, 11}
    for table, chosen in (
        (pushed(every, stereo, [9_000]), pushed(some, stereo, [9_000])),
        (every.detect_array(stereo, 24_000).table, some.detect_array(stereo, 24_000).table),
    ):
        expected = table.select(np.isin(table.class_index, list(kept)))
        assert len(expected) < len(table)
        assert chosen.same_as(expected)  # an event does not change when others are left out
    assert some.record()["classes"] == {"only": ("people, bell",), "without": ("laughter",)}
    assert "classes" not in every.record()
    with pytest.raises(UsageError, match="no class or group is called 'dogs'"):
        Detector.load(random_model, classes=["bell", "dogs"])
