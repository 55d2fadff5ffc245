from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.core.errors import UsageError
from earwitness.export.editing.timecode import FrameRate, exact_rate, frame_rate_of, parse_frame_rate
from export_cases import detection, run

NTSC = Fraction(30_000, 1001)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)), ("29.97", NTSC), ("30", Fraction(30)), ("30000/1001", NTSC), ("59.94", NTSC * 2),
        ("23.976", Fraction(24_000, 1001)), ("23.98", Fraction(24_000, 1001)), ("24", Fraction(24)),
        ("12.5", Fraction(25, 2)), ("119.88", NTSC * 4),
    ],
)  # fmt: skip
def test_rates_mean_the_exact_ones(text: str, rate: Fraction) -> None:
    assert parse_frame_rate(text) == rate


@pytest.mark.parametrize("text", ["0", "-25", "abc", "1/0", "1e3", "250", "", "nan", "25 fps", "9" * 50])
def test_other_rates_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"within 1\.\.240"):
        parse_frame_rate(text)


def test_measured_rates_are_rounded_to_usual_ones() -> None:
    assert exact_rate(29.970029) == NTSC
    assert exact_rate(24.999999) == 25
    assert exact_rate(14.8) == Fraction(74, 5)


@pytest.mark.parametrize(
    ("rate", "frame", "timecode"),
    [  # SMPTE ST 12-1: numbers 0 and 1 are left out each minute, but not each tenth
        (NTSC, 0, "00:00:00;00"), (NTSC, 1799, "00:00:59;29"), (NTSC, 1800, "00:01:00;02"),
        (NTSC, 17_981, "00:09:59;29"), (NTSC, 17_982, "00:10:00;00"), (NTSC, 107_892, "01:00:00;00"),
        (NTSC * 2, 3600, "00:01:00;04"), (NTSC * 2, 35_964, "00:10:00;00"), (NTSC * 4, 7200, "00:01:00;08"),
        (Fraction(24_000, 1001), 1440, "00:01:00:00"), (Fraction(25), 90_000, "01:00:00:00"),
        (Fraction(30), 1800, "00:01:00:00"), (Fraction(25), 24 * 90_000 + 1, "00:00:00:01"),
    ],
)  # fmt: skip
def test_timecodes(rate: Fraction, frame: int, timecode: str) -> None:
    assert FrameRate.of(rate).timecode(frame) == timecode


@given(frame=st.integers(0, 2_589_407), rate=st.sampled_from([NTSC, NTSC * 2]))
def test_drop_frame_follows_the_clock_and_repeats_no_number(frame: int, rate: Fraction) -> None:
    counting = FrameRate.of(rate)
    hours, minutes, rest = counting.timecode(frame).split(":")
    seconds, frames = rest.split(";")
    shown = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + Fraction(int(frames), counting.nominal)
    # Two numbers left out each minute but the tenth: up to two of 30 frames off, and a millionth slow in the long run.
    assert abs(shown - counting.seconds(frame)) < Fraction(7, 100) + Fraction(shown) / 1_000_000
    assert counting.timecode(frame) != counting.timecode(frame + 1)
    assert not (int(minutes) % 10 and seconds == "00" and int(frames) < counting.nominal // 15)


def test_a_result_without_its_video_counts_25_frames() -> None:
    assert frame_rate_of(detection(run(0, 5, 0, 0))) == FrameRate(Fraction(25), drops=False)
    assert frame_rate_of(detection(run(0, 5, 0, 0)), NTSC).drops
