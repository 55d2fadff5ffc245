"""Media of the report: player and spectrogram."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from earwitness.media.containers.probe import probe
from earwitness.media.writer import MediaWriter, write_wav
from earwitness.render import report_media
from earwitness.render.report_media import (
    BANDS,
    HOP,
    MOST_COLUMNS,
    RATE,
    _Columns,
    player_media,
    plays_in_browsers,
    png,
    spectrogram,
)


def make(path: Path, sound: bool = True) -> Path:
    with MediaWriter(path, 64, 48, Fraction(10), audio_rate=48_000 if sound else None) as writer:
        for k in range(5):
            writer.write_frame(np.full((48, 64, 3), 50 * k, np.uint8), k / 10)
        if sound:
            writer.write_audio(np.zeros((2, 24_000), np.float32))
    return path


@pytest.fixture
def mpeg4(tmp_path: Path) -> Path:
    """A codec and a container that no browser plays."""
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(5):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    return path


def test_small_is_embedded_and_large_is_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = probe(make(tmp_path / "a b.mp4"))
    assert plays_in_browsers(info)
    target = tmp_path / "reports" / "r.html"
    assert player_media(info, target, "auto").how == "embed"
    monkeypatch.setattr(report_media, "EMBED_BYTES", 10)
    linked = player_media(info, target, "auto")
    assert (linked.how, linked.source, linked.type) == ("link", "../a%20b.mp4", "video/mp4")
    assert player_media(info, target, "embed").how == "embed"
    assert player_media(info, target, "none").kind == "none"
    assert "was not found" in player_media(None, target, "auto").note


def test_what_browsers_cannot_play_is_converted(tmp_path: Path, mpeg4: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = probe(mpeg4)
    assert not plays_in_browsers(info)
    embedded = player_media(info, tmp_path / "r.html", "auto")
    assert (embedded.how, embedded.type) == ("embed", "video/mp4")
    assert embedded.note.startswith("Converted for browsers")
    monkeypatch.setattr(report_media, "EMBED_BYTES", 10)
    assert player_media(info, tmp_path / "r.html", "auto").source == "r.player.mp4"
    copy = probe(tmp_path / "r.player.mp4")
    assert copy.video is not None
    assert copy.video.codec == "h264"
    assert plays_in_browsers(copy)


def test_sound_survives_the_conversion(tmp_path: Path) -> None:
    info = probe(make(tmp_path / "a.mkv"))
    assert not plays_in_browsers(info)
    player_media(info, tmp_path / "r.html", "link")
    copy = probe(tmp_path / "r.player.mp4")
    assert copy.audio is not None
    assert copy.duration == pytest.approx(info.duration, abs=0.1)


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
