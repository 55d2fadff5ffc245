"""Containers as nobody should write them: layouts that change, odd tracks and time stamps, huge covers, playlists."""

from __future__ import annotations

import random
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

RATE: Final = 48_000
SUFFIXES: Final = (".mp4", ".wav", ".m3u8", ".ffconcat", ".concat", ".sdp", ".mpd", ".txt", ".avs", ".ts", ".mkv", "")
_HLS: Final = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{target}\n"
NAMING_OTHERS: Final = (
    _HLS, _HLS + "#EXT-X-ENDLIST\n", "\ufeff" + _HLS, "\n\n" + _HLS, "#EXTM3U\r\n{target}\r\n",
    _HLS.replace("#EXTINF", '#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF'),
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{target}\n", '#EXTM3U\n#EXT-X-MAP:URI="{target}"\n#EXTINF:1,\nx.ts\n',
    "ffconcat version 1.0\nfile '{target}'\n", "# c\nffconcat version 1.0\nfile '{target}'\n", "file '{target}'\n",
    "ffconcat version 1.0\nfile '{target}'\nduration 1e300\ninpoint -5\n" * 3,
    "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><Period><AdaptationSet mimeType='audio/mp4'>"
    "<Representation id='1'><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "[playlist]\nFile1={target}\n", "<ASX version='3.0'><Entry><Ref href='{target}'/></Entry></ASX>",
    "<?xml version='1.0'?><playlist version='1' xmlns='http://xspf.org/ns/0/'><trackList><track><location>{target}"
    "</location></track></trackList></playlist>", ";FFMETADATA1\ntitle={target}\n", 'AVISource("{target}")\n',
    "<?xml version='1.0'?><AssetMap><Path>{target}</Path></AssetMap>", "rtsp://{target}\n", "RTSPtextrtsp://{target}\n",
    "<?xml version='1.0'?><SmoothStreamingMedia MajorVersion='2'><StreamIndex Url='{target}'/></SmoothStreamingMedia>",
    "WEBVTT\n\n00:00.000 --> 00:09.000\n{target}\n", "1\n00:00:00,000 --> 00:00:09,000\n{target}\n",
    "# timestamp format v2\n0\n40\n", "[Script Info]\nTitle: {target}\n[Events]\n", "ply\nformat ascii 1.0\n{target}\n",
)  # fmt: skip


def names_others(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A file that names another one, under any suffix; it must be refused."""
    target = chance.choice((valid / "mp4.mp4", valid / "sound.wav", "sound.wav", "/dev/zero", "http://127.0.0.1:9/x"))
    if chance.random() < 0.15:
        return _sequence(chance, folder)
    path = folder / f"case{chance.choice(SUFFIXES)}"
    text = chance.choice(NAMING_OTHERS).format(target=target) * chance.choice((1, 1, 1, 200))
    path.write_text(text, encoding=chance.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), errors="replace")
    return path


def _sequence(chance: random.Random, folder: Path) -> Path:
    """Numbered pictures, and a file with a pattern for a name that looks like one of them."""
    for number in range(3):
        (folder / f"p{number}.png").write_bytes(picture_bomb(64, 64))
    path = folder / chance.choice(("p%d.png", "p%01d.png", "p%1d.jpg"))
    path.write_bytes(picture_bomb(64, 64) if chance.random() < 0.7 else b"file")
    return path


def layouts(chance: random.Random, valid: Path, folder: Path) -> Path:
    """A stream whose layout and rate change, as joined broadcasts do."""
    codec, format, suffix = chance.choice(
        (("aac", "mpegts", "ts"), ("mp2", "mpegts", "ts"), ("libmp3lame", "mp3", "mp3"), ("aac", "adts", "aac"))
    )
    contents = b""
    for _ in range(chance.choice((2, 3, 5))):
        channels = chance.choice((1, 2, 2, 6 if codec == "aac" else 2))
        rate = chance.choice((RATE, RATE, 44_100, 32_000))
        encoded(folder / "piece", _noise(chance, channels, rate * chance.choice((0.05, 0.5, 1.0))), codec, format, rate)
        contents += (folder / "piece").read_bytes()
    path = folder / f"case.{suffix}"
    path.write_bytes(contents)
    return path


def tracks(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Several sound tracks: mono pairs with and without names, default flags, other rates and lengths."""
    import av
    from av.stream import Disposition

    path = folder / f"case.{chance.choice(('mov', 'mkv', 'mp4', 'nut'))}"
    codec = "pcm_s16le" if path.suffix in (".mov", ".nut") else "aac"
    names = ("Left", "Right", "L", "R", "links", "rechts", "", "commentary", "\u202eLeft")
    with av.open(str(path), "w") as output:
        made: list[Any] = []
        for _ in range(chance.choice((2, 2, 3, 8))):
            layout = chance.choice(("mono", "mono", "stereo", "5.1", "7.1"))
            stream: Any = output.add_stream(codec, rate=chance.choice((RATE, RATE, 44_100)), layout=layout)
            stream.metadata.update({"title": chance.choice(names), "handler_name": chance.choice(names)})
            stream.disposition = chance.choice((Disposition.default, Disposition.comment, Disposition(0)))
            made.append(stream)
        for stream in made:
            count = int(stream.rate * chance.choice((0.1, 1.0)))
            _encode(output, stream, _noise(chance, stream.layout.nb_channels, count))
    return path


def ambisonics(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Four channels under any label that may be first-order ambisonics, or may not."""
    layout = chance.choice(("quad", "4.0", "3.1", "4 channels"))
    suffix, codec = chance.choice((("wav", "pcm_s16le"), ("flac", "flac"), ("mkv", "pcm_s16le"), ("caf", "pcm_s16le")))
    count = RATE * chance.choice((1, 3))
    source, angle = _noise(chance, 1, count)[0], chance.uniform(-3.2, 3.2)
    sound = np.stack([source, source * np.sin(angle), source * 0, source * np.cos(angle)])
    sound += _noise(chance, 4, count) * chance.choice((0.0, 0.05, 1.0))
    sound = sound[chance.sample(range(4), 4)] if chance.random() < 0.4 else sound
    path = folder / f"case.{suffix}"
    try:
        encoded(path, sound.astype(np.float32), codec, {"mkv": "matroska"}.get(suffix, suffix), RATE, layout)
    except (OSError, ValueError):  # a layout that the format does not know
        encoded(path, sound.astype(np.float32), codec, {"mkv": "matroska"}.get(suffix, suffix), RATE, "quad")
    return path


def stamps(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Packets with odd time stamps: negative, far apart, backwards, one sample each."""
    import av

    path = folder / f"case.{chance.choice(('mkv', 'mov', 'nut', 'avi'))}"
    samples = chance.choice((1, 7, 1024, 4800))
    count = min(chance.choice((3, 3, 40, 40, 4000, 4000, 20_000, 60_000)), 300_000 // samples)
    step = chance.choice((samples, samples, samples, 590 * RATE, 0, -samples, samples * 7, 2**33))
    start = chance.choice((0, 0, -34_560, 10 * RATE, -(2**31), 2**40))
    noise = np.random.default_rng(0).integers(-9000, 9000, (samples, 2)).astype("<i2").tobytes()
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as output:
        stream = output.add_stream("pcm_s16le", rate=RATE, layout="stereo")
        output.start_encoding()
        at = start
        for number in range(count):
            packet = av.Packet(noise)
            packet.stream, packet.pts, packet.dts, packet.duration = stream, at, at, samples
            packet.time_base, packet.is_keyframe = Fraction(1, RATE), True
            try:
                output.mux(packet)
            except (OSError, ValueError):  # what the container cannot say
                break
            at += step if number % 3 or step == samples else samples
    return path


def cover(chance: random.Random, valid: Path, folder: Path) -> Path:
    """Sound with a cover picture of far too many pixels, or a picture alone."""
    width, height = chance.choice(((12_000, 12_000), (8000, 3), (1, 60_000), (5000, 5000), (64, 64), (0, 5)))
    bomb = picture_bomb(width, height)
    if chance.random() < 0.3:
        bomb = bomb[:16] + struct.pack(">II", chance.choice((2**31 - 1, 30_000)), 30_000) + bomb[24:]
    if chance.random() < 0.3:
        path = folder / f"case{chance.choice(('.png', '.jpg', '.mp4', '.wav'))}"
        path.write_bytes(bomb)
        return path
    flac = (valid / "flac.flac").read_bytes()
    block = struct.pack(">II", 3, 9) + b"image/png" + struct.pack(">6I", 0, 0, 0, 0, 0, len(bomb)) + bomb
    picture = bytes([6 | flac[4] & 0x80]) + len(block).to_bytes(3, "big") + block
    path = folder / "case.flac"
    path.write_bytes(flac[:4] + bytes([flac[4] & 0x7F]) + flac[5:42] + picture + flac[42:])
    return path


def picture_bomb(width: int, height: int) -> bytes:
    """A black PNG, small in bytes and large in pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def encoded(path: Path, sound: Any, codec: str, format: str, rate: int, layout: str | None = None) -> None:
    """Encode (channels, n) float32 into a file of one track."""
    import av

    with av.open(str(path), "w", format=format) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout or {1: "mono", 2: "stereo", 6: "5.1"}[len(sound)])
        _encode(output, stream, sound)


def _encode(output: Any, stream: Any, sound: Any) -> None:
    import av

    layout = stream.layout.name
    # All channels in one plane: of eight planes and more, PyAV makes nothing good.
    packed = np.ascontiguousarray(np.asarray(sound, np.float32).T.reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = stream.rate, 0, Fraction(1, stream.rate)
    size = stream.codec_context.frame_size or 1024
    resampler = av.AudioResampler(stream.format.name, layout, stream.rate, frame_size=size)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        output.mux(stream.encode(part))
    output.mux(stream.encode(None))


def _noise(chance: random.Random, channels: int, count: float) -> Any:
    made = np.random.default_rng(chance.randrange(2**32)).standard_normal((channels, int(count)))
    return (made * 0.1).astype(np.float32)
