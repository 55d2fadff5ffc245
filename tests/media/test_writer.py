from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from earwitness.core.errors import EncodingError, UnreadableMediaError
from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import read_audio
from earwitness.media.writer import FAST_VIDEO, MediaWriter, WriterKeywords, WriterSettings


def test_every_setting_is_a_keyword_argument() -> None:
    assert set(WriterKeywords.__annotations__) == {field.name for field in fields(WriterSettings)}
    with pytest.raises(TypeError, match="quality"):
        MediaWriter("a.mp4", 64, 64, quality=3)  # type: ignore[call-arg]


def audio_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def rewrite(source: Path, out: Path, **options: Any) -> Path:
    reader = PictureReader(source)
    with MediaWriter(out, reader.width, reader.height, reader.frame_rate, copy_audio_from=source, **options) as writer:
        for time, rgb in reader:
            writer.write_frame(rgb, time)
    return out


def test_sound_is_copied_packet_by_packet(clip: Path, tmp_path: Path) -> None:
    out = rewrite(clip, tmp_path / "out.mp4")
    assert audio_packets(out) == audio_packets(clip)
    np.testing.assert_array_equal(read_audio(out), read_audio(clip))
    assert probe(out).duration == pytest.approx(probe(clip).duration, abs=0.01)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "mov"])
@pytest.mark.parametrize("start", [0.0, 0.5])
def test_sound_stays_in_step_with_the_picture(tmp_path: Path, toolbox: Any, suffix: str, start: float) -> None:
    source = toolbox.write_media(
        tmp_path / f"in.{suffix}", sound=toolbox.tone_burst(48000, 2.0, 1.0, 1.2), sound_start=start,
        pictures=toolbox.brightness_pictures(75),
    )  # fmt: skip
    out = rewrite(source, tmp_path / "out.mp4")
    before, after = read_audio(source), read_audio(out)
    assert toolbox.burst_times(after, 24000) == pytest.approx(toolbox.burst_times(before, 24000), abs=0.012)
    assert toolbox.burst_times(after, 24000) == pytest.approx((1.0 + start, 1.2 + start), abs=0.03)
    assert [p.time for p in PictureReader(out)] == pytest.approx([p.time for p in PictureReader(source)], abs=1e-3)


@pytest.mark.parametrize(
    ("suffix", "codec", "sample_format", "rate"),
    [("mkv", "pcm_s16le", "s16", 22050), ("mkv", "flac", "s16", 96000), ("webm", "libopus", "flt", 48000)],
)
def test_other_codecs_are_encoded_anew(
    tmp_path: Path, toolbox: Any, suffix: str, codec: str, sample_format: str, rate: int
) -> None:
    sound = toolbox.tone_burst(rate, 2.0, 1.0, 1.2)
    source = toolbox.write_media(
        tmp_path / "sound.mka", sound=sound, codec=codec, sample_format=sample_format, rate=rate
    )
    out = tmp_path / "out.mp4"
    with MediaWriter(out, 64, 64, Fraction(10), copy_audio_from=source) as writer:
        for index in range(20):
            writer.write_frame(np.zeros((64, 64, 3), np.uint8), index / 10)
    info = probe(out).audio
    assert info is not None
    assert info.codec == "aac"
    samples = read_audio(out)
    assert toolbox.burst_times(samples, 24000) == pytest.approx((1.0, 1.2), abs=0.02)
    left, right = np.abs(samples).max(axis=1)
    assert left / right == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_copied_sound_whose_clock_restarts_goes_on(tmp_path: Path, toolbox: Any, suffix: str) -> None:
    sound = toolbox.tone_burst(48000, 4.0, 1.0, 3.5)
    source = toolbox.write_media(tmp_path / f"in.{suffix}", sound=sound, gap=(2.0, 700.0))
    out = tmp_path / "out.mp4"
    with MediaWriter(out, 64, 64, Fraction(10), copy_audio_from=source) as writer:
        for k in range(40):
            writer.write_frame(np.full((64, 64, 3), 100, np.uint8), k / 10)
    assert probe(out).duration == pytest.approx(4.0, abs=0.1)
    heard = read_audio(out, 48000)
    assert toolbox.burst_times(heard, 48000) == pytest.approx((1.0, 3.5), abs=0.05)


def test_mono_sound_is_kept(tmp_path: Path, toolbox: Any) -> None:
    for codec, name in (("aac", "m.mp4"), ("flac", "m.flac")):
        source = toolbox.write_media(
            tmp_path / name, sound=toolbox.tone_burst(48000, 1.0, 0.3, 0.6)[:1], layout="mono", codec=codec,
            sample_format="fltp" if codec == "aac" else "s16",
        )  # fmt: skip
        out = tmp_path / "out.mp4"
        with MediaWriter(out, 64, 64, Fraction(10), copy_audio_from=source) as writer:
            writer.write_frame(np.zeros((64, 64, 3), np.uint8), 0)
        samples = read_audio(out, mono="allow")
        assert toolbox.burst_times(samples, 24000) == pytest.approx((0.3, 0.6), abs=0.02)


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_pictures_beside_copied_sound_are_those_beside_none(clip: Path, tmp_path: Path, name: str) -> None:
    """The sound joins them at the end; their times, lengths, marks and rate must be those that were written."""
    times = [0.4, 0.44, 0.5, 1.1, 1.14, 1.2]
    with_sound, without = tmp_path / f"a-{name}", tmp_path / f"b-{name}"
    for path, sound in ((with_sound, clip), (without, None)):
        with MediaWriter(path, 64, 64, Fraction(30000, 1001), copy_audio_from=sound) as writer:
            for index, time in enumerate(times):
                shade = np.full((64, 64, 3), 40 * index, np.uint8)  # so different that they become intra pictures
                writer.write_frame(shade, time, 0.7 if time == times[-1] else None)
    joined, alone = picture_packets(with_sound), picture_packets(without)
    assert [packet[2:] for packet in joined] == [packet[2:] for packet in alone]
    if name.endswith("mp4"):
        assert joined == alone
        assert sync_samples(with_sound) == sync_samples(without) == 1
    else:  # where no time is below zero: all of it lies later by the run-up of the sound's codec
        assert np.diff([packet[0] for packet in joined]) == pytest.approx(np.diff(times), abs=2e-3)
        assert joined[0][0] == pytest.approx(times[0], abs=0.03)
    with av.open(str(with_sound)) as a, av.open(str(without)) as b:
        assert a.streams.video[0].average_rate == b.streams.video[0].average_rate
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def picture_packets(path: Path) -> list[tuple[float, float, bool, bytes]]:
    with av.open(str(path)) as container:
        return [
            (float(p.pts * p.time_base), float(p.duration * p.time_base), p.is_keyframe, bytes(p))
            for p in container.demux(video=0)
            if p.size and p.pts is not None and p.duration is not None
        ]


def sync_samples(path: Path) -> int:
    """Pictures that an MP4 says can be seeked to (ISO 14496-12: box stss, a number of entries after eight bytes)."""
    data = path.read_bytes()
    at = data.index(b"stss")
    return int.from_bytes(data[at + 8 : at + 12], "big")


def test_an_error_while_joining_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "sound.mp4"
    source.write_bytes(clip.read_bytes())

    def write() -> None:
        with MediaWriter(tmp_path / "o" / "out.mp4", 64, 64, copy_audio_from=source) as writer:
            writer.write_frame(np.zeros((64, 64, 3), np.uint8), 0)
            source.unlink()

    with pytest.raises(UnreadableMediaError):
        write()
    assert list((tmp_path / "o").iterdir()) == []


def test_a_mute_source_gives_a_mute_video(tmp_path: Path, toolbox: Any) -> None:
    source = toolbox.write_media(tmp_path / "mute.mp4", pictures=toolbox.brightness_pictures(4))
    assert probe(rewrite(source, tmp_path / "out.mp4")).audio is None


def test_variable_frame_times_survive(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.51, 1.9]
    with MediaWriter(tmp_path / "vfr.mp4", 64, 64, Fraction(25)) as writer:
        for time in times:
            writer.write_frame(np.zeros((64, 64, 3), np.uint8), time, 0.6 if time == times[-1] else None)
    assert [picture.time for picture in PictureReader(tmp_path / "vfr.mp4")] == pytest.approx(times, abs=1e-4)
    assert probe(tmp_path / "vfr.mp4").duration == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_common_rates_are_exact(tmp_path: Path, fps: Fraction) -> None:
    with MediaWriter(tmp_path / "x.mp4", 64, 64, fps) as writer:
        for index in range(40):
            writer.write_frame(np.zeros((64, 64, 3), np.uint8), float(index / fps))
    video = probe(tmp_path / "x.mp4").video
    assert video is not None
    assert video.fps == pytest.approx(float(fps), rel=1e-3)


def test_written_sound_keeps_time_and_side(tmp_path: Path, toolbox: Any) -> None:
    sound = toolbox.tone_burst(24000, 2.0, 0.5, 0.8)
    with MediaWriter(tmp_path / "x.mp4", 64, 64, Fraction(10), audio_rate=24000) as writer:
        for index in range(20):
            writer.write_frame(np.zeros((64, 64, 3), np.uint8), index / 10)
            writer.write_audio(sound[:, 2400 * index : 2400 * (index + 1)])
    samples = read_audio(tmp_path / "x.mp4")
    assert samples.shape[1] == pytest.approx(48000, abs=1100)
    assert toolbox.burst_times(samples, 24000) == pytest.approx((0.5, 0.8), abs=0.02)
    left, right = np.abs(samples).max(axis=1)
    assert left / right == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize(("width", "height"), [(161, 91), (160, 91), (2, 2)])
def test_odd_sizes_are_cut_to_even(tmp_path: Path, width: int, height: int) -> None:
    with MediaWriter(tmp_path / "odd.mp4", width, height) as writer:
        writer.write_frame(np.full((height, width, 3), 77, np.uint8), 0)
    video = probe(tmp_path / "odd.mp4").video
    assert video is not None
    assert (video.width, video.height) == (width // 2 * 2, height // 2 * 2)


def test_colours_come_back(tmp_path: Path) -> None:
    colours = np.array([[230, 60, 40], [40, 180, 70], [50, 80, 220], [200, 200, 40]], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 32, axis=1), 64, axis=0).reshape(64, 128, 3)
    with MediaWriter(tmp_path / "c.mp4", 128, 64) as writer:
        for index in range(3):
            writer.write_frame(picture, index / 25)
    got = next(iter(PictureReader(tmp_path / "c.mp4"))).rgb
    for index in range(4):
        np.testing.assert_allclose(got[32, 16 + 32 * index].astype(int), colours[index], atol=6)


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"the old one")
    writer = MediaWriter(out, 64, 64)
    with pytest.raises(EncodingError, match="shape"), writer:
        writer.write_frame(np.zeros((65, 64, 3), np.uint8), 0)
    assert out.read_bytes() == b"the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_wrong_use_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match=r"\.mp4"):
        MediaWriter(tmp_path / "x.gif", 64, 64)
    with pytest.raises(EncodingError, match="1x64"):
        MediaWriter(tmp_path / "x.mp4", 1, 64)
    with pytest.raises(EncodingError, match="resample to 24000"):
        MediaWriter(tmp_path / "x.mp4", 64, 64, audio_rate=23000)
    with pytest.raises(EncodingError, match="shape"), MediaWriter(tmp_path / "x.mp4", 64, 64) as writer:
        writer.write_frame(np.zeros((64, 65, 3), np.uint8), 0)
    with pytest.raises(EncodingError, match="audio_rate"), MediaWriter(tmp_path / "x.mp4", 64, 64) as writer:
        writer.write_audio(np.zeros((2, 10), np.float32))
    with (
        pytest.raises(UnreadableMediaError),
        MediaWriter(tmp_path / "x.mp4", 64, 64, copy_audio_from=tmp_path / "none.wav"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EncodingError), MediaWriter(tmp_path / "file" / "x.mp4", 64, 64):
        pass


def test_an_empty_block_of_sound_is_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    with MediaWriter(out, 64, 48, Fraction(10), audio_rate=24000) as writer:
        writer.write_frame(np.zeros((48, 64, 3), np.uint8), 0.0)
        writer.write_audio(np.zeros((2, 0), np.float32))
        writer.write_audio(np.zeros((2, 4800), np.float32))
    assert probe(out).duration == pytest.approx(0.2, abs=0.1)


def test_true_waves_are_truer_in_both_channels_and_in_their_difference(tmp_path: Path) -> None:
    """Noise from one side: what a listener takes for the same noise is not the same level difference."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=48_000)
    stereo = np.stack([noise, 0.4 * noise]).clip(-1, 1).astype(np.float32)
    errors = {}
    for true_waves in (False, True):
        path = tmp_path / f"{true_waves}.mp4"
        with MediaWriter(path, 16, 16, audio_rate=24_000, true_waves=true_waves) as writer:
            writer.write_frame(np.zeros((16, 16, 3), dtype=np.uint8), 0.0)
            writer.write_audio(stereo)
        heard = read_audio(path, rate=24_000)[:, :48_000]
        errors[true_waves] = [
            float(np.square(part).sum()) for part in ((heard - stereo), np.diff(heard - stereo, axis=0))
        ]
    assert errors[True][0] < 0.7 * errors[False][0]
    assert errors[True][1] < 0.7 * errors[False][1]


def test_fast_video_follows_a_slow_change_and_has_a_key_frame_a_second(tmp_path: Path) -> None:
    levels = 40 + np.arange(90)
    with MediaWriter(tmp_path / "a.mp4", 64, 64, Fraction(30), preset="ultrafast", options=FAST_VIDEO) as writer:
        for number, level in enumerate(levels):
            planes = np.full((96, 64), 128, dtype=np.uint8)
            planes[:64] = level
            picture = VideoFrame.from_ndarray(planes, format="yuv420p")
            writer.write_video_frame(picture, number / 30)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frames = list(container.decode(video=0))
    assert [number for number, frame in enumerate(frames) if frame.key_frame] == [0, 30, 60]
    shown = np.array([frame.to_ndarray()[:64].astype(int) for frame in frames])
    assert np.abs(shown - levels[:, None, None]).max() <= 2
