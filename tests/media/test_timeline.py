from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from earwitness.media.timeline import MAX_JUMP_SECONDS, SampleClock

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
