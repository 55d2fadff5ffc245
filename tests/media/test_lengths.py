"""Declared lengths, checked in both directions: all sound is read, or a warning says how much lies behind the end."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.sound.audio import AudioReader
from earwitness.media.sound.wav import read_pcm, wav_info
from earwitness.media.sound.wave_header import read_wave_header

RATE = 24_000
SECONDS = 4
PCM = np.random.default_rng(0).integers(-9000, 9000, (SECONDS * RATE, 2)).astype("<i2")
FULL = PCM.nbytes
SHORT = FULL // 4
LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf59.27.100\0"


def riff(
    size: int = FULL, data: bytes = PCM.tobytes(), before: bytes = b"", after: bytes = b"", bits: int = 16
) -> bytes:
    block = 2 * bits // 8
    form = struct.pack("<HHIIHH", 1, 2, RATE, RATE * block, block, bits)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + before + b"data" + struct.pack("<I", size) + data + after
    return b"RIFF" + struct.pack("<I", min(2**32 - 1, size + 36)) + body


def aiff(frames: int, size: int, after: bytes = b"") -> bytes:
    common = (
        b"COMM" + struct.pack(">I", 18) + struct.pack(">hIh", 2, frames, 16) + bytes.fromhex("400dbb80000000000000")
    )
    body = b"AIFF" + common + b"SSND" + struct.pack(">III", size + 8, 0, 0) + PCM.astype(">i2").tobytes() + after
    return b"FORM" + struct.pack(">I", len(body)) + body


def caf(size: int, after: bytes = b"") -> bytes:
    form = struct.pack(">d", RATE) + b"lpcm" + struct.pack(">IIIII", 2, 4, 1, 2, 16)
    head = b"caff\0\1\0\0desc" + struct.pack(">q", 32) + form
    return head + b"data" + struct.pack(">q", size) + bytes(4) + PCM.tobytes() + after


def read(path: Path, content: bytes) -> tuple[float, list[str]]:
    path.write_bytes(content)
    reader = AudioReader(path, RATE)
    return sum(block.shape[1] for block in reader) / RATE, reader.warnings


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
    "aiff": lambda: aiff(SECONDS * RATE, FULL),
    "aiff, chunk after": lambda: aiff(SECONDS * RATE, FULL, b"MARK" + struct.pack(">I", 2) + b"\0\0"),
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
    whole = {"riff": riff(after=LIST), "aiff": aiff(SECONDS * RATE, FULL), "caf": caf(FULL + 4)}[kind]
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


@pytest.mark.parametrize("content", [aiff(RATE, SHORT), caf(SHORT + 4)])
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
        stream = output.add_stream("adpcm_ima_wav", rate=RATE, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(PCM.reshape(1, -1)), format="s16", layout="stereo")
        frame.sample_rate = RATE
        resampler = av.AudioResampler("s16p", "stereo", RATE, frame_size=stream.codec_context.frame_size)
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


@pytest.mark.parametrize("total", [0, RATE, 10 * RATE])
def test_a_flac_whose_total_is_wrong(tmp_path: Path, toolbox: Any, total: int) -> None:
    path = toolbox.write_media(
        tmp_path / "a.flac", sound=toolbox.tone_burst(RATE, 2.0, 0.5, 0.8), rate=RATE, codec="flac", sample_format="s16"
    )
    content = bytearray(path.read_bytes())
    facts = int.from_bytes(content[18:26], "big")
    content[18:26] = (facts >> 36 << 36 | total).to_bytes(8, "big")
    seconds, warnings = read(path, bytes(content))
    assert seconds == pytest.approx(2, abs=0.01)
    assert bool(warnings) == (total > 2 * RATE)
