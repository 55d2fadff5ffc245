from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import LabelError
from earwitness.core.events import EventTable
from earwitness.data.dcase.check import check
from earwitness.data.dcase.labels import write_table
from earwitness.data.dcase.layout import Clip
from earwitness.data.same_sound import same_clips
from earwitness.media.sound.wav import write_wav
from earwitness.training.data.data_splits import refuse_overlap

RATE = 24_000


def sound(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.1, size=(2, 5 * RATE)).astype(np.float32)


def clip(root: Path, name: str, samples: np.ndarray, split: str = "dev-train-tau") -> Clip:
    path = root / "stereo_dev" / split / f"{name}.wav"
    write_wav(path, samples, RATE)
    return Clip(split, name, path)


def loud_click(samples: np.ndarray) -> np.ndarray:
    """Other sound whose loudest samples are where a clip is looked at."""
    other = sound(99) * 0.2
    for place in (12_000, 36_000, 60_000, 84_000):
        for channel in range(2):
            part = samples[channel, place : place + 2048]
            other[channel, place + int(np.abs(part).argmax())] = 0.9
    return other


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda one: one, True),
        (lambda one: one * 0.3, True),
        (lambda one: -one, True),
        (lambda one: one[::-1], True),
        (lambda one: one[:, : 4 * RATE], True),
        (lambda one: one + 0.005 * sound(7) / 0.1, True),
        (lambda one: sound(1), False),
        (lambda one: np.roll(one, 500, axis=1), False),
        (loud_click, False),
        (lambda one: one * 0, False),
    ],
)
def test_the_same_sound_is_found_at_other_levels_and_sides(tmp_path: Path, change, same: bool) -> None:
    first = [clip(tmp_path, f"a{number}", sound(number + 10)) for number in range(4)]
    other = [clip(tmp_path, "b", np.ascontiguousarray(change(sound(12)))), clip(tmp_path, "c", sound(5))]
    pairs = [(one.name, two.name) for one, two in same_clips(first, other)]
    assert pairs == ([("a2", "b")] if same else [])


def test_silent_missing_and_broken_clips_are_like_no_other(tmp_path: Path) -> None:
    silent = [clip(tmp_path, name, np.zeros((2, 5 * RATE), np.float32)) for name in "ab"]
    (tmp_path / "junk.wav").write_bytes(b"junk")
    others = [Clip("x", "junk", tmp_path / "junk.wav"), Clip("x", "none"), Clip("x", "gone", tmp_path / "gone.wav")]
    assert not list(same_clips([*silent, *others], [*silent, *others]))


@pytest.mark.parametrize(
    ("train", "valid", "message"),
    [
        (
            "fold3_room1_mix001_deg000_start0000",
            "fold3_room1_mix001_deg090_start0010",
            "same recording as the training",
        ),
        ("fold1_room1_mix001_deg000_start0000", "fold3_room7_mix001_deg000_start0000", "the same sound as"),
        ("fold4_room8_mix001_deg000_start0000", "fold3_room7_mix001_deg000_start0000", "final test"),
    ],
)
def test_training_and_validation_share_nothing(tmp_path: Path, train: str, valid: str, message: str) -> None:
    one, other = clip(tmp_path / "one", train, sound(0)), clip(tmp_path / "other", valid, sound(0) * 0.5)
    with pytest.raises(LabelError, match=message):
        refuse_overlap([one], [other])
    refuse_overlap([clip(tmp_path / "one", "fold1_room1_mix001_deg000_start0000", sound(1))], [other])


def test_the_check_names_test_clips_that_training_has(tmp_path: Path) -> None:
    for name, split in (("fold3_room1_mix001", "dev-train-tau"), ("fold4_room2_mix001", "dev-test-tau")):
        made = clip(tmp_path, f"{name}_deg000_start0000", sound(0), split)
        write_table(tmp_path / "metadata_dev" / split / f"{made.name}.csv", EventTable.from_columns(
            frame=np.arange(5), class_index=np.zeros(5), azimuth=10.0, distance=2.0, num_frames=50))  # fmt: skip
    (problem,) = check(tmp_path).problems
    assert problem.kind == "leak"
    assert "same sound as dev-train-tau/fold3_room1" in problem.what
