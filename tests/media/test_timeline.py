"""Placement of sound and pictures in time, and stretches without direction."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from earwitness.media.timeline import (
    MAX_JUMP_SECONDS,
    PictureClock,
    SampleClock,
    Stretch,
    covered_frames,
    describe_stretches,
    join_stretches,
    not_within,
)

RATE = 1000


def test_late_start_gap_and_overlap() -> None:
    clock = SampleClock(RATE)
    assert clock.place(Fraction(1, 2), 100).silence == 500
    assert clock.place(Fraction(6, 10), 100).silence == 0
    assert clock.place(Fraction(8, 10), 100).silence == 100
    overlap = clock.place(Fraction(85, 100), 100)
    assert (overlap.silence, overlap.skip) == (0, 50)
    assert (clock.start_samples, clock.gap_samples, clock.gaps) == (500, 100, 1)
    assert clock.position == 950


def test_sound_before_zero_is_cut() -> None:
    clock = SampleClock(RATE)
    assert clock.place(Fraction(-3), 100).skip == 100
    assert clock.place(Fraction(-5, 100), 100).skip == 50
    assert clock.position == 50
    assert clock.restarts == 0


def test_missing_stamps_continue() -> None:
    clock = SampleClock(RATE)
    clock.place(Fraction(0), 100)
    assert clock.place(None, 100) == clock.place(None, 100)
    assert clock.position == 300


def test_small_deviation_counts_only_after_loss() -> None:
    clock = SampleClock(RATE)
    clock.place(Fraction(0), 100)
    assert clock.place(Fraction(110, 1000), 100).silence == 0
    assert clock.place(Fraction(210, 1000), 100, exact=True).silence == 10


def test_restarted_clock_keeps_the_sound() -> None:
    clock = SampleClock(RATE)
    for start in (0, 1, 2, 0, 1, 2):
        assert clock.place(Fraction(start), 1000).skip == 0
    assert clock.position == 6000
    assert clock.restarts == 1
    clock.place(Fraction(MAX_JUMP_SECONDS + 100), 1000)
    assert clock.position == 7000
    assert clock.restarts == 2


def test_pad_to_end() -> None:
    clock = SampleClock(RATE)
    clock.place(Fraction(0), 100)
    assert clock.pad_to(Fraction(1)) == 900
    assert clock.pad_to(Fraction(1, 2)) == 0


@given(
    gaps=st.lists(st.integers(0, 5000), min_size=1, max_size=20),
    jitter=st.lists(st.integers(-9, 9), min_size=20, max_size=20),
)
def test_every_frame_lands_within_the_tolerance(gaps: list[int], jitter: list[int]) -> None:
    clock, truth = SampleClock(RATE), 0
    for gap, noise in zip(gaps, jitter, strict=False):
        truth += gap if gap > 50 else 0
        clock.place(Fraction(truth + noise, RATE), 300)
        begins = clock.position - 300
        assert abs(begins - truth) <= 40
        truth += 300


@given(rates=st.lists(st.sampled_from([8000, 16000, 44100, 48000]), min_size=1, max_size=6))
def test_changing_rates_keeps_seconds(rates: list[int]) -> None:
    clock = SampleClock(rates[0])
    for seconds, rate in enumerate(rates):
        clock.change_rate(rate)
        assert clock.place(Fraction(seconds), rate).silence == 0
        assert clock.position == (seconds + 1) * rate


def placed(clock: PictureClock, stamps: list[tuple[float | None, float | None]], length: float = 0.1) -> list[float]:
    def exact(stamp: float | None) -> Fraction | None:
        return None if stamp is None else Fraction(stamp).limit_denominator(1000)

    return [round(clock.place(exact(shown), exact(decoded), length), 6) for shown, decoded in stamps]


def test_pictures_have_the_times_of_their_stamps_and_never_go_back() -> None:
    clock = PictureClock(Fraction(10), 0.1)
    stamps = [(10.5, 10.5), (10.6, 10.6), (10.55, 10.7), (None, None), (30.0, 30.0)]
    assert placed(clock, stamps) == [0.5, 0.6, 0.7, 0.8, 20.0]
    assert clock.restarts == 0


def test_stamps_in_the_order_of_packets_are_not_believed() -> None:
    clock = PictureClock(Fraction(0), 0.1)
    shown = [0.1, 0.4, 0.3, 0.5, 0.2, 0.8, 0.7, 0.9, 0.6]
    times = placed(clock, [(stamp, 0.2 + k / 10) for k, stamp in enumerate(shown)])
    assert times[2:] == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


def test_a_restarted_clock_goes_on_with_the_pictures() -> None:
    clock = PictureClock(Fraction(0), 0.1)
    stamps = [0.0, 0.1, 0.2, 0.0, 0.1, 0.2, 1000.0, 1000.1]
    assert placed(clock, [(stamp, stamp) for stamp in stamps[:3]]) == [0, 0.1, 0.2]
    assert placed(clock, [(5.0, 5.0), (5.1, 5.1)]) == [5.0, 5.1]  # pictures may stand still for long
    assert placed(clock, [(stamp, stamp) for stamp in stamps[3:]]) == [5.2, 5.3, 5.4, 5.5, 5.6]
    assert clock.restarts == 2


def test_a_picture_that_says_to_last_long_is_no_jump() -> None:
    clock = PictureClock(Fraction(0), 0.1)
    assert clock.place(Fraction(0), Fraction(0), 2.0 * MAX_JUMP_SECONDS) == 0
    assert clock.place(Fraction(2 * MAX_JUMP_SECONDS), None, 0.1) == 2 * MAX_JUMP_SECONDS
    assert clock.restarts == 0


def test_stretches_of_one_reason_that_touch_become_one() -> None:
    parts = [Stretch(2, 3, "mono"), Stretch(0, 1, "mono"), Stretch(1, 2, "mono"), Stretch(0.5, 1.5, "silent channel")]

    assert join_stretches(parts) == [Stretch(0, 3, "mono"), Stretch(0.5, 1.5, "silent channel")]
    assert join_stretches([Stretch(0, 1, "mono"), Stretch(1.3, 2, "mono")], tolerance=0.5) == [Stretch(0, 2, "mono")]


def test_every_frame_that_a_stretch_touches_is_covered() -> None:
    covered = covered_frames([Stretch(0.25, 0.42, "mono"), Stretch(0.8, np.inf, "mono")], 10, 0.1)

    assert covered.tolist() == [False, False, True, True, True, False, False, False, True, True]


def test_rounded_times_do_not_touch_the_next_frame() -> None:
    assert covered_frames([Stretch(0.2999, 0.4001, "mono")], 6, 0.1).tolist() == [False] * 3 + [True] + [False] * 2
    assert not covered_frames([Stretch(7.0, 8.0, "mono")], 6, 0.1).any()


def test_the_sentence_lists_a_few_and_counts_the_rest() -> None:
    assert describe_stretches([]) == ""
    assert describe_stretches([Stretch(1, 2.5, "mono")]) == "no direction from 1.0 s to 2.5 s (mono)"
    many = [Stretch(2 * k, 2 * k + 1, "mono") for k in range(6)]
    assert describe_stretches(many).endswith("6.0 s to 7.0 s (mono) and 2 more stretches")
    assert "0.0 s to the end" in describe_stretches([Stretch(0, float("inf"), "mono")])


def test_what_lies_within_a_known_stretch_is_not_told_again() -> None:
    mono = [Stretch(8, 18, "mono")]
    inside = [Stretch(8.4, 17.5, "same"), Stretch(7.5, float("inf"), "same")]
    beyond = [Stretch(2, 9, "same"), Stretch(0, float("inf"), "same")]
    assert not_within([*inside, *beyond], mono, 18.3) == beyond
    assert not_within(inside, [], 18.3) == inside
