"""Videos with a cover picture, as stores and phones write them: the cover is not what the camera saw."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from earwitness.detect.detector import Detector
from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.wav import write_wav
from earwitness.media.writer import MediaWriter
from earwitness.render.video.annotated_video import render_video


def box(name: bytes, contents: bytes) -> bytes:
    return (8 + len(contents)).to_bytes(4, "big") + name + contents


def index_last(path: Path, copy: Path) -> Path:
    with av.open(str(path)) as given, av.open(str(copy), "w") as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    return copy


def with_cover(path: Path) -> Path:
    """Put a red square into the metadata of an MP4 file whose index lies at its end, by hand."""
    jpeg = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), (250, 0, 0), np.uint8)).save(jpeg, "JPEG")
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    cover = box(b"covr", box(b"data", (13).to_bytes(4, "big") + bytes(4) + jpeg.getvalue()))
    tags = box(b"udta", box(b"meta", bytes(4) + handler + box(b"ilst", cover)))
    data = path.read_bytes()
    at = data.rfind(b"moov") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    assert at + size == len(data)
    path.write_bytes(data[:at] + box(b"moov", data[at + 8 :] + tags))
    return path


@pytest.fixture
def clip(tmp_path: Path, make_burst: Callable[..., NDArray[np.float32]]) -> Path:
    write_wav(tmp_path / "sound.wav", make_burst(3, (1.0, 2.0, 24)), 24_000)
    path = tmp_path / "clip.mp4"
    with MediaWriter(path, 320, 180, Fraction(10), copy_audio_from=tmp_path / "sound.wav") as writer:
        for frame in range(30):
            writer.write_frame(np.full((180, 320, 3), 60 + 4 * frame, np.uint8), frame / 10)
    return with_cover(index_last(path, tmp_path / "covered.mp4"))


def test_the_moving_pictures_are_seen_and_drawn_on(clip: Path, meter_model: Path, tmp_path: Path) -> None:
    with av.open(str(clip)) as container:
        assert len(container.streams.video) == 2, "the fixture must carry a cover"
    video = probe(clip).video
    assert video is not None
    assert (video.width, video.height, video.is_still) == (320, 180, False)
    reader: Any = PictureReader(clip)
    levels = [picture.rgb.mean() for picture in reader]
    assert len(levels) == 30
    assert levels[0] == pytest.approx(60, abs=4)
    detection = Detector.load(meter_model, vision=None).detect(clip)
    assert detection.has_video
    assert len(detection.events) == 1
    drawn = render_video(detection, clip, tmp_path / "drawn.mp4")
    assert len(list(PictureReader(drawn))) == 30
    assert probe(drawn).audio is not None
