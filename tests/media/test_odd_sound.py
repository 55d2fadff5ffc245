"""Sound whose layout changes, whose samples are damaged or of rare formats; and honest files, which say nothing."""

from __future__ import annotations

import struct
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from earwitness.core.errors import NotStereoError
from earwitness.core.events import EventTable
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import frame_samples
from earwitness.media.timeline import Stretch
from earwitness.results.detection import without_direction_in

RATE = 48_000


def encoded(path: Path, sound: Any, codec: str, format: str, start: float = 0.0) -> bytes:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(sound)]
    with av.open(str(path), "w", format=format) as output:
        stream: Any = output.add_stream(codec, rate=RATE, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE, round(start * RATE), Fraction(1, RATE)
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format.name, layout, RATE, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path.read_bytes()


def joined(folder: Path, sounds: list[Any], codec: str, format: str) -> Path:
    """A stream whose layout changes: what was encoded in pieces, end to end, as broadcasts are."""
    content, start = b"", 0.0
    for sound in sounds:
        content += encoded(folder / "piece", sound, codec, format, start)
        start += sound.shape[1] / RATE
    path = folder / f"joined.{format}"
    path.write_bytes(content)
    return path


@pytest.fixture(scope="module")
def stereo(toolbox: Any) -> Any:
    return toolbox.tone_burst(RATE, 2.0, 0.2, 1.8)


KINDS = [("aac", "mpegts"), ("mp2", "mpegts"), ("libmp3lame", "mp3"), ("aac", "adts"), ("flac", "flac")]


@pytest.mark.parametrize(("codec", "format"), KINDS)
def test_no_direction_where_it_is_mono(tmp_path: Path, stereo: Any, codec: str, format: str) -> None:
    mono = stereo[:1]
    reader = AudioReader(joined(tmp_path, [stereo, mono, stereo], codec, format))
    assert sum(block.shape[1] for block in reader) / reader.rate == pytest.approx(6, abs=0.2)
    (stretch,) = reader.undirected
    assert (stretch.start, stretch.end) == pytest.approx((2, 4), abs=0.15)
    assert reader.directional
    assert sum("no direction from 2.0 s to 4." in warning for warning in reader.warnings) == 1


@pytest.mark.parametrize(("codec", "format"), KINDS)
def test_a_mono_beginning_does_not_refuse_the_rest(tmp_path: Path, stereo: Any, codec: str, format: str) -> None:
    reader = AudioReader(joined(tmp_path, [stereo[:1], stereo], codec, format))
    samples = np.concatenate(list(reader), axis=1)
    (stretch,) = reader.undirected
    assert (stretch.start, stretch.end) == pytest.approx((0, 2), abs=0.15)
    assert reader.directional
    last = np.abs(samples[:, -reader.rate :]).max(axis=1)
    assert last[0] / last[1] == pytest.approx(4, rel=0.15)


def test_what_is_mono_throughout_is_refused_as_before(tmp_path: Path, stereo: Any) -> None:
    path = joined(tmp_path, [stereo[:1], stereo[:1]], "mp2", "mpegts")
    with pytest.raises(NotStereoError, match="mono"):
        AudioReader(path)
    reader = AudioReader(path, mono="allow")
    list(reader)
    assert not reader.directional
    assert not any("no direction" in warning for warning in reader.warnings)


def test_surround_that_becomes_stereo_keeps_its_directions(tmp_path: Path, stereo: Any) -> None:
    surround = np.concatenate([stereo, np.zeros((4, stereo.shape[1]), np.float32)])
    reader = AudioReader(joined(tmp_path, [surround, stereo], "aac", "mpegts"))
    samples = np.concatenate(list(reader), axis=1)
    assert reader.undirected == []
    for half in (samples[:, : samples.shape[1] // 2], samples[:, samples.shape[1] // 2 :]):
        left, right = np.abs(half).max(axis=1)
        assert left / right == pytest.approx(4, rel=0.15)


def test_rows_in_a_stretch_lose_their_direction_and_events_end_there() -> None:
    table = EventTable.from_columns(
        frame=[*range(10), *range(4, 8)], class_index=[1] * 14, source=[0] * 10 + [1] * 4,
        azimuth=[30.0] * 10 + [-40.0] * 4, distance=1.0, onscreen=True, num_frames=10,
    )  # fmt: skip
    changed = without_direction_in(table, [Stretch(0.5, 0.7, "mono")])
    inside = (changed.frame >= 5) & (changed.frame < 7)
    assert np.isnan(changed.azimuth[inside]).all()
    assert not changed.onscreen[inside].any()
    assert np.count_nonzero(inside) == 2  # what mono cannot tell apart is one
    assert np.isfinite(changed.azimuth[~inside]).all()
    for event in changed.events():
        assert len(set(np.isnan(event.table.azimuth).tolist())) == 1
    assert without_direction_in(table, []) is table


def float_wave(path: Path, samples: Any, tag: int = 3) -> Path:
    bits = samples.dtype.itemsize * 8
    data, block = samples.tobytes(), 2 * bits // 8
    form = struct.pack("<HHIIHH", tag, 2, 24_000, 24_000 * block, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e20, -3e38])
@pytest.mark.parametrize("kind", ["<f4", "<f8"])
def test_samples_that_are_no_sound_are_silent_and_said(tmp_path: Path, value: float, kind: str) -> None:
    samples = (np.random.default_rng(0).standard_normal((24_000, 2)) * 0.1).astype(kind)
    samples[500:505] = value if kind == "<f4" else value * 1e5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reader = AudioReader(float_wave(tmp_path / "a.wav", samples))
        heard = np.concatenate(list(reader), axis=1)
    assert (heard[:, 500:505] == 0).all()
    np.testing.assert_allclose(heard[:, :500], samples[:500].T, atol=1e-6)
    assert reader.damaged_samples == 10
    assert any("10 samples that are not numbers" in warning for warning in reader.warnings)


def test_loud_floats_are_kept(tmp_path: Path) -> None:
    samples = (np.random.default_rng(0).standard_normal((24_000, 2)) * 9000).astype("<f4")
    reader = AudioReader(float_wave(tmp_path / "a.wav", samples))
    np.testing.assert_array_equal(np.concatenate(list(reader), axis=1), samples.T)
    assert reader.warnings == []


def test_integers_of_64_bits(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-9000, 9000, (24_000, 2))
    reader = AudioReader(float_wave(tmp_path / "a.wav", samples.astype("<i8") << 48, tag=1))
    np.testing.assert_allclose(np.concatenate(list(reader), axis=1), samples.T / 32768, atol=1e-7)


HONEST = [
    ("mp3", "libmp3lame"), ("aac", "aac"), ("m4a", "aac"), ("m4a", "alac"), ("opus", "libopus"), ("ogg", "flac"),
    ("flac", "flac"), ("wav", "pcm_u8"), ("wav", "pcm_s16le"), ("wav", "pcm_s24le"), ("wav", "pcm_s32le"),
    ("wav", "pcm_s64le"), ("wav", "pcm_f32le"), ("wav", "pcm_f64le"), ("wav", "pcm_mulaw"), ("wav", "adpcm_ms"),
    ("wav", "adpcm_ima_wav"), ("w64", "pcm_s16le"), ("aiff", "pcm_s16be"), ("caf", "pcm_s16le"), ("au", "pcm_s16be"),
    ("mov", "pcm_s16le"), ("mov", "aac"), ("mkv", "aac"), ("mkv", "pcm_s16le"), ("mkv", "libmp3lame"), ("mkv", "mp2"),
    ("webm", "libopus"), ("ts", "aac"), ("ts", "mp2"), ("avi", "libmp3lame"), ("avi", "pcm_s16le"), ("flv", "aac"),
    ("nut", "aac"), ("tta", "tta"), ("wv", "wavpack"), ("mpg", "mp2"), ("ac3", "ac3"), ("eac3", "eac3"),
]  # fmt: skip
FORMATS = {
    "ts": "mpegts", "m4a": "ipod", "mkv": "matroska", "opus": "ogg", "mpg": "mpeg",
    "aac": "adts",
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "codec"), HONEST)
def test_honest_files_say_nothing(tmp_path: Path, toolbox: Any, suffix: str, codec: str) -> None:
    sound = toolbox.tone_burst(RATE, 2.0, 0.5, 1.5)
    path = tmp_path / f"a.{suffix}"
    try:
        encoded(path, sound, codec, FORMATS.get(suffix, suffix))
    except (av.FFmpegError, ValueError) as error:
        pytest.skip(f"this build of FFmpeg cannot write {codec} here: {error}")
    reader = AudioReader(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = np.concatenate(list(reader), axis=1)
    assert reader.warnings == []
    assert reader.undirected == []
    assert samples.shape[1] / reader.rate == pytest.approx(2, abs=0.12)
    assert toolbox.burst_times(samples, reader.rate, 0.1) == pytest.approx((0.5, 1.5), abs=0.06)


@pytest.mark.parametrize("channels", [7, 8, 9, 16, 32])
def test_eight_planes_and_more_are_read_as_they_are(tmp_path: Path, channels: int) -> None:
    samples = np.random.default_rng(0).integers(-9000, 9000, (4800, channels)).astype(np.int16)
    path = tmp_path / "many.wv"
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("wavpack", rate=RATE, layout=f"{channels} channels")
        stream.format = "s16p"
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=f"{channels} channels")
        frame.sample_rate = RATE
        packer = av.AudioResampler(stream.format.name, stream.layout, RATE, frame_size=960)
        for part in [*packer.resample(frame), *packer.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        assert frames[0].format.is_planar
        read = np.concatenate([frame_samples(frame) for frame in frames], axis=1)
    assert read.shape == (channels, 4800)
    np.testing.assert_allclose(read, samples.T / 32768, atol=1e-6)


def test_sound_in_seven_point_one_of_aac(tmp_path: Path, stereo: Any) -> None:
    surround = np.concatenate([stereo, np.zeros((6, stereo.shape[1]), np.float32)])
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=RATE, layout="7.1")
        for at in range(0, surround.shape[1], 1024):
            part = np.ascontiguousarray(surround[:, at : at + 1024].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(part, format="flt", layout="7.1")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            packer = av.AudioResampler("fltp", "7.1", RATE)
            for planar in packer.resample(frame):
                output.mux(stream.encode(planar))
        output.mux(stream.encode(None))
    left, right = np.abs(np.concatenate(list(AudioReader(path)), axis=1)).max(axis=1)
    assert left / right == pytest.approx(4, rel=0.15)
