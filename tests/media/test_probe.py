from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from earwitness.core.errors import EarwitnessError, NoVideoError, UnreadableMediaError
from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import read_audio


def test_video_with_sound(clip: Path) -> None:
    info = probe(clip)
    assert info.path == clip
    assert info.duration == pytest.approx(2.0, abs=0.05)
    assert info.audio is not None
    assert (info.audio.rate, info.audio.channels, info.audio.layout, info.audio.codec) == (48000, 2, "stereo", "aac")
    assert info.video is not None
    assert (info.video.width, info.video.height, info.video.rotation, info.video.is_still) == (160, 96, 0, False)
    assert info.video.fps == pytest.approx(30, rel=0.01)
    assert info.video.duration == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_size_is_as_shown(tmp_path: Path, toolbox: Any, turn: int) -> None:
    path = toolbox.write_media(
        tmp_path / "phone.mp4", pictures=[toolbox.corner_picture()] * 2,
        prepare=lambda stream: stream.set_display_rotation(turn),
    )  # fmt: skip
    video = probe(path).video
    assert video is not None
    assert (video.width, video.height) == ((96, 160) if turn % 180 else (160, 96))
    assert video.rotation == turn
    assert probe(path).audio is None


def test_late_sound_and_tracks(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(
        tmp_path / "x.mkv", sound=toolbox.tone_burst(48000, 0.5, 0.1, 0.2), sound_start=0.5, tracks=2,
        pictures=toolbox.brightness_pictures(30),
    )  # fmt: skip
    audio = probe(path).audio
    assert audio is not None
    assert audio.start == pytest.approx(0.5, abs=0.03)
    assert audio.tracks == 2


def test_cover_art_is_no_video(tmp_path: Path, toolbox: Any) -> None:
    path = _song_with_cover(tmp_path / "song.mp3")
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1, "the fixture must carry a cover"
    info = probe(path)
    assert info.video is None
    assert info.audio is not None
    with pytest.raises(NoVideoError):
        PictureReader(path)
    assert read_audio(path, 24000).shape[1] == pytest.approx(24000, abs=1200)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_one_picture_is_a_still_whatever_the_container_counts(tmp_path: Path, toolbox: Any, suffix: str) -> None:
    sound = toolbox.tone_burst(48000, 1.0, 0.1, 0.2)
    for count, still in ((1, True), (2, False)):
        path = tmp_path / f"{count}.{suffix}"
        video = probe(toolbox.write_media(path, pictures=toolbox.brightness_pictures(count), sound=sound)).video
        assert video is not None
        assert video.is_still == still


def test_a_photograph_is_a_still(tmp_path: Path) -> None:
    Image.fromarray(np.full((64, 96, 3), 200, np.uint8)).save(tmp_path / "photo.jpg")
    video = probe(tmp_path / "photo.jpg").video
    assert video is not None
    assert video.is_still
    assert (video.width, video.height) == (96, 64)


@pytest.mark.parametrize("kind", ["missing", "empty", "junk", "folder"])
def test_bad_files_name_the_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "bad.mov"
    if kind == "empty":
        path.touch()
    elif kind == "junk":
        path.write_bytes(b"\x00\x01junk" * 999)
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(UnreadableMediaError, match=r"bad\.mov") as caught:
        probe(path)
    assert isinstance(caught.value, EarwitnessError)
    assert "\n" not in str(caught.value)


def test_text_file_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("frame,class\n" * 50)
    with pytest.raises(UnreadableMediaError):
        probe(tmp_path / "notes.txt")


def _song_with_cover(path: Path) -> Path:
    """An MP3 with an ID3v2 cover, its tag put in front by hand."""
    sound = np.zeros((2, 44100), np.float32)
    with av.open(str(path), "w", options={"id3v2_version": "0", "write_xing": "0"}) as output:
        stream = output.add_stream("libmp3lame", rate=44100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="stereo")
        frame.sample_rate = 44100
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    jpeg = io.BytesIO()
    Image.fromarray(np.full((32, 32, 3), 99, np.uint8)).save(jpeg, "JPEG")
    body = b"\x00image/jpeg\x00\x03\x00" + jpeg.getvalue()
    tag = b"APIC" + len(body).to_bytes(4, "big") + b"\x00\x00" + body
    size = bytes(len(tag) >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + size + tag + path.read_bytes())
    return path
