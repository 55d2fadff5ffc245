"""Which sound track is read (the default one, a pair of mono ones, or what the user names), and how long it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from earwitness.core.errors import NoAudioError, NotStereoError, UnreadableMediaError, UsageError
from earwitness.media.containers.probe import probe
from earwitness.media.containers.sound_tracks import parse_track, track_text
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.conversion import joined_channels
from earwitness.media.sound.wav import read_pcm, wav_info
from earwitness.media.sound.wave_header import read_wave_header

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


PCM_RATE = 24_000
SECONDS = 4
PCM = np.random.default_rng(0).integers(-9000, 9000, (SECONDS * PCM_RATE, 2)).astype("<i2")
FULL = PCM.nbytes
SHORT = FULL // 4
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf59.27.100\0"


def riff(
    size: int = FULL, data: bytes = PCM.tobytes(), before: bytes = b"", after: bytes = b"", bits: int = 16
) -> bytes:
    block = 2 * bits // 8
    form = struct.pack("<HHIIHH", 1, 2, PCM_RATE, PCM_RATE * block, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", size) + data + after
    return b"RIFF" + struct.pack("<I", min(2**32 - 1, size + 36)) + body


def aiff(frames: int, size: int, after: bytes = b"") -> bytes:
    common = (
        b"COMM" + struct.pack(">I", 18) + struct.pack(">hIh", 2, frames, 16) + bytes.fromhex("400dbb80000000000000")
    )
    body = b"AIFF" + common + b"SSND" + struct.pack(">III", size + 8, 0, 0) + PCM.astype(">i2").tobytes() + after
    return b"FORM" + struct.pack(">I", len(body)) + body


def caf(size: int, after: bytes = b"") -> bytes:
    form = struct.pack(">d", PCM_RATE) + b"lpcm" + struct.pack(">IIIII", 2, 4, 1, 2, 16)
    head = b"caff\0\1\0\0desc" + struct.pack(">q", 32) + form
    return head + b"data" + struct.pack(">q", size) + bytes(4) + PCM.tobytes() + after


def read(path: Path, content: bytes) -> tuple[float, list[str]]:
    path.write_bytes(content)
    reader = AudioReader(path, PCM_RATE)
    return sum(block.shape[1] for block in reader) / PCM_RATE, reader.warnings


WHOLE: dict[str, Callable[[], bytes]] = {
    "chunk before": lambda: riff(before=LIST),
    "chunk after": lambda: riff(after=LIST),
    "long chunk after": lambda: riff(after=b"id3 " + struct.pack("<I", 60_000) + bytes([65]) * 60_000),
    "cut chunk after": lambda: riff(after=b"junk" + struct.pack("<I", 9_000) + bytes([65]) * 3_000),
    "tag after": lambda: riff(after=b"TAG" + b"x" * 125),
    "zeros after": lambda: riff(after=bytes(30_000)),
    "odd, padded": lambda: riff(FULL - 1, PCM.tobytes()[:-1], after=b"\0" + LIST, bits=8),
    "odd, not padded": lambda: riff(FULL - 1, PCM.tobytes()[:-1], after=LIST, bits=8),
    **{f"streamed {size:#x}": (lambda size=size: riff(size)) for size in (  # type: ignore[misc]
        0, 2**31 - 1, 2**31 - 37, 2**31, 0x7FFFF000, 2**32 - 1, 2**32 - 37)},
    "aiff": lambda: aiff(SECONDS * PCM_RATE, FULL),
    "aiff, chunk after": lambda: aiff(SECONDS * PCM_RATE, FULL, b"MARK" + struct.pack(">I", 2) + b"\0\0"),
    "caf": lambda: caf(FULL + 4),
    "caf, streamed": lambda: caf(-1),
    "caf, chunk after": lambda: caf(FULL + 4, b"info" + struct.pack(">q", 40_000) + bytes(40_000)),
}  # fmt: skip


@pytest.mark.parametrize("kind", WHOLE)
def test_honest_files_say_nothing(tmp_path: Path, kind: str) -> None:
    seconds, warnings = read(tmp_path / "sound.wav", WHOLE[kind]())
    assert seconds == pytest.approx(SECONDS * (2 if "odd" in kind else 1), abs=1e-3)
    assert warnings == []


@pytest.mark.parametrize(
    ("content", "seconds"), [(riff(SHORT), SECONDS), (riff(SHORT, after=LIST), SECONDS), (riff(SHORT + 1), SECONDS)]
)
def test_what_a_stale_header_leaves_out_is_read_and_said(tmp_path: Path, content: bytes, seconds: float) -> None:
    found, warnings = read(tmp_path / "a.wav", content)
    assert found == pytest.approx(seconds, abs=0.01)
    assert any("declares 1.0 s" in warning and "all 4.0 s were read" in warning for warning in warnings)
    assert wav_info(tmp_path / "a.wav").seconds == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize("kind", ["riff", "aiff", "caf"])
def test_joined_files_are_told_with_the_length_of_the_rest(tmp_path: Path, kind: str) -> None:
    whole = {"riff": riff(after=LIST), "aiff": aiff(SECONDS * PCM_RATE, FULL), "caf": caf(FULL + 4)}[kind]
    found, warnings = read(tmp_path / "a.wav", whole * 2)
    assert found == pytest.approx(SECONDS, abs=0.01)
    assert len(warnings) == 1
    assert "a second file was appended: about 4.0 s" in warnings[0]
    if kind == "riff":
        with pytest.raises(UnreadableMediaError, match=r"two files were joined: 4\.0 s"):
            read_pcm(tmp_path / "a.wav")


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4a", "tta", "w64"])
def test_joined_files_of_other_kinds(tmp_path: Path, toolbox: Any, suffix: str) -> None:
    codec = {"tta": "tta", "w64": "pcm_s16le"}.get(suffix, "aac")
    form = {"tta": {"sample_format": "s16"}, "w64": {"sample_format": "s16"}}.get(suffix, {})
    path = toolbox.write_media(
        tmp_path / f"a.{suffix}", sound=toolbox.tone_burst(48_000, 2.0, 0.5, 0.8), codec=codec, **form
    )
    assert read(path, path.read_bytes())[1] == []
    assert any("a second file was appended" in warning for warning in read(path, path.read_bytes() * 2)[1])


@pytest.mark.parametrize("content", [aiff(PCM_RATE, SHORT), caf(SHORT + 4)])
def test_what_ffmpeg_does_not_read_is_said(tmp_path: Path, content: bytes) -> None:
    found, warnings = read(tmp_path / "a.aiff", content)
    assert found == pytest.approx(1, abs=0.01)
    assert warnings == [
        "the header declares too short a length: about 3.0 s of sound after the declared end was not read; "
        "convert the file to read it"
    ]


@pytest.mark.parametrize("content", [riff()[: 44 + SHORT], riff()[: 45 + SHORT], caf(2 * FULL + 4)])
def test_what_is_cut_short_is_said(tmp_path: Path, content: bytes) -> None:
    _, warnings = read(tmp_path / "a.wav", content)
    assert len(warnings) == 1
    assert "truncated" in warnings[0]


def test_adpcm_is_as_long_as_its_blocks(tmp_path: Path, toolbox: Any) -> None:
    """With a byte rate that is wrong, as old writers have it."""
    import av

    path = tmp_path / "a.wav"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("adpcm_ima_wav", rate=PCM_RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(PCM.reshape(1, -1)), format="s16", layout="stereo")
        frame.sample_rate = PCM_RATE
        resampler = av.AudioResampler("s16p", "stereo", PCM_RATE, frame_size=stream.codec_context.frame_size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    content[28:32] = (8_000).to_bytes(4, "little")
    seconds, warnings = read(path, bytes(content))
    assert seconds == pytest.approx(SECONDS, abs=0.1)
    assert warnings == []
    header = read_wave_header(path)
    assert header is not None
    assert float(header.declared_seconds or 0) == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize("total", [0, PCM_RATE, 10 * PCM_RATE])
def test_a_flac_whose_total_is_wrong(tmp_path: Path, toolbox: Any, total: int) -> None:
    path = toolbox.write_media(
        tmp_path / "a.flac",
        sound=toolbox.tone_burst(PCM_RATE, 2.0, 0.5, 0.8),
        rate=PCM_RATE,
        codec="flac",
        sample_format="s16",
    )
    content = bytearray(path.read_bytes())
    facts = int.from_bytes(content[18:26], "big")
    content[18:26] = (facts >> 36 << 36 | total).to_bytes(8, "big")
    seconds, warnings = read(path, bytes(content))
    assert seconds == pytest.approx(2, abs=0.01)
    assert bool(warnings) == (total > 2 * PCM_RATE)
