from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import EncodingError, NoVideoError
from earwitness.media.cutting import Cut, cut_sound, cut_video
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import read_audio
from earwitness.media.sound.wav import read_pcm, wav_info, write_wav

RATE = 8000


def test_sound_is_cut_to_the_sample(tmp_path: Path) -> None:
    ramp = np.linspace(-0.9, 0.9, 5 * RATE)
    write_wav(tmp_path / "a.wav", np.stack([ramp, -ramp]), RATE)
    cuts = [Cut(0.0, 1.0, tmp_path / "0.wav"), Cut(0.5, 4.25, tmp_path / "1.wav"), Cut(4.0, 9.0, tmp_path / "2.wav")]
    cut_sound(tmp_path / "a.wav", cuts[::-1])
    whole = read_pcm(tmp_path / "a.wav")
    for cut in cuts:
        assert wav_info(cut.path).rate == RATE
        expected = whole[:, round(cut.start * RATE) : round(cut.end * RATE)]
        assert read_pcm(cut.path) == pytest.approx(expected, abs=1 / 32_000)


def test_video_is_cut_to_the_picture(toolbox: Any, tmp_path: Path) -> None:
    pictures = [np.full((48, 64, 3), 4 * number, np.uint8) for number in range(60)]
    time = np.arange(96_000) / 48_000
    tone = np.where((time >= 1.0) & (time < 1.5), 0.5, 0.0) * np.sin(2 * np.pi * 1000 * time)
    source = toolbox.write_media(
        tmp_path / "a.mp4", sound=np.stack([tone, tone / 4]).astype(np.float32), pictures=pictures
    )
    cuts = [Cut(0.95, 1.65, tmp_path / "0.mp4"), Cut(0.0, 0.2, tmp_path / "1.mp4"), Cut(1.61, 1.63, tmp_path / "2.mp4")]
    cut_video(source, cuts)
    shown = [(round(time, 3), int(rgb.mean())) for time, rgb in PictureReader(cuts[0].path)]
    assert shown[0] == (0.0, pytest.approx(4 * 28, abs=3))  # the picture that is on when the cut begins
    assert shown[1] == (pytest.approx(29 / 30 - 0.95, abs=1e-3), pytest.approx(4 * 29, abs=3))
    assert len(shown) == 22
    sound = read_audio(cuts[0].path, 48_000)
    loud = np.flatnonzero(np.abs(sound).max(axis=0) > 0.1) / 48_000
    assert (loud[0], loud[-1]) == (pytest.approx(0.05, abs=0.01), pytest.approx(0.55, abs=0.01))
    assert np.abs(sound[0]).max() == pytest.approx(4 * np.abs(sound[1]).max(), rel=0.1)
    assert len(list(PictureReader(cuts[2].path))) == 1  # shorter than a picture


def test_a_failure_leaves_no_half_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wav(tmp_path / "a.wav", np.zeros((2, 3 * RATE)), RATE)
    with pytest.raises(NoVideoError):
        cut_video(tmp_path / "a.wav", [Cut(0, 1, tmp_path / "o" / "0.mp4")])
    (tmp_path / "taken.wav").mkdir()
    cuts = [Cut(0, 3, tmp_path / "o" / "0.wav"), Cut(1, 2, tmp_path / "taken.wav")]
    with pytest.raises(EncodingError, match="is a folder"):
        cut_sound(tmp_path / "a.wav", cuts)
    assert not list((tmp_path / "o").glob("*"))
