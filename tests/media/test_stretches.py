"""Stretches without direction: joining, frames, and the sentence."""

from __future__ import annotations

import numpy as np

from earwitness.media.sound.stretches import Stretch, covered_frames, joined, not_within, sentence


def test_stretches_of_one_reason_that_touch_become_one() -> None:
    parts = [Stretch(2, 3, "mono"), Stretch(0, 1, "mono"), Stretch(1, 2, "mono"), Stretch(0.5, 1.5, "silent channel")]

    assert joined(parts) == [Stretch(0, 3, "mono"), Stretch(0.5, 1.5, "silent channel")]
    assert joined([Stretch(0, 1, "mono"), Stretch(1.3, 2, "mono")], tolerance=0.5) == [Stretch(0, 2, "mono")]


def test_every_frame_that_a_stretch_touches_is_covered() -> None:
    covered = covered_frames([Stretch(0.25, 0.42, "mono"), Stretch(0.8, np.inf, "mono")], 10, 0.1)

    assert covered.tolist() == [False, False, True, True, True, False, False, False, True, True]


def test_rounded_times_do_not_touch_the_next_frame() -> None:
    assert covered_frames([Stretch(0.2999, 0.4001, "mono")], 6, 0.1).tolist() == [False] * 3 + [True] + [False] * 2
    assert not covered_frames([Stretch(7.0, 8.0, "mono")], 6, 0.1).any()


def test_the_sentence_lists_a_few_and_counts_the_rest() -> None:
    assert sentence([]) == ""
    assert sentence([Stretch(1, 2.5, "mono")]) == "no direction from 1.0 s to 2.5 s (mono)"
    many = [Stretch(2 * k, 2 * k + 1, "mono") for k in range(6)]
    assert sentence(many).endswith("6.0 s to 7.0 s (mono) and 2 more stretches")
    assert "0.0 s to the end" in sentence([Stretch(0, float("inf"), "mono")])


def test_what_lies_within_a_known_stretch_is_not_told_again() -> None:
    mono = [Stretch(8, 18, "mono")]
    inside = [Stretch(8.4, 17.5, "same"), Stretch(7.5, float("inf"), "same")]
    beyond = [Stretch(2, 9, "same"), Stretch(0, float("inf"), "same")]
    assert not_within([*inside, *beyond], mono, 18.3) == beyond
    assert not_within(inside, [], 18.3) == inside
