from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earwitness.core.errors import MediaError
from earwitness.media.sound.wav import write_wav
from earwitness.render.video.frame_source import FrameSource, KeptSound, drawn_background

Burst = Callable[..., NDArray[np.float32]]


@pytest.fixture
def sound(make_burst: Burst, tmp_path: Path) -> Path:
    path = tmp_path / "only sound.wav"
    write_wav(path, make_burst(2.5, (0.5, 1.5, 40)), 24_000)
    return path


def test_sound_without_pictures_gets_a_drawn_background_until_it_ends(sound: Path) -> None:
    source = FrameSource(sound, 100.0)
    assert not source.has_picture
    assert source.duration == pytest.approx(2.5, abs=0.05)
    shown = list(source.pictures())
    assert shown[0].time == 0
    for before, after in pairwise(shown):
        assert before.time < after.time
    assert all(frame.picture.shape == (source.height, source.width, 3) for frame in shown)
    assert source.width % 2 == source.height % 2 == 0


def test_a_known_length_of_the_sound_is_used(sound: Path) -> None:
    assert FrameSource(sound, 100.0, sound=KeptSound(seconds=1.0)).duration == pytest.approx(1.0, abs=0.05)


def test_the_background_shows_the_name_and_any_name_can_be_drawn() -> None:
    plain, named = drawn_background("", 100.0), drawn_background("a long name.wav", 100.0)
    assert plain.shape == named.shape
    assert (plain != named).any()
    assert drawn_background("\u0000\ufffd" * 200, 10.0).shape == plain.shape


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(MediaError):
        FrameSource(path, 100.0)
