from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.media.writer import write_wav
from earwitness.render.report.spectrogram import BANDS, HOP, MOST_COLUMNS, RATE, _Columns, png, spectrogram


def test_a_tone_is_bright_where_and_when_it_sounds(tmp_path: Path) -> None:
    t = np.arange(2 * RATE) / RATE
    tone = 0.3 * np.sin(2 * np.pi * 3000 * t) * (t > 1)
    write_wav(tmp_path / "a.wav", np.stack([tone, tone]).astype(np.float32), RATE)
    picture = spectrogram(tmp_path / "a.wav").astype(int).sum(axis=2)
    assert picture.shape == (BANDS, pytest.approx(2 * RATE / HOP, abs=2))
    quiet, loud = picture[:, : picture.shape[1] // 2 - 3], picture[:, picture.shape[1] // 2 + 3 :]
    assert quiet.max() < 100
    row = int(loud.mean(axis=1).argmax())
    assert 15 < row < 40, "3 kHz lies in the upper half of a mel scale to 12 kHz"
    assert loud[row].min() > 500


def test_long_files_become_no_wider() -> None:
    columns = _Columns(10)
    for k in range(1000):
        columns.add(np.full((1, BANDS), float(k == 777), np.float32))
    values = columns.values()
    assert len(values) <= 20
    assert int(values[:, 0].argmax()) == pytest.approx(0.777 * len(values), abs=1)


def test_no_sound_is_dark(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros((2, 500), np.float32), RATE)
    picture = spectrogram(tmp_path / "a.wav")
    assert picture.shape[1] == 1
    assert picture.max() < 30
    with Image.open(BytesIO(png(picture))) as image:
        assert image.size == (1, BANDS)
    assert MOST_COLUMNS > 1000
