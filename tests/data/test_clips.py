from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import LabelError, NotStereoError, UnreadableMediaError
from earwitness.core.events import EventTable
from earwitness.data.clips import load, open_clips, same_clips
from earwitness.data.dcase.check import check
from earwitness.data.dcase.labels import read_table, write_table
from earwitness.data.dcase.layout import Clip, scan
from earwitness.media.sound.wav import read_pcm, write_wav
from earwitness.training.data.data_splits import refuse_overlap

MakeSet = Callable[..., Path]


def test_a_clip_is_sound_and_labels_of_one_name(make_set: MakeSet) -> None:
    for clip in scan(make_set(pictures=False)).clips:
        loaded = load(clip)
        assert clip.sound is not None
        assert clip.labels is not None
        assert clip.sound.stem == clip.labels.stem == clip.name
        assert np.array_equal(loaded.audio, read_pcm(clip.sound))
        assert loaded.labels.same_as(read_table(clip.labels))
        assert clip.id == f"{clip.split}/{clip.name}"


def test_damaged_clips_are_named_before_training_and_do_not_stop_the_others(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    clips = scan(root).clips
    sounds = [clip.sound for clip in clips]
    assert all(sounds)
    sounds[0].write_bytes(b"RIFF")
    sounds[1].write_bytes(sounds[1].read_bytes()[:1000])
    write_wav(sounds[2], np.zeros((2, 24_000)), 24_000)
    clips[3].labels.write_text("frame,class\n")
    write_wav(sounds[4], np.zeros((1, 120_000)), 24_000)
    opened = open_clips(scan(root).clips)
    assert [clip.id for clip in opened.clips] == [clips[5].id]
    reasons = [
        "is not a readable WAV",
        "is truncated",
        "lasts 10 frames of 100 ms, not 50",
        "must be the header",
        "1 chann",
    ]
    assert list(opened.skipped) == [clip.id for clip in clips[:5]]
    for reason, said in zip(reasons, opened.skipped.values(), strict=True):
        assert reason in said
    assert opened[0].audio.shape == (2, 120_000)
    with pytest.raises(LabelError, match="none of 5 clips can be used"):
        open_clips(clips[:5])


def test_other_sounds_and_missing_files_are_refused(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    clip = scan(root).clips[0]
    with pytest.raises(UnreadableMediaError, match="24000 Hz, but the features need 48000 Hz"):
        load(clip, rate=48_000)
    write_wav(clip.sound, np.zeros((4, 120_000)), 24_000)
    with pytest.raises(NotStereoError, match="4 channels"):
        load(clip)
    clip.sound.unlink()
    with pytest.raises(LabelError, match="has no sound"):
        load(scan(root).clips[0])


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
