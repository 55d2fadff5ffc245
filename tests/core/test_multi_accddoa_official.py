"""Decoding as the DCASE2025 baseline does it, against the rule written out cell by cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.core.multi_accddoa import MAX_TRACKS, decode
from earwitness.core.vocabulary import NUM_CLASSES

Event = tuple[int, int, float, float, int]


def angle_between(one: np.ndarray, other: np.ndarray) -> float:
    cosine = float(one[:2] @ other[:2]) / (math.hypot(*one[:2]) * math.hypot(*other[:2]))
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))


def folded(azimuth: float) -> float:
    return 180 - azimuth if azimuth > 90 else -180 - azimuth if azimuth < -90 else azimuth


def expected(output: np.ndarray, threshold: float = 0.5, merge_deg: float = 15.0) -> list[Event]:
    """Frame, class, azimuth, distance and on/off of every event, track pairs in the order 0-1, 1-2, 2-0."""
    events: list[Event] = []
    for frame, class_index in np.ndindex(output.shape[0], NUM_CLASSES):
        tracks = output[frame, :, class_index].astype(np.float64)
        active = [math.hypot(*track[:2]) > threshold for track in tracks]
        similar = [
            (a, b) for a, b in ((0, 1), (1, 2), (2, 0))
            if active[a] and active[b] and angle_between(tracks[a], tracks[b]) < merge_deg
        ]  # fmt: skip
        if len(similar) >= 2:
            groups: list[tuple[int, ...]] = [(0, 1, 2)]
        elif similar:
            groups = [similar[0], *((k,) for k in range(3) if active[k] and k not in similar[0])]
        else:
            groups = [(k,) for k in range(3) if active[k]]
        for group in groups:
            x, y = tracks[list(group), :2].mean(axis=0)
            distance = np.maximum(tracks[list(group), 2], 0).mean()
            azimuth = folded(math.degrees(math.atan2(y, x)))
            events.append((frame, class_index, azimuth, float(distance), int(tracks[group[0], 3])))
    return sorted(events)


def decoded(output: np.ndarray) -> list[Event]:
    table = decode(output, decoding="official")
    columns = (table.frame, table.class_index, table.azimuth, table.distance, table.onscreen)
    return sorted((int(f), int(c), float(a), float(d), int(o)) for f, c, a, d, o in zip(*columns, strict=True))


@given(seed=st.integers(0, 2**32 - 1), spread=st.sampled_from([0.05, 0.2, 1.0]))
@settings(max_examples=60, deadline=None)
def test_equals_the_rule_written_out(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    output = rng.normal(0, spread, (3, MAX_TRACKS, NUM_CLASSES, 4)).astype(np.float32)
    output[..., :2] += rng.normal(0, 0.6, (3, 1, NUM_CLASSES, 2))  # most tracks of a cell point into one direction
    output[..., 3] = rng.choice([0.0, 0.4, 0.999, 1.0], output.shape[:-1])
    found, wanted = decoded(output), expected(output)
    assert [event[:2] for event in found] == [event[:2] for event in wanted]
    np.testing.assert_allclose([e[2:] for e in found], [e[2:] for e in wanted], atol=2e-3)


def cell(*tracks: tuple[float, float, float, float]) -> np.ndarray:
    """Azimuth, activity, distance and on-screen probability of the tracks of class 0."""
    output = np.zeros((1, MAX_TRACKS, NUM_CLASSES, 4), np.float32)
    for number, (azimuth, activity, distance, onscreen) in enumerate(tracks):
        angle = np.radians(azimuth)
        output[0, number, 0] = activity * np.cos(angle), activity * np.sin(angle), distance, onscreen
    return output


def test_means_are_plain_and_probabilities_below_one_are_off() -> None:
    (event,) = decoded(cell((0, 1.0, 1.0, 0.99), (10, 0.6, 3.0, 1.0)))
    assert event[3:] == (pytest.approx(2.0), 0)
    assert decode(cell((0, 1.0, 1.0, 0.99), (10, 0.6, 3.0, 1.0))).onscreen.all()


def test_of_tracks_2_and_0_the_third_decides_on_off() -> None:
    (event,) = decoded(cell((0, 1.0, 1.0, 0.0), (90, 0.1, 1.0, 0.0), (5, 1.0, 1.0, 1.0)))
    assert event[4] == 1


def test_directions_are_compared_before_they_are_folded() -> None:
    tracks = (85, 1.0, 1.0, 0.0), (96, 1.0, 1.0, 0.0)
    assert decoded(cell(*tracks))[0][2] == pytest.approx(89.5, abs=1e-3)  # the mean, 90.5, folded
    apart = cell((60, 1.0, 1.0, 0.0), (120, 1.0, 1.0, 0.0))
    assert len(decoded(apart)) == 2
    assert len(decode(apart)) == 1
