"""Which sound track is read: the default one, a pair of mono ones, or what the user names."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from earwitness.core.errors import NoAudioError, NotStereoError, UsageError
from earwitness.media.containers.probe import probe
from earwitness.media.containers.sound_tracks import parse_track, track_text
from earwitness.media.sound.audio import AudioReader, joined_channels

RATE = 48_000


def write(
    path: Path, tracks: list[Any], codec: str = "aac", names: list[str] | None = None, default: int | None = None
) -> Path:
    """One track for each array (channels, n)."""
    with av.open(str(path), "w") as output:
        streams: list[Any] = []
        for number, sound in enumerate(tracks):
            stream: Any = output.add_stream(codec, rate=RATE, layout="mono" if len(sound) == 1 else "stereo")
            if names:
                stream.metadata["title"] = stream.metadata["handler_name"] = names[number]
            if default is not None:
                stream.disposition = Disposition.default if number == default else Disposition(0)
            streams.append(stream)
        for stream, sound in zip(streams, tracks, strict=True):
            resampler = av.AudioResampler(stream.format.name, stream.layout.name, RATE, frame_size=1024)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=stream.layout.name)
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                output.mux(stream.encode(part))
            output.mux(stream.encode(None))
    return path


def left_right(reader: AudioReader) -> float:
    samples = np.concatenate(list(reader), axis=1)
    left, right = np.abs(samples).max(axis=1)
    return float(left / max(right, 1e-9))


@pytest.fixture(scope="module")
def burst(toolbox: Any) -> Any:
    return toolbox.tone_burst(RATE, 1.5, 0.5, 0.8)


def test_the_default_track_is_read_and_the_others_are_said(tmp_path: Path, burst: Any) -> None:
    path = write(tmp_path / "a.mkv", [burst * 0, burst], default=1)
    reader = AudioReader(path)
    assert reader.track == 1
    assert left_right(reader) == pytest.approx(4, rel=0.1)
    assert reader.warnings == ["the file has 2 sound tracks; track 1 (the default) is read; --track chooses another"]
    audio = probe(path).audio
    assert audio is not None
    assert (audio.tracks, audio.track) == (2, 1)
    named = AudioReader(path, track=0)
    assert np.abs(np.concatenate(list(named), axis=1)).max() < 1e-3
    assert named.warnings == []


def test_a_description_for_the_blind_is_not_the_default(tmp_path: Path, burst: Any) -> None:
    path = write(tmp_path / "a.mkv", [burst * 0, burst])
    assert AudioReader(path).track == 0
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mkv"), "w") as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in source.streams.audio}
        copies[0].disposition = Disposition.visual_impaired
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
    assert AudioReader(tmp_path / "b.mkv").track == 1


@pytest.mark.parametrize(("suffix", "codec"), [("mov", "pcm_s16le"), ("mp4", "aac"), ("mkv", "aac")])
def test_mono_tracks_named_left_and_right_are_joined(tmp_path: Path, burst: Any, suffix: str, codec: str) -> None:
    path = write(tmp_path / f"a.{suffix}", [burst[1:], burst[:1]], codec, names=["Audio Right", "Audio Left"])
    reader = AudioReader(path)
    assert reader.track == (1, 0)
    assert left_right(reader) == pytest.approx(4, rel=0.1)
    assert reader.directional
    assert "left and right" in reader.warnings[0]
    assert reader.undirected == []


@pytest.mark.parametrize("suffix", ["mov", "mkv"])
def test_mono_tracks_without_names_are_not_guessed_at(tmp_path: Path, burst: Any, suffix: str) -> None:
    path = write(tmp_path / f"a.{suffix}", [burst[:1], burst[1:]], "pcm_s16le")
    with pytest.raises(NotStereoError, match=r"2 mono tracks.*--track 0\+1"):
        AudioReader(path)
    assert left_right(AudioReader(path, track=(0, 1))) == pytest.approx(4, rel=0.1)
    assert left_right(AudioReader(path, track=(0, 1), swap=True)) == pytest.approx(0.25, rel=0.1)
    allowed = AudioReader(path, mono="allow")
    assert left_right(allowed) == pytest.approx(1)
    assert "2 sound tracks" in allowed.warnings[0]


def test_two_languages_are_no_pair(tmp_path: Path, burst: Any) -> None:
    path = write(tmp_path / "a.mkv", [burst[:1], burst[1:]], names=["English", "Francais"])
    with pytest.raises(NotStereoError):
        AudioReader(path)


def test_what_cannot_be_chosen(tmp_path: Path, burst: Any) -> None:
    path = write(tmp_path / "a.mkv", [burst, burst[:1]])
    for track in (2, (0, 5)):
        with pytest.raises(NoAudioError):
            AudioReader(path, track=track)
    with pytest.raises(NoAudioError, match="only mono tracks can be joined"):
        AudioReader(path, track=(0, 1))


def test_names_of_tracks() -> None:
    for text, track in (("auto", None), ("3", 3), ("0+1", (0, 1)), ("2+0", (2, 0))):
        assert parse_track(text) == track
        if track is not None:
            assert parse_track(str(track_text(track))) == track
    for text in ("", "-1", "1+1", "0+1+2", "left", "1.5"):
        with pytest.raises(UsageError, match="a track is"):
            parse_track(text)


def test_channels_of_different_lengths_are_padded() -> None:
    def blocks(*sizes: int) -> Any:
        return iter([np.ones((2, size), np.float32) for size in sizes])

    joined = np.concatenate(list(joined_channels(blocks(3, 5), blocks(2, 1, 1))), axis=1)
    assert joined.tolist() == [[1.0] * 8, [1.0] * 4 + [0.0] * 4]


def test_a_negative_start_keeps_all_sound(tmp_path: Path, toolbox: Any) -> None:
    """Times count from the container's start, in sound and in pictures."""
    whole = toolbox.write_media(
        tmp_path / "whole.mkv", sound=toolbox.tone_burst(RATE, 2.0, 0.1, 0.3), codec="pcm_s16le", sample_format="s16",
        pictures=toolbox.brightness_pictures(10), fps=10,
    )  # fmt: skip
    path = tmp_path / "early.mkv"
    with av.open(str(whole)) as source, av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as output:
        copies = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                packet.pts, packet.dts = packet.pts - 700, packet.dts - 700
            packet.stream = copies[packet.stream.index]
            output.mux(packet)
    with av.open(str(path)) as container:
        assert container.start_time == pytest.approx(-700_000, abs=2000)
    samples = np.concatenate(list(AudioReader(path)), axis=1)
    assert samples.shape[1] == pytest.approx(48_000, abs=50)
    assert toolbox.burst_times(samples, 24_000) == pytest.approx((0.1, 0.3), abs=0.01)
    found = probe(path)
    assert found.start == pytest.approx(-0.7, abs=0.01)
    assert found.video is not None
    assert found.video.start == pytest.approx(0.7, abs=0.05)
