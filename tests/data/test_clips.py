from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import LabelError, NotStereoError, UnreadableMediaError
from earwitness.data.clips import load, open_clips
from earwitness.data.dcase.labels import read_table
from earwitness.data.dcase.layout import scan
from earwitness.media.sound.wav import read_pcm, write_wav

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
