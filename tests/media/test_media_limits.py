"""What a file may ask for: rates, pixels, filled silence, packets."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import wave
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from earwitness.core.errors import MediaLimitError, UnreadableMediaError, UsageError
from earwitness.media.containers.media_limits import MediaLimits
from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import AudioReader


def wave_file(path: Path, rate: int, channels: int = 2, seconds_of_bytes: int = 48_000) -> Path:
    data = bytes(seconds_of_bytes)
    form = struct.pack("<HHIIHH", 1, channels, rate, min(2**32 - 1, rate * 2 * channels), 2 * channels, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def packets(path: Path, starts: list[int], samples: int, rate: int = 48_000) -> Path:
    """PCM packets at given sample positions."""
    noise = np.random.default_rng(0).integers(-9000, 9000, (samples, 2)).astype("<i2").tobytes()
    with av.open(str(path), "w") as output:
        stream = output.add_stream("pcm_s16le", rate=rate, layout="stereo")
        output.start_encoding()
        for start in starts:
            packet = av.Packet(noise)
            packet.stream, packet.pts, packet.dts, packet.duration = stream, start, start, samples
            packet.time_base, packet.is_keyframe = Fraction(1, rate), True
            output.mux(packet)
    return path


@pytest.mark.parametrize("rate", [1, 999, 768_001, 2**31 - 1])
def test_rates_that_no_recorder_has(tmp_path: Path, rate: int) -> None:
    with pytest.raises(MediaLimitError, match=f"{rate} samples per second.*EARWITNESS_M"):
        AudioReader(wave_file(tmp_path / "a.wav", rate))


def test_channels_and_their_limit_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wave_file(tmp_path / "a.wav", 48_000, channels=100)
    with pytest.raises(MediaLimitError, match="100 channels"):
        AudioReader(path)
    monkeypatch.setenv("EARWITNESS_MAX_CHANNELS", "100")
    assert AudioReader(path).source_rate == 48_000


@pytest.mark.parametrize("value", ["", "x", "-3", "0", "1e9"])
def test_a_limit_that_is_none(value: str) -> None:
    with pytest.raises(UsageError, match="EARWITNESS_MAX_PIXELS must be a positive whole number"):
        MediaLimits.from_environment({"EARWITNESS_MAX_PIXELS": value})


def test_gaps_of_minutes_between_packets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packets(tmp_path / "gaps.mkv", [590 * 48_000 * k for k in range(20)], 1024)
    reader = AudioReader(path)
    with pytest.raises(MediaLimitError, match="EARWITNESS_MAX_SILENCE_SECONDS"):
        for _ in reader:
            pass
    assert reader.samples < 700 * reader.rate
    monkeypatch.setenv("EARWITNESS_MAX_SILENCE_SECONDS", "1200")
    few = AudioReader(packets(tmp_path / "few.mkv", [0, 590 * 48_000, 1180 * 48_000], 1024), rate=1000)
    assert sum(block.shape[1] for block in few) == pytest.approx(1180_000, abs=50)


def test_many_tiny_packets_are_read_in_linear_work(tmp_path: Path) -> None:
    reader = AudioReader(packets(tmp_path / "tiny.mkv", list(range(30_000)), 1), rate=48_000)
    blocks = [block.shape[1] for block in reader]
    assert sum(blocks) == 30_000
    assert reader.warnings == []


def test_absurdly_many_packets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARWITNESS_MAX_PACKETS_PER_SECOND", "2000")
    reader = AudioReader(packets(tmp_path / "tiny.mkv", list(range(10_000)), 1))
    with pytest.raises(MediaLimitError, match="packets"):
        list(reader)


def picture_bomb(width: int, height: int) -> bytes:
    """A black PNG, small in bytes and large in pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_huge_picture_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(picture_bomb(12_000, 12_000))
    assert probe(path).audio is None
    with pytest.raises(Exception, match="24000000 pixels"):
        PictureReader(path)


def test_huge_cover_art_costs_nothing(tmp_path: Path, toolbox: Any) -> None:
    path = tmp_path / "cover.flac"
    toolbox.write_media(path, sound=toolbox.tone_burst(48000, 1.0, 0.2, 0.4), codec="flac", sample_format="s16")
    flac, bomb = path.read_bytes(), picture_bomb(12_000, 12_000)
    block = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">6I", 0, 0, 0, 0, 0, len(bomb)) + bomb
    end = 4 + 4 + 34  # the mark, and the block with the stream's facts, which may be the last one
    last = flac[4] & 0x80
    picture = bytes([6 | last]) + len(block).to_bytes(3, "big") + block
    path.write_bytes(flac[:4] + bytes([flac[4] & 0x7F]) + flac[5:end] + picture + flac[end:])
    found = probe(path)
    assert found.video is None
    assert found.audio is not None
    assert sum(block.shape[1] for block in AudioReader(path)) == 24_000


def test_large_videos_keep_their_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    monkeypatch.setenv("EARWITNESS_MAX_PIXELS", "1000")
    found = probe(clip)
    assert found.video is not None
    assert (found.video.width, found.video.height) == (160, 96)
    with pytest.raises(MediaLimitError, match="160x96"):
        PictureReader(clip)
    assert sum(block.shape[1] for block in AudioReader(clip)) == 48_000


def test_pictures_that_stand_for_hours(tmp_path: Path, toolbox: Any) -> None:
    pictures = toolbox.brightness_pictures(6)
    path = toolbox.write_media(tmp_path / "still.mp4", pictures=pictures, times=[590.0 * k for k in range(6)])
    with pytest.raises(MediaLimitError, match="repeated pictures"):
        list(PictureReader(path, fps=1))
    slides = toolbox.write_media(tmp_path / "slides.mp4", pictures=pictures, times=[30.0 * k for k in range(6)])
    assert len(list(PictureReader(slides))) == 6


KINDS = {
    "playlist": "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{clip}\n#EXT-X-ENDLIST\n",
    "live": "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{clip}\n",
    "marked": "\ufeff#EXTM3U\n{clip}\n",
    "concat": "ffconcat version 1.0\nfile '{clip}'\n",
    "session": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="1">'
    "<BaseURL>{clip}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "text": "hello {clip}\n" * 100,
    "metadata": ";FFMETADATA1\ntitle={clip}\n",
    "much text": "<?xml version='1.0'?><AssetMap><Path>{clip}</Path></AssetMap>" * 200,
    "wide text": "#EXTM3U\n{clip}\n" * 300,
    "script": 'AVISource("{clip}")\n',
}


@pytest.mark.parametrize("suffix", [".mp4", ".wav", ".m3u8", ".ffconcat", ".sdp", ".mpd", ".txt", ".avs", ".ts", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_what_names_other_files_is_refused(tmp_path: Path, clip: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"named{suffix}"
    path.write_text(KINDS[kind].format(clip=clip), encoding="utf-16" if kind == "wide text" else "utf-8")
    with pytest.raises(UnreadableMediaError, match=r"named.*: (is|not) "):
        probe(path)


def test_a_name_with_a_pattern_opens_no_sequence(tmp_path: Path) -> None:
    from PIL import Image

    for number in range(3):
        Image.new("RGB", (32, 32), (number, 0, 0)).save(tmp_path / f"p{number}.png")
    (tmp_path / "p%d.png").write_bytes((tmp_path / "p0.png").read_bytes())
    with pytest.raises(UnreadableMediaError, match="rename it"):
        probe(tmp_path / "p%d.png")


def test_interruption_ends_a_long_read(tmp_path: Path) -> None:
    """Ctrl-C while a long file is read."""
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 8_000, 0, "NONE", ""))
        for _ in range(3600):
            file.writeframesraw(bytes(8_000 * 4))
    # Children of a shell's background jobs ignore SIGINT; the program must not.
    program = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "from earwitness.media.sound.audio import AudioReader\nprint('on', flush=True)\n"
    program += "while True:\n    for _ in AudioReader(sys.argv[1]): pass\n"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) != 0
        finally:
            process.kill()


def test_pipes_devices_and_sockets_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # names of sockets are short
        listening.bind("socket.mp4")
        for name in ("pipe.mp4", "zero.wav", "socket.mp4"):
            with pytest.raises(UnreadableMediaError, match="a pipe, a device or a socket"):
                probe(tmp_path / name)


@pytest.mark.parametrize("suffix", [".m3u8", ".txt", ".sdp", ""])
def test_media_is_opened_whatever_its_suffix(tmp_path: Path, clip: Path, suffix: str) -> None:
    path = tmp_path / f"clip{suffix}"
    shutil.copy(clip, path)
    found = probe(path)
    assert found.audio is not None
    assert found.video is not None
