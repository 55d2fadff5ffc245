from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from earwitness.core.errors import NoAudioError, NotStereoError, UnreadableMediaError
from earwitness.media.sound.audio import AudioReader, read_audio

RATE = 24000


def loudness(samples: Any) -> Any:
    return np.sqrt((samples.astype(np.float64) ** 2).mean(axis=1))


def test_burst_comes_out_at_its_time_and_side(clip: Path, toolbox: Any) -> None:
    samples = read_audio(clip, RATE)
    assert samples.dtype == np.float32
    assert samples.shape == (2, 2 * RATE)
    assert toolbox.burst_times(samples, RATE) == pytest.approx((1.0, 1.2), abs=0.005)
    left, right = loudness(samples)
    assert left / right == pytest.approx(4.0, rel=0.05)


def test_swap_exchanges_left_and_right(clip: Path) -> None:
    np.testing.assert_array_equal(read_audio(clip, swap=True), read_audio(clip)[::-1])


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov", "ts"])
def test_late_sound_begins_with_silence(tmp_path: Path, toolbox: Any, suffix: str) -> None:
    path = toolbox.write_media(
        tmp_path / f"late.{suffix}",
        sound=toolbox.tone_burst(48000, 2.0, 1.0, 1.2),
        sound_start=0.5,
        pictures=toolbox.brightness_pictures(75),
    )
    reader = AudioReader(path, RATE)
    samples = np.concatenate(list(reader), axis=1)
    assert toolbox.burst_times(samples, RATE) == pytest.approx((1.5, 1.7), abs=0.03)
    assert reader.start_seconds == pytest.approx(0.5, abs=0.03)
    assert reader.gap_seconds == 0


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_gap_becomes_silence(tmp_path: Path, toolbox: Any, suffix: str) -> None:
    sound = toolbox.tone_burst(48000, 4.0, 0.2, 0.4) + toolbox.tone_burst(48000, 4.0, 3.0, 3.2)
    path = toolbox.write_media(tmp_path / f"gap.{suffix}", sound=sound, gap=(2.0, 2.5))
    reader = AudioReader(path, RATE)
    samples = np.concatenate(list(reader), axis=1)
    assert toolbox.burst_times(samples[:, : 2 * RATE], RATE) == pytest.approx((0.2, 0.4), abs=0.01)
    assert toolbox.burst_times(samples[:, 2 * RATE :], RATE) == pytest.approx((3.5, 3.7), abs=0.01)
    assert reader.gap_seconds == pytest.approx(2.5, abs=0.03)
    assert reader.gaps == 1
    assert samples.shape[1] == pytest.approx(6.5 * RATE, abs=0.04 * RATE)
    assert any("filled with silence" in warning for warning in reader.warnings)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 24000, 32000, 44100, 48000, 88200, 96000])
def test_every_source_rate_keeps_time_and_length(tmp_path: Path, toolbox: Any, rate: int) -> None:
    path = toolbox.write_media(
        tmp_path / "tone.wav", sound=toolbox.tone_burst(rate, 1.5, 0.7, 0.9), rate=rate, codec="pcm_s16le",
        sample_format="s16",
    )  # fmt: skip
    samples = read_audio(path, RATE)
    assert samples.shape == (2, round(round(1.5 * rate) * RATE / rate))
    assert toolbox.burst_times(samples, RATE) == pytest.approx((0.7, 0.9), abs=0.003)


@pytest.mark.parametrize(
    ("codec", "sample_format", "tolerance"),
    [("pcm_u8", "u8", 1.5e-2), ("pcm_s16le", "s16", 1e-4), ("pcm_s24le", "s32", 1e-6), ("pcm_s32le", "s32", 1e-6),
     ("pcm_f32le", "flt", 1e-6), ("pcm_f64le", "dbl", 1e-6)],
)  # fmt: skip
def test_sample_formats_keep_their_values(
    tmp_path: Path, toolbox: Any, codec: str, sample_format: str, tolerance: float
) -> None:
    sound = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 5000)).astype(np.float32)
    path = toolbox.write_media(tmp_path / "x.wav", sound=sound, rate=RATE, codec=codec, sample_format=sample_format)
    np.testing.assert_allclose(read_audio(path, RATE), sound, atol=tolerance)


def test_flac_of_planar_and_packed_samples(tmp_path: Path, toolbox: Any) -> None:
    sound = np.random.default_rng(1).uniform(-0.9, 0.9, (2, 9000)).astype(np.float32)
    path = toolbox.write_media(tmp_path / "x.flac", sound=sound, rate=RATE, codec="flac", sample_format="s16")
    np.testing.assert_allclose(read_audio(path, RATE), sound, atol=1e-4)


def test_mono_is_refused_unless_allowed(tmp_path: Path, toolbox: Any) -> None:
    sound = toolbox.tone_burst(48000, 1.0, 0.3, 0.6)[:1]
    path = toolbox.write_media(tmp_path / "mono.m4a", sound=sound, layout="mono")
    with pytest.raises(NotStereoError, match="mono"):
        AudioReader(path)
    reader = AudioReader(path, RATE, mono="allow")
    samples = np.concatenate(list(reader), axis=1)
    np.testing.assert_array_equal(samples[0], samples[1])
    assert toolbox.burst_times(samples, RATE) == pytest.approx((0.3, 0.6), abs=0.005)
    assert not reader.directional


def test_dual_mono_is_told_from_stereo(tmp_path: Path, toolbox: Any, clip: Path) -> None:
    same = toolbox.tone_burst(48000, 1.0, 0.3, 0.6, left=0.4, right=0.4)
    dual = AudioReader(toolbox.write_media(tmp_path / "dual.m4a", sound=same))
    stereo = AudioReader(clip)
    for reader in (dual, stereo):
        for _ in reader:
            pass
    assert dual.dual_mono
    assert not dual.directional
    assert not stereo.dual_mono
    assert stereo.directional
    assert stereo.channel_difference == pytest.approx(0.75, abs=0.01)


def test_silence_is_not_called_dual_mono(tmp_path: Path, toolbox: Any) -> None:
    reader = AudioReader(
        toolbox.write_media(tmp_path / "s.wav", sound=np.zeros((2, 9600), np.float32), codec="pcm_s16le",
                            sample_format="s16")
    )  # fmt: skip
    assert sum(block.shape[1] for block in reader) == 4800
    assert reader.directional


@pytest.mark.parametrize("layout", ["5.1", "7.1"])
def test_surround_is_mixed_down_by_its_layout(tmp_path: Path, toolbox: Any, layout: str) -> None:
    channels = [channel.name for channel in av.AudioLayout(layout).channels]
    gains = {"FL": (1, 0), "FR": (0, 1), "FC": (0.7071, 0.7071), "LFE": (0, 0), "BL": (0.7071, 0), "BR": (0, 0.7071),
             "SL": (0.7071, 0), "SR": (0, 0.7071)}  # fmt: skip
    for index, name in enumerate(channels):
        sound = np.zeros((len(channels), 2400), np.float32)
        sound[index] = 0.5
        path = toolbox.write_media(
            tmp_path / f"{layout}-{name}.wav", sound=sound, rate=RATE, codec="pcm_s16le", sample_format="s16",
            layout=layout,
        )  # fmt: skip
        middle = read_audio(path, RATE)[:, 1200]
        np.testing.assert_allclose(middle, 0.5 * np.array(gains[name]), atol=1e-3)


def test_unknown_layout_takes_two_channels_and_says_so(tmp_path: Path, toolbox: Any) -> None:
    sound = np.tile(np.array([[0.1], [0.2], [0.3]], np.float32), (1, 2400))
    path = toolbox.write_media(
        tmp_path / "three.wav", sound=sound, rate=RATE, codec="pcm_s16le", sample_format="s16", layout="3 channels"
    )
    reader = AudioReader(path, RATE)
    block = next(iter(reader))
    np.testing.assert_allclose(block[:, 100], [0.1, 0.2], atol=1e-3)
    assert any("unknown" in warning for warning in reader.warnings)


def test_corrupt_packets_keep_time(tmp_path: Path, toolbox: Any) -> None:
    sound = toolbox.tone_burst(48000, 6.0, 1.0, 1.2) + toolbox.tone_burst(48000, 6.0, 5.0, 5.2)
    whole = toolbox.write_media(tmp_path / "whole.mp4", sound=sound)
    with av.open(str(whole)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    data = bytearray(whole.read_bytes())
    for position, size in packets[120:140]:
        data[position : position + size] = b"\xff" * size
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    reader = AudioReader(damaged, RATE)
    samples = np.concatenate(list(reader), axis=1)
    assert samples.shape == (2, 6 * RATE)
    assert reader.corrupt_packets > 0
    assert any("corrupt" in warning for warning in reader.warnings)
    quiet = samples.copy()
    quiet[:, int(2.4 * RATE) : int(3.2 * RATE)] = 0
    assert toolbox.burst_times(quiet[:, : 2 * RATE], RATE) == pytest.approx((1.0, 1.2), abs=0.01)
    assert toolbox.burst_times(quiet[:, 4 * RATE :], RATE)[0] == pytest.approx(1.0, abs=0.02)


def test_corrupt_packets_at_the_end_become_silence(tmp_path: Path, toolbox: Any) -> None:
    whole = toolbox.write_media(tmp_path / "whole.mp4", sound=toolbox.tone_burst(48000, 3.0, 1.0, 1.2))
    with av.open(str(whole)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    data = bytearray(whole.read_bytes())
    for position, size in packets[100:]:
        data[position : position + size] = b"\xff" * size
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    assert read_audio(damaged, RATE).shape[1] == pytest.approx(3 * RATE, abs=RATE // 20)


def test_truncated_file_is_read_as_far_as_it_goes(tmp_path: Path, toolbox: Any) -> None:
    whole = toolbox.write_media(
        tmp_path / "whole.wav", sound=toolbox.tone_burst(48000, 6.0, 1.0, 1.2), codec="pcm_s16le", sample_format="s16"
    )
    part = tmp_path / "part.wav"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    samples = read_audio(part, RATE)
    assert samples.shape[1] == pytest.approx(3 * RATE, abs=RATE // 10)
    assert toolbox.burst_times(samples, RATE) == pytest.approx((1.0, 1.2), abs=0.01)


def test_truncated_mp4_with_its_index_in_front_warns(tmp_path: Path, toolbox: Any) -> None:
    whole = toolbox.write_media(tmp_path / "whole.mp4", sound=toolbox.tone_burst(48000, 6.0, 1.0, 5.9))
    front = tmp_path / "front.mp4"
    with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    part = tmp_path / "part.mp4"
    part.write_bytes(front.read_bytes()[: front.stat().st_size // 2])
    reader = AudioReader(part, RATE)
    samples = np.concatenate(list(reader), axis=1)
    assert RATE < samples.shape[1] < 5 * RATE
    assert toolbox.burst_times(samples, RATE)[0] == pytest.approx(1.0, abs=0.01)
    assert any("truncated" in warning or "stopped early" in warning for warning in reader.warnings)


def test_truncated_matroska_with_pictures_warns_and_pictures_that_outlast_the_sound_do_not(
    tmp_path: Path, toolbox: Any
) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (96, 160, 3), dtype=np.uint8) for _ in range(120)]
    whole = toolbox.write_media(
        tmp_path / "whole.mkv", sound=toolbox.tone_burst(48000, 2.0, 1.0, 1.9), pictures=pictures
    )
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    for path, warned in ((whole, False), (part, True)):
        reader = AudioReader(path, RATE)
        seconds = sum(block.shape[1] for block in reader) / RATE
        assert seconds < 2.1
        assert any("the file is truncated: sound ends at" in warning for warning in reader.warnings) == warned


def test_file_without_sound(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(tmp_path / "mute.mp4", pictures=toolbox.brightness_pictures(5))
    with pytest.raises(NoAudioError, match="no sound track"):
        AudioReader(path)


@pytest.mark.parametrize("kind", ["missing", "empty", "junk", "folder", "half mp4"])
def test_unreadable_files(tmp_path: Path, clip: Path, kind: str) -> None:
    path = tmp_path / "bad.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "junk":
        path.write_bytes(np.random.default_rng(0).bytes(5000))
    elif kind == "folder":
        path.mkdir()
    elif kind == "half mp4":
        path.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(UnreadableMediaError, match=r"bad\.mp4"):
        AudioReader(path)


def test_tracks_are_chosen_by_number(tmp_path: Path, toolbox: Any) -> None:
    path = toolbox.write_media(tmp_path / "two.mkv", sound=toolbox.tone_burst(48000, 0.5, 0.1, 0.2), tracks=2)
    np.testing.assert_array_equal(read_audio(path, track=1), read_audio(path, track=0))
    with pytest.raises(NoAudioError, match=r"tracks are 0\.\.1"):
        AudioReader(path, track=2)


def test_iterating_twice_gives_the_same(clip: Path) -> None:
    reader = AudioReader(clip)
    first, second = (np.concatenate(list(reader), axis=1) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert reader.samples == second.shape[1]


def test_odd_file_names_are_no_protocols(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(clip, tmp_path / "take:2 ü%03d.mp4")
    monkeypatch.chdir(tmp_path)
    assert read_audio("take:2 ü%03d.mp4").shape == (2, 48000)


def test_playlists_open_nothing(tmp_path: Path, clip: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises((UnreadableMediaError, NoAudioError)):
        AudioReader(playlist)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "long.wav"
    noise = np.random.default_rng(0).integers(-9000, 9000, 2 * 48000, dtype=np.int16).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48000, 0, "NONE", ""))
        for _ in range(600):
            file.writeframesraw(noise)
    tracemalloc.start()
    total = sum(block.shape[1] for block in AudioReader(path, RATE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 600 * RATE
    # The whole sound would take 115 MB as floats at the target rate, and 230 MB at the source's.
    assert peak < 8_000_000
